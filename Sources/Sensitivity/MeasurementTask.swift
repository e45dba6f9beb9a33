public import Models
public import Quantization
public import Tensors
internal import Vocabulary

/// Layers that share a format, with the formats that they may take.
public struct MeasuredGroup: Sendable {
  /// The group's name.
  public var name: String
  /// Indices into the graph's layers.
  public var layers: [Int]
  /// The candidates; every layer of the group accepts each of them.
  public var candidates: [LayerFormat]

  /// The candidates' formats of weights.
  public var formats: [any NumberFormat] { candidates.map(\.weight) }

  /// A group of layers with its candidates.
  public init(name: String, layers: [Int], candidates: [LayerFormat]) {
    self.name = name
    self.layers = layers
    self.candidates = candidates
  }

  /// A group of layers with candidates that leave the inputs alone.
  public init(name: String, layers: [Int], formats: [any NumberFormat]) {
    self.init(name: name, layers: layers, candidates: formats.map { LayerFormat($0) })
  }
}

/// What an estimator works on, the same for all chunks of a run.
public struct MeasurementTask: Sendable {
  /// The network.
  public var executor: Executor
  /// The groups with their candidates.
  public var groups: [MeasuredGroup]
  /// The ranges of the inputs, for candidates that round them with static ones.
  public var ranges: ActivationRanges
  /// Decides everything random.
  public var seed: UInt64
  /// Threads to use, one job each.
  public var workers: Int
  /// Bytes that copies of the measured weights may take.
  public var memory: Int
  /// Told after each piece of work what share of the chunk's work it was, from any thread.
  public var advanced: @Sendable (Double) -> Void

  /// A task.
  public init(
    executor: Executor, groups: [MeasuredGroup], ranges: ActivationRanges = .none, seed: UInt64,
    workers: Int, memory: Int = 3_000_000_000,
    advanced: @escaping @Sendable (Double) -> Void = { _ in }
  ) {
    self.executor = executor
    self.groups = groups
    self.ranges = ranges
    self.seed = seed
    self.workers = workers
    self.memory = memory
    self.advanced = advanced
  }

  /// The network.
  public var graph: Graph { executor.graph }

  /// What is computed in place of a group's layers under a candidate that rounds their inputs.
  func operations(_ group: Int, _ candidate: Int) throws -> [Int: any Models.Operation] {
    let activation = groups[group].candidates[candidate].activation
    return try groups[group].layers.reduce(into: [:]) { all, layer in
      try all.merge(
        graph.operations(of: graph.layers[layer], activation, ranges: ranges)
      ) { $1 }
    }
  }

  /// The share of all weights that a group's candidates make up, for progress.
  func share(of group: Int) -> Double {
    func work(_ group: MeasuredGroup) -> Double {
      Double(group.layers.reduce(0) { $0 + graph.layers[$1].layer.shape.count })
        * Double(group.formats.count)
    }
    return work(groups[group]) / max(1, groups.reduce(0) { $0 + work($1) })
  }
}

/// Some consecutive samples of the calibration data.
public struct SampleChunk: Sendable {
  /// Index of the first one in the whole run.
  public var first: Int
  /// Inputs by name, each with a first axis of one.
  public var samples: [[String: Tensor]]

  /// Samples `first ..< first + samples.count` of a run.
  public init(first: Int, samples: [[String: Tensor]]) {
    self.first = first
    self.samples = samples
  }

  /// Half of the samples: the batch that lets two workers share a small chunk.
  ///
  /// Not a function of the number of workers, which must not change the scores.
  var halfCount: Int { max(1, (samples.count + 1) / 2) }

  /// Runs of samples that can be computed as one batch: neighbours of equal shapes, at most `limit`.
  func batches(limit: Int) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var start = 0
    for k in samples.indices.dropFirst() {
      if k - start >= limit || shapes(samples[k]) != shapes(samples[start]) {
        ranges.append(start..<k)
        start = k
      }
    }
    if start < samples.count { ranges.append(start..<samples.count) }
    return ranges
  }

  /// The inputs of some samples of equal shapes, one after another along the first axis.
  func stacked(_ range: Range<Int>) throws -> [String: Tensor] {
    guard range.count > 1 else { return samples[range.lowerBound] }
    var inputs: [String: Tensor] = [:]
    for name in samples[range.lowerBound].keys.sorted() {
      inputs[name] = try .concatenated(range.compactMap { samples[$0][name] }, axis: 0)
    }
    return inputs
  }

  private func shapes(_ sample: [String: Tensor]) -> [String: [Int]] {
    sample.mapValues { $0.shape }
  }
}
