internal import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

/// An estimator that takes the output's Fisher information with the actual output change.
public protocol FisherEstimator: SensitivityEstimator {
  /// What is added up before squaring.
  static var pooling: FisherPooling { get }
}

/// What is added up before squaring.
public enum FisherPooling: Sendable {
  /// Nothing: every element of the output is squared.
  case elements
  /// The positions of a sample, per output channel.
  case channels
}

extension FisherEstimator {
  /// Data decides.
  public static var needsData: Bool { true }
  /// The output's change has a part of the input's rounding.
  public static var takesActivations: Bool { true }

  private var scorer: FisherScorer { FisherScorer(pooling: Self.pooling) }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try scorer.scores(of: chunk, in: task)
  }

  /// As many as the recordings of fit into the memory.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) throws
    -> Int
  {
    try scorer.samplesPerChunk(task, sample: sample, memory: memory)
  }

  /// Forward, backward, and each format once.
  public func forwardPasses(_ task: MeasurementTask) -> Double { scorer.forwardPasses(task) }
}

/// What ``FisherOutput`` and ``FisherChannel`` share: recordings of a chunk, then every layer against
/// every format.
struct FisherScorer: Sendable {
  var pooling: FisherPooling

  private var keeping: GradientKeeping { pooling == .elements ? .meanSquare : .everyDraw }

  /// Labels drawn per sample: a sequence has a label at every position, a picture only one.
  private func draws(_ head: OutputHead) -> Int { head == .tokens ? 1 : 8 }

  /// Enough samples in a batch to amortise a call, few enough to share between workers.
  private func batchLimit(_ head: OutputHead) -> Int { head == .tokens ? 1 : 8 }

  func forwardPasses(_ task: MeasurementTask) -> Double {
    let formats = task.groups.reduce(0) { $0 + $1.formats.count }
    return 1 + Double(draws(task.graph.head)) + Double(formats) / Double(max(1, task.groups.count))
  }

  func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) throws -> Int {
    let kept = keeping == .everyDraw ? draws(task.graph.head) : 1
    let bytes = try task.recordedBytes(sample, outputsKept: kept)
    // A pass in flight holds what the backward pass needs, about twice what is recorded once.
    let pass = try 2 * task.recordedBytes(sample, outputsKept: 1) * batchLimit(task.graph.head)
    let chunk = (memory - task.workers * pass) / bytes
    // Where two passes at once are too much, one sample at a time has all workers.
    return chunk < task.workers ? 1 : min(256, chunk)
  }

  func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let head = task.graph.head
    let batches = chunk.batches(limit: min(batchLimit(head), chunk.halfCount))
    let recorder = LayerRecorder(executor: task.executor)
    let collected = Collected<BatchRecording>(count: batches.count)
    let recordingShare = 2 / forwardPasses(task)
    try Engine.parallel(batches.count, workers: task.workers) { index in
      let batch = batches[index]
      collected[index] = try recorder.recordGradients(
        chunk.stacked(batch), firstSample: chunk.first + batch.lowerBound, draws: draws(head),
        seed: task.seed, keeping: keeping)
      task.advanced(recordingShare / Double(batches.count))
    }
    Engine.releaseFreeMemory()
    let recordings = collected.values
    let positions = recordings.flatMap { [Int](repeating: $0.positions, count: $0.samples) }
    return try task.perGroup { index, group in
      var totals = group.formats.map { _ in [Double](repeating: 0, count: chunk.samples.count) }
      for layer in group.layers.map({ task.graph.layers[$0] }) {
        let uses = try RecordedUse.uses(of: layer, in: recordings, graph: task.graph)
        guard uses.allSatisfy({ $0.allSatisfy { !$0.gradients.isEmpty } }) else {
          throw UserError(.failed, "the layer '\(layer.layer.name)' does not reach the output")
        }
        let weight = try task.executor.parameter(layer.weight)
        for (k, candidate) in group.candidates.enumerated() {
          let delta = try task.executor.roundTrip(layer, candidate.weight) - weight
          for (use, node) in zip(uses, layer.uses) {
            let rounding = try candidate.activation.map {
              try task.graph.rounding(of: layer, $0, use: node, ranges: task.ranges)
            }
            let perSample = try use.flatMap {
              try effects(of: $0.change(by: delta, of: weight, rounding: rounding), in: $0)
            }
            for (sample, effect) in perSample.enumerated() {
              // The gradients are of the sum over positions, the loss is the mean.
              totals[k][sample] += effect / Double(positions[sample])
            }
          }
        }
      }
      task.advanced((1 - recordingShare) * task.share(of: index))
      return totals
    }
  }

  /// `½ mean over draws of Σ (g ⊙ ΔY)²` of each sample.
  private func effects(of change: Tensor, in use: RecordedUse) throws -> [Double] {
    switch pooling {
    case .elements:
      return try use.perSample(change * change * use.gradients[0]).map { 0.5 * $0 }
    case .channels:
      var sums = [Double](repeating: 0, count: use.rows.count)
      for gradient in use.gradients {
        let effect = try use.perChannel(change * gradient)
        let squares = try (effect * effect).sum([1]).doubles()
        for (sample, square) in squares.enumerated() { sums[sample] += square }
      }
      return sums.map { 0.5 * $0 / Double(use.gradients.count) }
    }
  }
}
