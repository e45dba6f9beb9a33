public import Models

/// Importance of a layer's residual block times its relative weight error:
/// `(1 − cos(block input, block output)) · ‖Q(W) − W‖² / ‖W‖²`.
///
/// A block is one residual sum: attention and feed-forward network are told apart, where ``LayerInputModification``
/// takes both together. The source measures the cosine at feed-forward networks, residual included, and
/// trains a small predictor of it; here it is measured. Layers without a residual count as changing
/// everything, 1.
/// Cost: two forward passes.
///
/// Source: Li et al., "Examining post-training quantization for mixture-of-experts: a benchmark", 2024.
public struct BlockImportance: SensitivityEstimator {
  /// `block-importance`.
  public static let id = "block-importance"
  /// One clause.
  public static let summary = "how much a residual block changes its stream x relative weight error"
  /// Data decides.
  public static let needsData = true

  /// The only setting.
  public init() {}

  /// A ratio.
  public func unit(for head: OutputHead) -> String { "(1 - cos) x relative weight error" }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try task.streamChangeTimesError(chunk, extent: .residual)
  }

  /// Nothing is kept between samples.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    256
  }

  /// Two.
  public func forwardPasses(_ task: MeasurementTask) -> Double { 2 }
}
