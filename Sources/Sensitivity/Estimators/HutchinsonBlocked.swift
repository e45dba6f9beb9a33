internal import Models

/// Hessian trace with probes of one layer at a time, times the actual weight error:
/// `½ tr(H) / n · ‖Q(W) − W‖²`.
///
/// As ``Hutchinson``, but the signs are zero outside one layer: `z_l · (H_ll z_l)` has no terms with other
/// layers, which are most of the noise there, and costs a product for each layer. Worth it where few
/// layers are asked for; for all of them ``GaussNewtonTrace`` has neither the noise nor the cost.
/// Cost: a forward and a recorded backward pass, and per probe and layer about two backward passes through
/// the layers behind it.
///
/// Sources: Hutchinson, "A stochastic estimator of the trace of the influence matrix", 1989; Dong et al.,
/// "HAWQ-V2", NeurIPS 2020, which probes block by block.
public struct HutchinsonBlocked: SensitivityEstimator {
  /// `hutchinson-blocked`.
  public static let id = "hutchinson-blocked"
  /// One clause.
  public static let summary =
    "Hessian trace by random probes of one layer at a time x mean squared weight error; slow"
  /// Data decides.
  public static let needsData = true

  private let rule: ProbeRule

  /// Four to eight probes a sample.
  public init() { self.init(leastProbes: 4, mostProbes: 8, tolerance: 0.1) }

  /// Other numbers of probes.
  ///
  /// - Parameter tolerance: Standard error of a sample's whole trace, relative to it, that is enough.
  public init(leastProbes: Int, mostProbes: Int, tolerance: Double) {
    guard leastProbes > 0, mostProbes >= leastProbes else {
      fatalError("at least one probe, got \(leastProbes) to \(mostProbes)")
    }
    rule = ProbeRule(least: leastProbes, most: mostProbes, tolerance: tolerance)
  }

  private var scorer: TraceScorer {
    TraceScorer(factor: 0.5, weightCopies: 4) { [rule] in
      try Traces.blockedHutchinson($0, $1, $2, rule)
    }
  }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try scorer.scores(of: chunk, in: task)
  }

  /// Some for each worker.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    2 * task.workers
  }

  /// Half of the network for each product of each probe.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    4 + 2 * Double(rule.most * task.measuredLayers.count)
  }
}
