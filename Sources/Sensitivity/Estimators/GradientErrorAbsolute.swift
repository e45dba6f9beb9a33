public import Models
internal import Tensors

/// Gradient at the low-precision network times the change that led there, element by element in absolute
/// value: `½ Σ |g ⊙ (Q(W) − W)|`.
///
/// ``GradientError`` without the cancellation between weights: it never hides a layer whose terms happen
/// to cancel, and overrates wide layers, whose rounding errors do cancel.
/// Cost: as ``GradientError``.
///
/// Source: AutoRound's `AutoScheme` (there with the gradient of the block's output loss). LLM-MQ has the
/// absolute value of the sum instead.
public struct GradientErrorAbsolute: SensitivityEstimator {
  /// `gradient-error-absolute`.
  public static let id = "gradient-error-absolute"
  /// One clause.
  public static let summary = "as gradient-error, absolute values of all terms"
  /// Data decides.
  public static let needsData = true

  /// The only setting.
  public init() {}

  /// A bound of the network's loss.
  public func unit(for head: OutputHead) -> String {
    "\(OutputLoss(head: head).unit), without cancellation"
  }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try task.gradientsAtLowPrecision(chunk) { gradient, change in
      try 0.5 * call("aten::abs", gradient * change).sum().item()
    }
  }

  /// Reference outputs are all that is kept.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    8 * task.workers
  }

  /// A forward and a backward pass for each format.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    1 + 3 * Double(LowPrecisionPoints(task).points.count)
  }
}
