public import Models

/// HAWQ-V2's score: average Hessian trace times squared weight error, `tr(H) / n · ‖Q(W) − W‖²`.
///
/// ``Hutchinson`` without its ½, kept apart because published tables are in these units; it orders
/// candidates in the same way.
/// Cost: as ``Hutchinson``.
///
/// Source: Dong et al., "HAWQ-V2: Hessian aware trace-weighted quantization of neural networks",
/// NeurIPS 2020.
public struct HessianError: SensitivityEstimator {
  /// `hessian-error`.
  public static let id = "hessian-error"
  /// One clause.
  public static let summary = "HAWQ-V2: average Hessian trace x squared weight error"
  /// Data decides.
  public static let needsData = true
  /// Around small traces.
  public static let isSigned = true

  private static let rule = ProbeRule(least: 6, most: 16, tolerance: 0.1)
  private var scorer: TraceScorer { Hutchinson.scorer(Self.rule, factor: 1) }

  /// Six to sixteen probes a sample.
  public init() {}

  /// Twice the network's loss.
  public func unit(for head: OutputHead) -> String { "2 x \(OutputLoss(head: head).unit)" }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try scorer.scores(of: chunk, in: task)
  }

  /// Some for each worker.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    scorer.samplesPerChunk(task)
  }

  /// All probes.
  public func forwardPasses(_ task: MeasurementTask) -> Double { 4 + 4 * Double(Self.rule.most) }
}
