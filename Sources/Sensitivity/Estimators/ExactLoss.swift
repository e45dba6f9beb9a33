internal import Models

/// The task's own loss, measured: what `−ln p(right answer)` rises by with one group in one format.
///
///     score(g, f) = L(g in f) − L(g as stored)
///
/// Of sequences the right answers are the next tokens, of classes the data's `labels` (an integer array
/// beside the model's inputs in an .npz or .safetensors file). Without labels the stored network's own
/// answers are taken, and vectors are measured as by ``ExactKL``. A quantized network may be right more
/// often on few samples: scores may be negative, and are far noisier than a KL, which they only equal
/// in the mean, where the network's probabilities are right.
/// Cost: that of ``ExactKL``.
public struct ExactLoss: BasedEstimator {
  /// `exact-loss`.
  public static let id = "exact-loss"
  /// One clause.
  public static let summary =
    "measured rise of the task's loss (next tokens, labels), one group changed at a time; slow"
  /// Data decides.
  public static let needsData = true
  /// Differences of losses.
  public static let isSigned = true
  /// The network is run with them.
  public static let takesActivations = true

  private let base: BasePoint?

  /// From the stored network.
  public init() { base = nil }

  /// From another one.
  public init(from base: BasePoint) { self.base = base }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let loss = TaskLoss(head: task.graph.head)
    guard base == nil else {
      return try task.sweep(chunk, from: base) { try loss.perSample(of: $0.output, $0) }
    }
    return try task.sweep(chunk, from: nil) { batch in
      try zip(loss.perSample(of: batch.output, batch), loss.perSample(of: batch.reference, batch))
        .map { $0 - $1 }
    }
  }

  /// One batch for each worker: nothing is kept between samples.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    task.sweptTogether
  }

  /// Half a pass for each candidate.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    task.sweepPasses(isBased: base != nil)
  }
}
