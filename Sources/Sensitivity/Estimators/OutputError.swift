public import Models
internal import Tensors

/// Relative output error `‖ΔY‖² / ‖Y‖²` of a layer on its real inputs, per sample.
///
/// Local: it does not know what the rest of the network makes of the error.
/// Cost: one forward pass, and one product per layer and format.
public struct OutputError: SensitivityEstimator {
  /// `output-error`.
  public static let id = "output-error"
  /// One clause.
  public static let summary = "relative squared error of a layer's output on real inputs"
  /// Data decides.
  public static let needsData = true

  /// The only setting.
  public init() {}

  /// A ratio.
  public func unit(for head: OutputHead) -> String { "relative output error" }

  /// One value per sample, summed over the layers of a group and the uses of a layer.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try task.recordedScores(chunk, share: 0.15) { part in
      try RelativeOutputError(part)
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

  /// Forward, and each format once.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    let formats = task.groups.reduce(0) { $0 + $1.formats.count }
    return 2 + Double(formats) / Double(max(1, task.groups.count))
  }
}
