internal import Models
internal import Tensors

/// Fisher information trace times the actual weight error: `½ tr(F) / n · ‖Q(W) − W‖²`.
///
/// `tr(F_l) = E‖∂L/∂W_l‖²` with L the negative log-likelihood of labels drawn from the network's own
/// output, sample by sample (the square of a batch's mean gradient would be far too small). FIT has the
/// mean error of a uniform quantizer, `step² / 12`, in place of the real one, and a like term for
/// activations, which are not quantized here (``ActivationTraces`` measures their part).
/// Cost: one forward pass, one backward pass per drawn label set (one for sequences, which have a
/// label at every position, eight otherwise).
///
/// Source: Zandonati et al., "FIT: A metric for model sensitivity", ICLR 2023.
public struct FisherTrace: SensitivityEstimator {
  /// `fisher-trace`.
  public static let id = "fisher-trace"
  /// One clause.
  public static let summary = "FIT: trace of the Fisher information x mean squared weight error"
  /// Data decides.
  public static let needsData = true

  /// The usual settings.
  public init() {}

  static func draws(_ head: OutputHead) -> Int { head == .tokens ? 1 : 8 }

  private let scorer = TraceScorer(factor: 0.5, weightCopies: 2) { task, sample, inputs in
    let head = task.graph.head
    let draws = FisherTrace.draws(head)
    let rule = ProbeRule(least: draws, most: draws, tolerance: 0)
    return try Traces.squaredGradients(task, inputs, rule) { output, draw in
      let cotangent = try OutputLoss(head: head).cotangent(
        of: output, firstSample: sample, draw: draw, seed: task.seed)
      // The labels of a sequence are independent: the squared norm of their sum is that of the parts.
      let positions = head == .tokens ? output.shape[1] : 1
      return try cotangent * (1 / Double(max(1, positions)).squareRoot())
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

  /// A forward pass, and a backward pass per draw.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    1 + 2 * Double(FisherTrace.draws(task.graph.head))
  }
}
