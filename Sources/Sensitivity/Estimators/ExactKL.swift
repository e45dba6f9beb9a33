public import Models
internal import Quantization
internal import Tensors

/// The loss itself, measured: `KL(reference ‖ network with one group in one format)`, group by group.
///
/// Prefix caching: the reference runs once, node by node; at a group's first layer the rest of the
/// network is run from there for each of its formats, so layers before the changed one are never run
/// again. On average that halves the work.
/// Networks without logits are measured by the normalised output error (``OutputLoss``).
/// Cost: about `groups · formats / 2` forward passes per sample.
public struct ExactKL: SensitivityEstimator {
  /// `exact-kl`.
  public static let id = "exact-kl"
  /// One clause.
  public static let summary = "measured KL with one group changed at a time; slow and exact"
  /// Data decides.
  public static let needsData = true

  /// The only setting.
  public init() {}

  /// The network's loss.
  public func unit(for head: OutputHead) -> String { OutputLoss(head: head).unit }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let batches = chunk.batches(limit: task.graph.head == .tokens ? 1 : min(8, chunk.halfCount))
    let collected = Collected<[[[Double]]]>(count: batches.count)
    try Engine.parallel(batches.count, workers: task.workers) { index in
      collected[index] = try recordingGradients(false) {
        try scores(of: chunk.stacked(batches[index]), in: task, share: 1 / Double(batches.count))
      }
    }
    var totals = task.groups.map { $0.formats.map { _ in [Double]() } }
    for scores in collected.values {
      for (group, formats) in scores.enumerated() {
        for (format, values) in formats.enumerated() { totals[group][format] += values }
      }
    }
    return totals
  }

  private func scores(of inputs: [String: Tensor], in task: MeasurementTask, share: Double) throws
    -> [[[Double]]]
  {
    let executor = task.executor
    let loss = OutputLoss(head: task.graph.head)
    let reference = try executor.run(inputs)
    var scores = task.groups.map { $0.formats.map { _ in [Double]() } }
    var prefix = try executor.start(inputs)
    for (index, first) in task.groupsByFirstUse() {
      try executor.advance(&prefix, to: first)
      let group = task.groups[index]
      for (k, format) in group.formats.enumerated() {
        var weights: [ValueID: Tensor] = [:]
        for layer in group.layers.map({ task.graph.layers[$0] }) {
          weights[layer.weight] = try executor.roundTrip(layer, format)
        }
        var rest = prefix
        try executor.advance(&rest, weights: weights)
        scores[index][k] = try loss.perSample(
          reference: reference, output: executor.result(of: rest))
      }
      task.advanced(share / Double(task.groups.count))
    }
    return scores
  }

  /// One batch for each worker: nothing is kept between samples.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    task.workers * (task.graph.head == .tokens ? 1 : 8)
  }

  /// Half a pass for each candidate.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    1.5 + 0.5 * Double(task.groups.reduce(0) { $0 + $1.formats.count })
  }
}

extension MeasurementTask {
  /// Groups with the node of their first use, in the order of the nodes.
  func groupsByFirstUse() -> [(group: Int, node: Int)] {
    groups.enumerated().compactMap { index, group in
      group.layers.compactMap { graph.layers[$0].uses.first }.min().map { (index, $0) }
    }.sorted { $0.node < $1.node }
  }
}
