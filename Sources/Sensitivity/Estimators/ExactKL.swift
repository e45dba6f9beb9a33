internal import Models

/// The loss itself, measured: `KL(reference ‖ network with one group in one format)`, group by group.
///
/// Layers before the changed one are never run again, which on average halves the work.
/// Networks without logits are measured by the normalised output error (``OutputLoss``). From a base
/// (``BasedEstimator``) all other groups have the base's formats, and both losses of a difference are
/// against the stored network.
/// Cost: about `groups · formats / 2` forward passes per sample.
public struct ExactKL: BasedEstimator {
  /// `exact-kl`.
  public static let id = "exact-kl"
  /// One clause.
  public static let summary = "measured KL with one group changed at a time; slow and exact"
  /// Data decides.
  public static let needsData = true
  /// The network is run with them.
  public static let takesActivations = true

  private let base: BasePoint?

  /// From the stored network.
  public init() { base = nil }

  /// From another one: scores may be negative.
  public init(from base: BasePoint) { self.base = base }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let loss = OutputLoss(head: task.graph.head)
    return try task.sweep(chunk, from: base) {
      try loss.perSample(reference: $0.reference, output: $0.output)
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
