public import Models
internal import Tensors

/// Relative output error of a layer, positions weighted by the attention that they receive:
/// `Σ_t w_t ‖Δy_t‖² / Σ_t w_t ‖y_t‖²`.
///
/// What is attended to is read by other positions; an error elsewhere stays where it is. Weights are the
/// attention received in the layer's own block, over heads and queries, from 0.01 to 1
/// (`TokenWeights`). Networks without attention, and layers that see no sequence, score as by
/// ``OutputError``.
/// Cost: that of ``OutputError`` and one forward pass.
///
/// Source: Sung et al., "RSQ: Learning from important tokens leads to better quantized LLMs", 2025, which
/// weights GPTQ's Hessian so (attention concentration).
public struct OutputErrorRSQ: SensitivityEstimator {
  /// `output-error-rsq`.
  public static let id = "output-error-rsq"
  /// One clause.
  public static let summary =
    "relative output error, positions weighted by the attention they receive"
  /// Data decides.
  public static let needsData = true

  /// The only setting.
  public init() {}

  /// A ratio.
  public func unit(for head: OutputHead) -> String { "relative output error" }

  /// One value per sample, summed over the layers of a group and the uses of a layer.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let weights = try TokenWeights(chunk, in: task, share: 0.1)
    var rest = task
    rest.advanced = { task.advanced(0.9 * $0) }
    return try rest.recordedScores(chunk, share: 0.15) { part in
      try RelativeOutputError(part, weights: weights(part.layer, part.samples))
    } effect: { error, delta in
      try error(delta)
    }
  }

  /// As many as the recordings of fit into the memory.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) throws
    -> Int
  {
    try task.recordedTogether(sample, memory: memory)
  }

  /// Forward twice, and each format once.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    OutputError().forwardPasses(task) + 1
  }
}
