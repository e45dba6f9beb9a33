internal import Models

/// Hessian trace by random signs, times the actual weight error: `½ tr(H) / n · ‖Q(W) − W‖²`.
///
/// `tr(H_l)` is the mean of `z_l · (H z)_l` with `z` of random signs over all weights at once: one
/// Hessian-vector product serves every layer (cross terms vanish in the mean, and are noise before).
/// H is the Hessian of the loss to the reference (``OutputLoss``) at the reference, by differentiating
/// the gradient. Probes end when their standard error is a tenth of the network's trace, never on a
/// running mean; each sample has its own, so that the standard error over samples contains their noise.
///
/// Single samples of layers with small traces can be below zero, which only noise can do: they are
/// kept, or the mean would be too large.
/// Cost: a forward and a recorded backward pass, and about two backward passes per probe.
///
/// Sources: Hutchinson, "A stochastic estimator of the trace of the influence matrix", 1989; Dong et al.,
/// "HAWQ-V2", NeurIPS 2020 (``HessianError``).
public struct Hutchinson: SensitivityEstimator {
  /// `hutchinson`.
  public static let id = "hutchinson"
  /// One clause.
  public static let summary = "Hessian trace by random probes x mean squared weight error"
  /// Data decides.
  public static let needsData = true
  /// Around small traces.
  public static let isSigned = true

  private let rule: ProbeRule

  /// Six to sixteen probes a sample.
  public init() { self.init(leastProbes: 6, mostProbes: 16, tolerance: 0.1) }

  /// Other numbers of probes.
  ///
  /// - Parameter tolerance: Standard error of a sample's whole trace, relative to it, that is enough.
  public init(leastProbes: Int, mostProbes: Int, tolerance: Double) {
    guard leastProbes > 0, mostProbes >= leastProbes else {
      fatalError("at least one probe, got \(leastProbes) to \(mostProbes)")
    }
    rule = ProbeRule(least: leastProbes, most: mostProbes, tolerance: tolerance)
  }

  private var scorer: TraceScorer { Self.scorer(rule, factor: 0.5) }

  static func scorer(_ rule: ProbeRule, factor: Double) -> TraceScorer {
    TraceScorer(factor: factor, weightCopies: 4) {
      try Traces.hutchinson($0, $1, $2, rule)
    }
  }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try scorer.scores(of: chunk, in: task)
  }

  /// Some for each worker.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    scorer.samplesPerChunk(task)
  }

  /// All probes.
  public func forwardPasses(_ task: MeasurementTask) -> Double { 4 + 4 * Double(rule.most) }
}
