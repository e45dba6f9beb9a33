internal import Models
internal import Quantization
internal import Tensors

extension MeasurementTask {
  /// Runs the network with one group in one format at a time, and compares its outputs with the
  /// reference's.
  ///
  /// Prefix caching: the reference runs once, node by node; at a group's first layer the rest of the
  /// network is run from there for each of its formats, so layers before the changed one are never run
  /// again.
  /// - Parameters:
  ///   - base: Weights that everything but the group has in place of its own; the reference has not.
  ///   - compare: Given the reference's and the changed output of a batch, the value of each sample.
  /// - Returns: `[group][format][sample]`.
  func singleGroupSweep(
    _ chunk: SampleChunk, from base: [ValueID: Tensor] = [:],
    _ compare: @escaping @Sendable (_ reference: Tensor, _ output: Tensor) throws -> [Double]
  ) throws -> [[[Double]]] {
    let batches = chunk.batches(limit: graph.head == .tokens ? 1 : min(8, chunk.halfCount))
    let collected = Collected<[[[Double]]]>(count: batches.count)
    try Engine.parallel(batches.count, workers: workers) { index in
      collected[index] = try recordingGradients(false) {
        try sweep(
          chunk.stacked(batches[index]), base, share: 1 / Double(batches.count), compare)
      }
    }
    var totals = groups.map { $0.formats.map { _ in [Double]() } }
    for scores in collected.values {
      for (group, formats) in scores.enumerated() {
        for (format, values) in formats.enumerated() { totals[group][format] += values }
      }
    }
    return totals
  }

  private func sweep(
    _ inputs: [String: Tensor], _ base: [ValueID: Tensor], share: Double,
    _ compare: (Tensor, Tensor) throws -> [Double]
  ) throws -> [[[Double]]] {
    let reference = try executor.run(inputs)
    var scores = groups.map { $0.formats.map { _ in [Double]() } }
    var prefix = try executor.start(inputs)
    for (index, first) in groupsByFirstUse() {
      try executor.advance(&prefix, to: first, weights: base)
      for (k, format) in groups[index].formats.enumerated() {
        var weights = base
        for layer in groups[index].layers.map({ graph.layers[$0] }) {
          weights[layer.weight] = try executor.roundTrip(layer, format)
        }
        var rest = prefix
        try executor.advance(&rest, weights: weights)
        scores[index][k] = try compare(reference, executor.result(of: rest))
      }
      advanced(share / Double(groups.count))
    }
    return scores
  }

  /// Groups with the node of their first use, in the order of the nodes.
  func groupsByFirstUse() -> [(group: Int, node: Int)] {
    groups.enumerated().compactMap { index, group in
      group.layers.compactMap { graph.layers[$0].uses.first }.min().map { (index, $0) }
    }.sorted { $0.node < $1.node }
  }
}
