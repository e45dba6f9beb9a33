public import Models
public import Tensors

/// Outlier score of the weights times their relative error:
/// `max_j (max_i |W_ij| / mean_i |W_ij|) · ‖Q(W) − W‖² / ‖W‖²`.
///
/// `i` runs over output channels, `j` over inputs. QuantMoE-Bench gives more bits to the linear layers of
/// the largest score; the relative error makes it a score of a format.
/// Cost: one round trip of every weight and format; no data.
///
/// Source: Li et al., "Examining post-training quantization for mixture-of-experts: a benchmark", 2024.
public struct Outlier: SensitivityEstimator {
  /// `outlier`.
  public static let id = "outlier"
  /// One clause.
  public static let summary =
    "largest over mean weight of an input x relative weight error; no data"
  /// No data.
  public static let needsData = false

  /// The only setting.
  public init() {}

  /// The largest ratio of a column's largest to its mean magnitude; 1 for zeros.
  ///
  /// - Parameter weights: `[outputs, inputs]`.
  public static func score(of weights: Tensor) throws -> Double {
    let magnitudes = try call("aten::abs", weights)
    let largest = try call("aten::amax", [.tensor(magnitudes), .ints([0]), .bool(false)])
    let mean = try call("aten::clamp", [.tensor(magnitudes.mean([0])), .double(1e-30)])
    let ratio = try call("aten::amax", [.tensor(largest / mean), .ints([0]), .bool(false)]).item()
    return max(1, ratio)
  }

  /// A ratio.
  public func unit(for head: OutputHead) -> String { "outlier ratio x relative weight error" }

  /// The same value for every sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try task.statisticTimesError(chunk) { try Self.score(of: $0) }
  }

  /// Everything at once.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    .max
  }

  /// None.
  public func forwardPasses(_ task: MeasurementTask) -> Double { 0 }
}
