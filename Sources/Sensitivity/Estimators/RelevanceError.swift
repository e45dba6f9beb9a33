public import Models
internal import Vocabulary

/// Relevance of a layer times the measured relative error of its output: `R_l · ‖ΔY‖² / ‖Y‖²`.
///
/// ``Relevance`` with ``OutputError`` in place of the relative weight error: relevance alone was not enough
/// for its own authors, whose later work multiplies in a measured sensitivity.
/// Cost: that of both.
///
/// Source: Ranjan and Savakis, "Mix-QViT: Mixed-precision vision transformer quantization driven by layer
/// importance and quantization sensitivity", 2025.
public struct RelevanceError: SensitivityEstimator {
  /// `lrp-error`.
  public static let id = "lrp-error"
  /// One clause.
  public static let summary = "layer-wise relevance of the answer x relative output error"
  /// Data decides.
  public static let needsData = true

  /// The only setting.
  public init() {}

  /// A ratio.
  public func unit(for head: OutputHead) -> String { "relevance x relative output error" }

  /// One value per sample, summed over the layers of a group.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let shares = try Relevance().shares(of: chunk, in: task, work: 0.5)
    // Every layer of a group by itself, since each has its own relevance.
    var single = task
    single.groups = task.groups.flatMap { group in
      group.layers.map {
        MeasuredGroup(name: task.graph.layers[$0].layer.name, layers: [$0], formats: group.formats)
      }
    }
    let advanced = task.advanced
    single.advanced = { advanced(0.5 * $0) }
    let errors = try OutputError().scores(of: chunk, in: single)
    var next = 0
    return task.groups.map { group in
      defer { next += group.layers.count }
      return group.formats.indices.map { format in
        chunk.samples.indices.map { sample in
          group.layers.enumerated().reduce(0) { sum, layer in
            sum + shares[sample][layer.element] * errors[next + layer.offset][format][sample]
          }
        }
      }
    }
  }

  /// As many as the recordings of fit into the memory.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) throws
    -> Int
  {
    try OutputError().samplesPerChunk(task, sample: sample, memory: memory)
  }

  /// Those of both.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    Relevance().forwardPasses(task) + OutputError().forwardPasses(task)
  }
}
