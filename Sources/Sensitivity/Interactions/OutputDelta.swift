internal import Models
internal import Quantization
internal import Tensors
public import Vocabulary

/// How every candidate alone changes the output; sums of these changes predict any policy.
///
/// The network runs once for each group and format, with that group quantized. The change `Δz` of its
/// output is weighted by a factor `A` of the output's Fisher information at the reference:
///
///     logits:  A = diag(√p) (I − 1 pᵀ) / √positions     AᵀA = (diag(p) − p pᵀ) / positions
///     vectors: A = I / ‖y‖
///
/// so that `½ ‖A Δz‖²` is the loss to second order (``OutputLoss``), and for vectors the loss itself.
/// To first order the changes of several groups add up, hence `½ ‖A Σ Δz_g‖²` for a policy: all cross
/// terms from `groups · formats` passes and not from their squared number. What it leaves out is
/// how a changed group answers to the change of an earlier one.
///
/// The entries (position, class) of `A Δz` are hashed into `dimensions` sums with random signs (feature
/// hashing), drawn from the seed, the sample's index and the entry's number as they are met, so that
/// nothing is stored. Outputs of no more entries are kept as they are. Scores are `½ ‖A Δz‖²` from
/// before the hashing.
/// Cost: that of `exact-kl` (the same prefix caching), and a pass over the logits.
///
/// Reference for the projection: Weinberger et al., "Feature hashing for large scale multitask
/// learning", ICML 2009.
public struct OutputDelta: InteractionEstimator {
  /// `output-delta`.
  public static let id = "output-delta"
  /// One clause.
  public static let summary =
    "change of the output per group and format, sketched: cross terms for --optimizer quadratic"
  /// Data decides.
  public static let needsData = true

  /// Numbers kept of one sample's change.
  public var dimensions: Int

  /// 256 numbers a sample.
  public init() { dimensions = 256 }

  /// Sketches of another size: an estimated product errs by `1 / √dimensions` of the norms.
  public init(dimensions: Int) {
    guard dimensions > 0 else { fatalError("at least one dimension, got \(dimensions)") }
    self.dimensions = dimensions
  }

  /// Losses and sketches of every candidate: what ``sketches(of:in:)`` gives.
  public func interactions(of chunk: SampleChunk, in task: MeasurementTask) throws
    -> OutputSketches
  {
    try sketches(of: chunk, in: task)
  }

  /// Losses and sketches of every candidate.
  ///
  /// - Throws: `UserError` when a group never ran.
  public func sketches(of chunk: SampleChunk, in task: MeasurementTask) throws -> OutputSketches {
    try task.checkThatAllRan()
    let order = task.groupsByFirstUse()
    let batches = chunk.batches(limit: task.graph.head == .tokens ? 1 : min(8, chunk.halfCount))
    let collected = Collected<OutputSketches>(count: batches.count)
    try Engine.parallel(batches.count, workers: task.workers) { index in
      collected[index] = try recordingGradients(false) {
        try sketches(of: batches[index], in: chunk, task, order, share: 1 / Double(batches.count))
      }
    }
    return try .joined(collected.values)
  }

  private func sketches(
    of batch: Range<Int>, in chunk: SampleChunk, _ task: MeasurementTask,
    _ order: [(group: Int, node: Int)], share: Double
  ) throws -> OutputSketches {
    let executor = task.executor
    let inputs = try chunk.stacked(batch)
    let reference = try executor.run(inputs)
    let samples = reference.shape[0]
    let entries = reference.count / max(1, samples)
    // Sequences differ in length and must not differ in sketches.
    let dimension = task.graph.head == .tokens ? dimensions : min(dimensions, entries)
    let factor = try FisherFactor(at: reference, head: task.graph.head)
    var results = task.groups.map {
      $0.formats.map { _ in (losses: [Double](), sketch: [Float]()) }
    }
    var prefix = try executor.start(inputs)
    for (index, first) in order {
      try executor.advance(&prefix, to: first)
      for (k, format) in task.groups[index].formats.enumerated() {
        var weights: [ValueID: Tensor] = [:]
        for layer in task.groups[index].layers.map({ task.graph.layers[$0] }) {
          weights[layer.weight] = try executor.roundTrip(layer, format)
        }
        var rest = prefix
        try executor.advance(&rest, weights: weights)
        let change = try factor.weighted(executor.result(of: rest) - reference)
        let squares = try (change * change).sum([1]).doubles()
        guard squares.allSatisfy(\.isFinite) else {
          throw UserError(
            .failed,
            "'\(task.groups[index].name)' in \(format.name) makes the network's output infinite or "
              + "not a number")
        }
        results[index][k] = (
          squares.map { 0.5 * $0 },
          try sketch(
            change, firstSample: chunk.first + batch.lowerBound, dimension: dimension,
            seed: task.seed)
        )
      }
      task.advanced(share / Double(task.groups.count))
    }
    let rows = results.flatMap { $0 }
    return OutputSketches(
      candidateCounts: task.groups.map(\.formats.count), samples: samples, dimension: dimension,
      singles: rows.flatMap(\.losses), sketches: rows.flatMap(\.sketch))
  }

  /// Sketches of the rows of `change`, `[samples, entries]`, one after another.
  private func sketch(_ change: Tensor, firstSample: Int, dimension: Int, seed: UInt64) throws
    -> [Float]
  {
    let (samples, entries) = (change.shape[0], change.shape[1])
    return try change.contiguous().withFloats { values in
      var result: [Float] = []
      result.reserveCapacity(samples * dimension)
      for sample in 0..<samples {
        var sums = [Double](repeating: 0, count: dimension)
        let start = sample * entries
        if entries <= dimension {
          for entry in 0..<entries { sums[entry] = Double(values[start + entry]) }
        } else {
          var generator = SplitMix64(seed: seed, job: firstSample + sample)
          for entry in 0..<entries {
            let bits = generator.next()
            // The upper half of a product of 32 bits scales to the number of sums, without division.
            let place = Int(((bits & 0xFFFF_FFFF) &* UInt64(dimension)) >> 32)
            let value = Double(values[start + entry])
            sums[place] += bits >> 63 == 0 ? value : -value
          }
        }
        for sum in sums { result.append(Float(sum)) }
      }
      return result
    }
  }

  /// One batch for each worker.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    task.sweptTogether
  }

  /// Half a pass for each candidate.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    task.sweepPasses(isBased: false)
  }
}

/// A factor `A` of the output's Fisher information, `AᵀA = F`, of a batch.
struct FisherFactor {
  private let head: OutputHead
  private let samples: Int
  /// `p`, `[rows, classes]`, of logits and `1 / ‖y‖`, `[samples, 1]`, of vectors.
  private let scale: Tensor
  /// `√(p / positions)` of logits.
  private let root: Tensor?

  /// The factor at the reference's output, first axis samples.
  init(at reference: Tensor, head: OutputHead) throws {
    self.head = head
    samples = reference.shape[0]
    guard head != .vector else {
      let rows = try reference.reshaped([samples, -1])
      let squares = try (rows * rows).sum([1]).doubles()
      scale = Tensor(squares.map { Float(1 / max($0, 1e-30).squareRoot()) }, shape: [samples, 1])
      root = nil
      return
    }
    let classes = reference.shape.last ?? 1
    let logits = try reference.reshaped([-1, classes])
    let positions = max(1, logits.shape[0] / max(1, samples))
    scale = try logits.softmax(-1)
    root = try call("aten::sqrt", scale * (1 / Double(positions)))
  }

  /// `A Δz`, `[samples, entries]`.
  func weighted(_ change: Tensor) throws -> Tensor {
    guard let root else { return try change.reshaped([samples, -1]) * scale }
    let rows = try change.reshaped([-1, change.shape.last ?? 1])
    let mean = try (rows * scale).sum([1], keep: true)
    return try (root * (rows - mean)).reshaped([samples, -1])
  }
}
