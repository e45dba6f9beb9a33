public import Models

/// Relevance of a layer times its relative weight error: `R_l · ‖Q(W) − W‖² / ‖W‖²`.
///
/// `R_l` is the share of the network's answer that reaches the layer by relevance propagation with conserving
/// rules (``LayerRelevance``). The source gives bits in the order of relevance; the relative error makes it
/// a score of a format. Where a network is a plain chain all relevance passes through every layer, so that
/// the shares only tell branches apart.
/// Cost: one forward pass, and per node its rule: about two forward and two backward passes.
///
/// Sources: Ranjan and Savakis, "LRP-QViT: Mixed-precision vision transformer quantization via layer-wise
/// relevance propagation", 2024; Chefer, Gur and Wolf, "Transformer interpretability beyond attention
/// visualization", CVPR 2021, for the rules.
public struct Relevance: SensitivityEstimator {
  /// `lrp`.
  public static let id = "lrp"
  /// One clause.
  public static let summary = "layer-wise relevance of the answer x relative weight error"
  /// Data decides.
  public static let needsData = true

  /// The only setting.
  public init() {}

  /// The share of each sample's answer that reaches each layer, `[sample][layer]`, layers in the graph's
  /// order.
  public func shares(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[Double]] {
    try shares(of: chunk, in: task, work: 1)
  }

  func shares(of chunk: SampleChunk, in task: MeasurementTask, work: Double) throws -> [[Double]] {
    try task.perSample(chunk, weightCopies: 1, share: work) { _, inputs in
      try LayerRelevance(task.executor, inputs: inputs).layers
    }
  }

  /// A ratio.
  public func unit(for head: OutputHead) -> String { "relevance x relative weight error" }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let shares = try shares(of: chunk, in: task, work: 0.5)
    return try task.importanceTimesError { group in
      group.layers.map { layer in shares.map { $0[layer] } }
    }
  }

  /// Nothing is kept between samples.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    8 * task.workers
  }

  /// Forward, and the rules.
  public func forwardPasses(_ task: MeasurementTask) -> Double { 7 }
}
