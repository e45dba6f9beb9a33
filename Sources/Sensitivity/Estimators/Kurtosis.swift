public import Models
public import Tensors

/// Kurtosis of the weights times their relative error: `E[(w − μ)⁴] / σ⁴ · ‖Q(W) − W‖² / ‖W‖²`.
///
/// Heavy tails stretch a quantizer's range. The literature ranks channels or layers by kurtosis alone;
/// the relative error makes it a score of a format. The kurtosis is 3 for a normal distribution, 1 at
/// least; 3 is taken where all weights are equal.
/// Cost: one round trip of every weight and format; no data.
///
/// Source: MPQ-DM, "Mixed precision quantization for extremely low bit diffusion models", AAAI 2025,
/// which gives more bits to channels of high kurtosis.
public struct Kurtosis: SensitivityEstimator {
  /// `kurtosis`.
  public static let id = "kurtosis"
  /// One clause.
  public static let summary = "kurtosis of the weights x relative weight error; no data"
  /// No data.
  public static let needsData = false

  /// The only setting.
  public init() {}

  /// The fourth standardised moment of some weights.
  public static func kurtosis(of weights: Tensor) throws -> Double {
    let values = try weights.reshaped([-1]).converted(to: .float32)
    let centred = try values - values.mean([0])
    let squares = try centred * centred
    let variance = try squares.sum().item() / Double(max(1, weights.count))
    guard variance > 1e-30 else { return 3 }
    // Standardised before the fourth power, which would leave the range of singles.
    let standardised = try squares * (1 / variance)
    return try standardised.squaredNorm() / Double(weights.count)
  }

  /// A ratio.
  public func unit(for head: OutputHead) -> String { "kurtosis x relative weight error" }

  /// The same value for every sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try task.statisticTimesError(chunk) { try Self.kurtosis(of: $0) }
  }

  /// Everything at once.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    .max
  }

  /// None.
  public func forwardPasses(_ task: MeasurementTask) -> Double { 0 }
}
