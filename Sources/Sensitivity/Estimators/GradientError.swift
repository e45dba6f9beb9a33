internal import Models
internal import Tensors

/// Gradient at the low-precision network times the change that led there, signed: `½ gᵀ (Q(W) − W)`.
///
/// `g` is the gradient of the loss to the reference (``OutputLoss``) with all groups in the candidate's
/// format: at the reference itself it is zero. Were the loss quadratic, the scores of one format would add
/// up to the loss of that uniform network, each group with half of its cross terms with the others, which
/// can make a group's share negative: the sign is kept.
/// Cost: a forward and a backward pass for every format, and one forward pass.
///
/// Sources: mlx-lm's `dynamic_quant` (there per million weights, and for one pair of widths); the ½ makes
/// it a loss (the integral of the gradient along the way, by the trapezoidal rule).
public struct GradientError: SensitivityEstimator {
  /// `gradient-error`.
  public static let id = "gradient-error"
  /// One clause.
  public static let summary = "gradient of the loss of the low-precision network x weight change"
  /// Data decides.
  public static let needsData = true
  /// Shares of a loss.
  public static let isSigned = true

  /// The only setting.
  public init() {}

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try task.gradientsAtLowPrecision(chunk) { gradient, change in
      try 0.5 * call("aten::dot", gradient.reshaped([-1]), change.reshaped([-1])).item()
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
