public import Models
public import Tensors

/// Z-score distribution: `(1 − ZD) · ‖Q(W) − W‖² / ‖W‖²`, ZD the share of weights more than one standard
/// deviation above the mean.
///
/// Fewer such weights mean a more important layer, says the source, which ranks whole blocks (here each
/// layer has its own share) and gives the first of them the larger of two widths; `1 − ZD` keeps the
/// order, and the relative error makes it a score of a format. One-sided, as the source's formula.
/// Cost: one round trip of every weight and format; no data. A cheap baseline: the shares of real layers
/// hardly differ.
///
/// Source: Dumitru et al., "Layer-wise quantization: a pragmatic and effective method for quantizing LLMs
/// beyond integer bit-levels", 2024.
public struct ZScoreDistribution: SensitivityEstimator {
  /// `zd`.
  public static let id = "zd"
  /// One clause.
  public static let summary = "share of weights within a deviation x relative weight error; no data"
  /// No data.
  public static let needsData = false

  /// The only setting.
  public init() {}

  /// The share of weights with `(w − μ) / σ > 1`; zero where all are equal.
  public static func share(of weights: Tensor) throws -> Double {
    let values = try weights.reshaped([-1]).converted(to: .float32)
    let centred = try values - values.mean([0])
    let deviation = try (centred.squaredNorm() / Double(max(1, weights.count))).squareRoot()
    guard deviation > 0 else { return 0 }
    let above = try call("aten::gt.Scalar", [.tensor(centred), .double(deviation)])
    return try above.sum().item() / Double(weights.count)
  }

  /// A ratio.
  public func unit(for head: OutputHead) -> String { "(1 - ZD) x relative weight error" }

  /// The same value for every sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try task.statisticTimesError(chunk) { 1 - (try Self.share(of: $0)) }
  }

  /// Everything at once.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    .max
  }

  /// None.
  public func forwardPasses(_ task: MeasurementTask) -> Double { 0 }
}
