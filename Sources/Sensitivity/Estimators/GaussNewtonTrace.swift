internal import Models
internal import Tensors

/// Gauss-Newton trace with little noise, times the actual weight error: `½ tr(G) / n · ‖Q(W) − W‖²`.
///
/// `G = Jᵀ F J` with F the output's Fisher information, known in closed form; where the loss is the
/// distance to the reference, it is the Hessian. `tr(G_l)` is the mean of `‖J_lᵀ Aᵀ r‖²` over random signs
/// `r`, `AᵀA = F`: gradients and no second derivatives, no cross terms between layers (which are most of
/// the noise of ``Hutchinson``), and never below zero. Exact for each sample but for the signs.
/// Cost: one forward pass, one backward pass per probe.
///
/// Source: Schraudolph, "Fast curvature matrix-vector products for second-order gradient descent",
/// Neural Computation 14 (2002), for the Gauss-Newton matrix of matching losses.
public struct GaussNewtonTrace: SensitivityEstimator {
  /// `gauss-newton-trace`.
  public static let id = "gauss-newton-trace"
  /// One clause.
  public static let summary =
    "Hessian trace from gradients, low in noise, x mean squared weight error"
  /// Data decides.
  public static let needsData = true

  private let probes: Int

  /// Four probes a sample.
  public init() { probes = 4 }

  /// Another number of probes.
  public init(probes: Int) {
    guard probes > 0 else { fatalError("at least one probe, got \(probes)") }
    self.probes = probes
  }

  private var scorer: TraceScorer {
    let rule = ProbeRule(least: probes, most: probes, tolerance: 0)
    return TraceScorer(factor: 0.5, weightCopies: 2) { task, sample, inputs in
      let head = task.graph.head
      return try Traces.squaredGradients(task, inputs, rule) { output, probe in
        var signs = RandomSigns(seed: task.seed, sample: sample, probe: probe)
        return try FisherRoot(at: output, head: head).cotangent(signs.next(output.shape))
      }
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

  /// A forward pass, and a backward pass per probe.
  public func forwardPasses(_ task: MeasurementTask) -> Double { 1 + 2 * Double(probes) }
}
