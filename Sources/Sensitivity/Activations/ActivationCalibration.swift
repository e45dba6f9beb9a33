public import Models
public import Quantization
public import Tensors
internal import Vocabulary

/// Finds the static ranges of layers' inputs from calibration data.
///
/// Two forward passes a sample: one for extremes, one for counts over bins between them (only where a
/// method needs counts). Samples count in their order: a format that is calibrated on `@N` of them takes
/// the first `N`.
public struct ActivationCalibration: Sendable {
  private let executor: Executor
  private let workers: Int

  /// A calibration of a network's layers.
  public init(executor: Executor, workers: Int) {
    self.executor = executor
    self.workers = workers
  }

  /// The ranges of layers for formats.
  ///
  /// - Parameters:
  ///   - wanted: Formats by layer's index; dynamic ones need nothing.
  ///   - samples: Inputs by name, each with a first axis of one; at least one.
  ///   - advanced: Told the share of all work after each piece. Called from any thread.
  /// - Throws: `UserError` when a layer never ran, or a number that is not finite went into it.
  public func ranges(
    _ wanted: [Int: [ActivationFormat]], samples: [[String: Tensor]],
    advanced: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws -> ActivationRanges {
    let statics = wanted.mapValues { $0.filter { !$0.isDynamic } }.filter { !$0.value.isEmpty }
    var ranges = ActivationRanges()
    let sizes = Set(statics.values.flatMap { $0.map { min($0.samples ?? .max, samples.count) } })
    for (place, size) in sizes.sorted().enumerated() {
      let formats = statics.mapValues {
        $0.filter { min($0.samples ?? .max, samples.count) == size }
      }.filter { !$0.value.isEmpty }
      let needsCounts = formats.values.contains {
        $0.contains { $0.granularity == .tensor && $0.method != .extremes && $0.method != .average }
      }
      let statistics = try statistics(
        of: formats.keys.sorted(), samples: Array(samples.prefix(size)), counting: needsCounts)
      for layer in formats.keys.sorted() {
        guard let found = statistics[layer] else { continue }
        for format in formats[layer] ?? [] {
          ranges.add(executor.graph.layers[layer].layer.name, found, for: format)
        }
      }
      advanced(1 / Double(sizes.count))
      _ = place
    }
    return ranges
  }

  /// The statistics of some layers' inputs over samples.
  func statistics(of layers: [Int], samples: [[String: Tensor]], counting: Bool) throws
    -> [Int: ActivationStatistics]
  {
    let graph = executor.graph
    // Layers that read the same value share its statistics, so each value is looked at once.
    var values: [ValueID: Bool] = [:]
    var reads: [Int: [ValueID]] = [:]
    for layer in layers {
      for use in graph.layers[layer].uses {
        guard let operation = graph.nodes[use].operation as? any WeightedOperation,
          operation.kind != .embedding, let input = graph.nodes[use].inputs[0]
        else { continue }
        values[input] = operation.kind == .convolution
        reads[layer, default: []].append(input)
      }
    }
    let sums = try gathered(values, samples: samples) { _ in nil }
    var known = sums
    if counting {
      let counted = try gathered(values, samples: samples) { sums[$0]?.statistics }
      for (value, sum) in counted { known[value] = sum }
    }
    return reads.compactMapValues { inputs in
      inputs.compactMap { known[$0]?.statistics }.reduce(nil) { $0?.joined($1) ?? $1 }
    }
  }

  /// Adds up what every sample says, in the samples' order.
  private func gathered(
    _ values: [ValueID: Bool], samples: [[String: Tensor]],
    extremes: @escaping @Sendable (ValueID) -> ActivationStatistics?
  ) throws -> [ValueID: StatisticsSum] {
    let executor = executor
    let parts = Collected<[ValueID: ActivationStatistics]>(count: samples.count)
    try Engine.parallel(samples.count, workers: workers) { k in
      parts[k] = try recordingGradients(false) {
        var found: [ValueID: ActivationStatistics] = [:]
        var execution = try executor.start(samples[k])
        try executor.advance(&execution) { node, inputs, results in
          guard let value = executor.graph.nodes[node].inputs.first ?? nil,
            let isConvolution = values[value], found[value] == nil, let input = inputs[0]
          else { return results }
          found[value] = try .init(of: input, isConvolution: isConvolution, within: extremes(value))
          return results
        }
        return found
      }
    }
    var sums: [ValueID: StatisticsSum] = [:]
    for part in parts.values {
      for (value, statistics) in part {
        sums[value, default: StatisticsSum()].add(statistics)
      }
    }
    return sums
  }
}

/// Statistics of several samples.
private struct StatisticsSum {
  var statistics: ActivationStatistics?
  private var count: Float = 0

  mutating func add(_ other: ActivationStatistics) {
    count += 1
    guard var sum = statistics else {
      statistics = other
      return
    }
    let (low, high) = (sum.averageLow, sum.averageHigh)
    sum = sum.joined(other)
    sum.averageLow = low + (other.averageLow - low) / count
    sum.averageHigh = high + (other.averageHigh - high) / count
    statistics = sum
  }
}

extension ActivationStatistics {
  /// The statistics of one sample's input to a layer.
  ///
  /// - Parameter known: The extremes over all samples, between which is counted; nil counts nothing.
  fileprivate init(of input: Tensor, isConvolution: Bool, within known: ActivationStatistics?)
    throws
  {
    let axis = isConvolution ? 1 : input.rank - 1
    let others = (0..<input.rank).filter { $0 != axis }
    let lows = try (others.isEmpty ? input : call("aten::amin", [.tensor(input), .ints(others)]))
      .floats()
    let highs = try (others.isEmpty ? input : call("aten::amax", [.tensor(input), .ints(others)]))
      .floats()
    guard let low = lows.min(), let high = highs.max(), low.isFinite, high.isFinite else {
      throw UserError(
        .failed, "a layer's input is empty, infinite or not a number while ranges are calibrated")
    }
    self.init(
      low: known?.low ?? low, high: known?.high ?? high, averageLow: low, averageHigh: high,
      channelLows: lows, channelHighs: highs)
    guard let known, known.high > known.low else { return }
    func counts(_ values: Tensor, _ low: Float, _ high: Float) throws -> [Double] {
      try call(
        "aten::histc",
        [
          .tensor(values), .int(Self.binCount), .double(Double(low)), .double(Double(high)),
        ]
      ).doubles()
    }
    let values = try input.contiguous().reshaped([-1])
    self.counts = try counts(values, known.low, known.high)
    magnitudes = try counts(call("aten::abs", values), 0, known.reach)
  }

  /// What two uses, or two samples, say together; averages are those of the first.
  fileprivate func joined(_ other: ActivationStatistics) -> ActivationStatistics {
    var sum = self
    sum.low = min(low, other.low)
    sum.high = max(high, other.high)
    // Uses of a layer with different channels (there are none) would share no range.
    sum.channelLows = zip(channelLows, other.channelLows).map { min($0, $1) }
    sum.channelHighs = zip(channelHighs, other.channelHighs).map { max($0, $1) }
    sum.counts = zip(counts, other.counts).map { $0 + $1 }
    sum.magnitudes = zip(magnitudes, other.magnitudes).map { $0 + $1 }
    return sum
  }
}
