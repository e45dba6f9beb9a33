public import Models

/// Layer input modification of a layer's block times its relative weight error:
/// `(1 − cos(block input, block output)) · ‖Q(W) − W‖² / ‖W‖²`.
///
/// `LIM = −cos` ranks blocks: one that changes its stream more is more important. `1 + LIM` keeps the order
/// and is zero for a block that changes nothing; the relative error makes it a score of a format. A block
/// is what is named alike up to the first number (`model.layers.3.`), from the stream that enters its
/// first residual sum to the one that leaves its last. Layers outside of blocks (embeddings, heads,
/// convolutions without a residual) count as changing everything, 1.
/// Cost: two forward passes.
///
/// Source: Dumitru et al., "Layer-wise quantization: a pragmatic and effective method for quantizing LLMs
/// beyond integer bit-levels", 2024, which gives the first blocks of the order the larger of two widths.
public struct LayerInputModification: SensitivityEstimator {
  /// `lim`.
  public static let id = "lim"
  /// One clause.
  public static let summary = "how much a block changes its input x relative weight error"
  /// Data decides.
  public static let needsData = true

  /// The only setting.
  public init() {}

  /// `1 − cos` of every layer's block at one sample, by layer of the graph.
  package func importance(of sample: SampleChunk, in task: MeasurementTask) throws -> [Double] {
    try task.streamChanges(sample.samples[0], extent: .named)
  }

  /// A ratio.
  public func unit(for head: OutputHead) -> String { "(1 - cos) x relative weight error" }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try task.streamChangeTimesError(chunk, extent: .named)
  }

  /// Nothing is kept between samples.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    256
  }

  /// Two.
  public func forwardPasses(_ task: MeasurementTask) -> Double { 2 }
}
