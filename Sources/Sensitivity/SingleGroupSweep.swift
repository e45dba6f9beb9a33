internal import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

/// A batch as a sweep compares it.
struct SweptOutput {
  /// The batch's inputs by name.
  var inputs: [String: Tensor]
  /// What the stored network makes of them.
  var reference: Tensor
  /// What the changed network makes of them.
  var output: Tensor
}

/// A batch on its way through the network, up to the group that is changed next.
private struct SweptPrefix: Sendable {
  var inputs: [String: Tensor]
  var reference: Tensor
  var execution: Execution
}

extension MeasurementTask {
  /// Runs the network with one group in one format at a time, from the stored network or from a base, and
  /// compares its outputs with the stored network's.
  ///
  /// Prefix caching: the network runs once, node by node; at a group's first layer the rest of it is run
  /// from there for each of its formats, so layers before the changed one are never run again.
  ///
  /// - Parameters:
  ///   - base: What everything but the group has; nil for the stored network.
  ///   - compare: The value of each sample of a batch.
  /// - Returns: `[group][format][sample]`; with a base the values of the group as stored are taken off.
  func sweep(
    _ chunk: SampleChunk, from base: BasePoint?,
    _ compare: @escaping @Sendable (SweptOutput) throws -> [Double]
  ) throws -> [[[Double]]] {
    guard let base else { return try sweep(chunk, at: BasePoint.Changes(), compare) }
    // One more candidate for every group: itself, unchanged.
    let unchanged = LayerFormat(try Formats.named("fp32"))
    var whole = self
    for g in groups.indices { whole.groups[g].candidates.insert(unchanged, at: 0) }
    return try whole.sweep(chunk, at: base.changes(in: self), compare).map { formats in
      formats.dropFirst().map { zip($0, formats[0]).map { $0 - $1 } }
    }
  }

  private func sweep(
    _ chunk: SampleChunk, at base: BasePoint.Changes,
    _ compare: @escaping @Sendable (SweptOutput) throws -> [Double]
  ) throws -> [[[Double]]] {
    let batches = chunk.batches(limit: graph.head == .tokens ? 1 : min(8, chunk.halfCount))
    let prefixes = Collected<SweptPrefix>(count: batches.count)
    try Engine.parallel(batches.count, workers: workers) { index in
      prefixes[index] = try recordingGradients(false) {
        let inputs = try chunk.stacked(batches[index])
        return SweptPrefix(
          inputs: inputs, reference: try executor.run(inputs),
          execution: try executor.start(inputs))
      }
    }
    var scores = groups.map { $0.candidates.map { _ in [Double]() } }
    for (index, first) in groupsByFirstUse() {
      try Engine.parallel(batches.count, workers: workers) { k in
        guard var prefix = prefixes[k] else { return }
        prefixes[k] = nil  // so that values are dropped where nothing needs them any more
        try recordingGradients(false) {
          try executor.advance(
            &prefix.execution, to: first, weights: base.weights, operations: base.operations)
        }
        prefixes[k] = prefix
      }
      // All batches share a candidate's weights; of these, no more are there than threads that use them.
      let candidates = groups[index].candidates.indices
      for start in stride(from: 0, to: candidates.count, by: workers) {
        let part = Array(candidates[start..<min(start + workers, candidates.count)])
        let changes = try changes(of: index, part, from: base)
        let jobs = part.count * batches.count
        let values = Collected<[Double]>(count: jobs)
        try Engine.parallel(jobs, workers: workers) { job in
          guard let prefix = prefixes[job % batches.count] else { return }
          let changes = changes[job / batches.count]
          values[job] = try recordingGradients(false) {
            var rest = prefix.execution
            try executor.advance(
              &rest, weights: changes.weights, operations: changes.operations)
            return try compare(
              SweptOutput(
                inputs: prefix.inputs, reference: prefix.reference,
                output: executor.result(of: rest)))
          }
        }
        for (place, candidate) in part.enumerated() {
          let own = values.values[place * batches.count..<(place + 1) * batches.count]
          scores[index][candidate] = own.flatMap { $0 }
        }
      }
      advanced(1 / Double(groups.count))
    }
    return scores
  }

  /// What is computed when a group has each of some candidates and everything else is at the base.
  private func changes(of group: Int, _ candidates: [Int], from base: BasePoint.Changes) throws
    -> [BasePoint.Changes]
  {
    let made = Collected<BasePoint.Changes>(count: candidates.count)
    try Engine.parallel(candidates.count, workers: min(workers, candidates.count)) { place in
      made[place] = try recordingGradients(false) {
        var changes = base
        for layer in groups[group].layers.map({ graph.layers[$0] }) {
          changes.weights[layer.weight] = try executor.roundTrip(
            layer, groups[group].candidates[candidates[place]].weight)
          for use in layer.uses { changes.operations[use] = nil }
        }
        try changes.operations.merge(operations(group, candidates[place])) { $1 }
        return changes
      }
    }
    return made.values
  }

  /// Forward passes that a sweep takes for each sample: half a pass for each candidate, and from a base
  /// for each group as it is stored.
  func sweepPasses(isBased: Bool) -> Double {
    let candidates = groups.reduce(0) { $0 + $1.candidates.count + (isBased ? 1 : 0) }
    return (isBased ? 2 : 1.5) + 0.5 * Double(candidates)
  }

  /// Samples of a sweep at a time: one batch for each worker, since only the values on the way through the
  /// network are kept.
  var sweptTogether: Int { workers * (graph.head == .tokens ? 1 : 8) }

  /// Groups with the node of their first use, in the order of the nodes.
  func groupsByFirstUse() -> [(group: Int, node: Int)] {
    groups.enumerated().compactMap { index, group in
      group.layers.compactMap { graph.layers[$0].uses.first }.min().map { (index, $0) }
    }.sorted { $0.node < $1.node }
  }
}
