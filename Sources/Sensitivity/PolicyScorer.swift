public import Models
public import Quantization
public import Tensors
internal import Vocabulary

/// Measures the loss of many whole policies on the same samples: what a search asks all the time.
///
/// The losses are those of ``PolicyEvaluator``. What a search makes cheaper is shared:
/// - Policies are run in the order of their choices, group by group as the network first uses them, so
///   that each goes on where it parts from the one before: layers before that are not run again.
/// - Quantized weights are kept by group and format, the least recently used dropped beyond a limit.
/// - The reference's outputs are computed once for each batch of samples and kept within a limit.
///
/// What is kept never changes a result: the same policy on the same samples gives the same bits,
/// whatever it was asked together with. One call at a time.
public final class PolicyScorer {
  /// What was done so far.
  public struct Work: Sendable, Codable, Hashable {
    /// Nodes that were run for policies; the reference's are not counted.
    public var nodes = 0
    /// Nodes that running every policy from the start would have taken.
    public var nodesWithoutSharing = 0
    /// Weights that were quantized, one a layer and format.
    public var roundTrips = 0
    /// Batches of which the reference was run.
    public var references = 0
  }

  /// What was done so far.
  public private(set) var work = Work()

  private let executor: Executor
  private let loss: OutputLoss
  private let groups: [MeasuredGroup]
  private let ranges: ActivationRanges
  private let samples: [[String: Tensor]]
  private let workers: Int
  private let memory: Int
  /// Groups with the node of their first use, in the order of the nodes.
  private let order: [(group: Int, node: Int)]
  private var weights: WeightCache
  private var references: [Range<Int>: Tensor] = [:]
  private var referenceBytes = 0

  /// A scorer of policies over `groups`.
  ///
  /// - Parameters:
  ///   - executor: The network.
  ///   - groups: What a policy decides; a layer in none of them stays as it is.
  ///   - ranges: Of the inputs that candidates round with static ranges.
  ///   - samples: Inputs by name, each with a first axis of one.
  ///   - workers: Batches of samples that are run side by side.
  ///   - memory: Bytes for everything that is kept: half for weights, a quarter each for reference
  ///     outputs and for the places where policies part.
  ///   - loss: What is measured; nil for the network's usual loss.
  public init(
    executor: Executor, groups: [MeasuredGroup], ranges: ActivationRanges = .none,
    samples: [[String: Tensor]], workers: Int, memory: Int, loss: OutputLoss? = nil
  ) {
    self.executor = executor
    self.loss = loss ?? OutputLoss(head: executor.graph.head)
    self.groups = groups
    self.ranges = ranges
    self.samples = samples
    self.workers = workers
    self.memory = memory
    order = groups.enumerated().compactMap { index, group in
      group.layers.compactMap { executor.graph.layers[$0].uses.first }.min().map { (index, $0) }
    }.sorted { ($0.node, $0.group) < ($1.node, $1.group) }
    weights = WeightCache(limit: memory / 2)
  }

  /// Measures policies.
  ///
  /// - Parameters:
  ///   - policies: Candidate index per group.
  ///   - range: The samples to measure on.
  ///   - finished: Told the index of a policy and its loss on every sample of the range, in the order in
  ///     which policies are done; what it throws ends the work.
  /// - Throws: `UserError` when a policy makes the network's output infinite, or the network cannot run.
  public func score(
    _ policies: [[Int]], on range: Range<Int>, finished: (Int, [Double]) throws -> Void
  ) throws {
    guard range.lowerBound >= 0, range.upperBound <= samples.count else {
      fatalError("samples within 0..<\(samples.count) expected, got \(range)")
    }
    for policy in policies where policy.count != groups.count {
      fatalError("choices for \(groups.count) groups expected, got \(policy.count)")
    }
    let walk = PrefixWalk(policies, order: order, end: executor.graph.nodes.count)
    let chunks = try chunks(of: range)
    // Threads within a product may change its last bits: whether there are any must depend on the
    // range alone, and not on what is kept.
    let isSingle = chunks.count == 1 && chunks[0].count == 1
    var losses = policies.map { _ in [Double]() }
    for (number, chunk) in chunks.enumerated() {
      let inputs = try chunk.map { try stacked($0) }
      let known = try references(of: chunk, inputs: inputs)
      let snapshots = Collected<[Execution]>(count: chunk.count)
      for (place, policy) in walk.order.enumerated() {
        let changed = try quantized(policies[policy])
        let results = try run(
          chunk: inputs, references: known, weights: changed,
          operations: try roundedInputs(policies[policy]), snapshots: snapshots,
          step: walk.steps[place], workers: chunk.count > 1 || isSingle ? workers : 1)
        losses[policy] += results
        if number == chunks.count - 1 { try finished(policy, losses[policy]) }
      }
    }
  }

  /// Runs one policy on the batches of a chunk, from where it parts from the one before.
  private func run(
    chunk: [[String: Tensor]], references: [Tensor], weights: [ValueID: Tensor],
    operations: [Int: any Models.Operation], snapshots: Collected<[Execution]>,
    step: PrefixWalk.Step, workers: Int
  ) throws -> [Double] {
    let executor = executor
    let loss = loss
    let end = executor.graph.nodes.count
    let limit = memory / 4 / max(1, chunk.count)
    let results = Collected<(losses: [Double], nodes: Int)>(count: chunk.count)
    try Engine.parallel(chunk.count, workers: workers) { k in
      try recordingGradients(false) {
        // Places behind the parting are of the policies before; the last one before it is the start.
        var kept = (snapshots[k] ?? []).filter { $0.next <= step.start }
        var execution = try kept.last ?? executor.start(chunk[k])
        let began = execution.next
        kept.removeAll { !step.stops.contains($0.next) }
        for stop in step.stops where stop > execution.next {
          try executor.advance(&execution, to: stop, weights: weights, operations: operations)
          kept.append(execution)
        }
        try executor.advance(&execution, weights: weights, operations: operations)
        let output = try executor.result(of: execution)
        guard try output.sum().item().isFinite else {
          throw UserError(
            .failed, "a policy of the search makes the network's output infinite or not a number")
        }
        results[k] = (
          try loss.perSample(reference: references[k], output: output), end - began
        )
        // The next policy needs the last place; the early ones save least when they are there.
        var bytes = kept.map { executor.bytes(of: $0) }
        while !kept.isEmpty, bytes.reduce(0, +) > limit {
          kept.removeFirst()
          bytes.removeFirst()
        }
        snapshots[k] = kept
      }
    }
    work.nodes += results.values.reduce(0) { $0 + $1.nodes }
    work.nodesWithoutSharing += chunk.count * end
    return results.values.flatMap(\.losses)
  }

  // MARK: Batches and references

  /// Batches that are worked on together: first all those whose references are or can be kept, then
  /// a few at a time.
  private func chunks(of range: Range<Int>) throws -> [[Range<Int>]] {
    let batches = SampleChunk(first: 0, samples: Array(samples[range]))
      .batches(limit: executor.graph.head == .tokens ? 1 : 8)
      .map { $0.lowerBound + range.lowerBound..<$0.upperBound + range.lowerBound }
    var chunks: [[Range<Int>]] = [[]]
    for batch in batches {
      // Their order is that of the samples, so that losses come in order.
      if try chunks.count == 1 && keep(batch) {
        chunks[0].append(batch)
      } else if chunks.count == 1 || chunks[chunks.count - 1].count >= workers {
        chunks.append([batch])
      } else {
        chunks[chunks.count - 1].append(batch)
      }
    }
    return chunks.filter { !$0.isEmpty }
  }

  /// Whether the reference of a batch is kept; runs it where it is not there yet and there is room.
  private func keep(_ batch: Range<Int>) throws -> Bool {
    if references[batch] != nil { return true }
    guard referenceBytes < memory / 4 else { return false }
    let output = try reference(stacked(batch))
    work.references += 1
    references[batch] = output
    referenceBytes += output.byteCount
    return true
  }

  private func references(of chunk: [Range<Int>], inputs: [[String: Tensor]]) throws -> [Tensor] {
    try zip(chunk, inputs).map { batch, inputs in
      if let known = references[batch] { return known }
      work.references += 1
      return try reference(inputs)
    }
  }

  private func reference(_ inputs: [String: Tensor]) throws -> Tensor {
    try Engine.alone(workers: workers) {
      try recordingGradients(false) { try executor.run(inputs) }
    }
  }

  private func stacked(_ batch: Range<Int>) throws -> [String: Tensor] {
    try SampleChunk(first: 0, samples: samples).stacked(batch)
  }

  // MARK: Weights and inputs

  /// What is computed in place of the layers whose inputs a policy rounds.
  private func roundedInputs(_ policy: [Int]) throws -> [Int: any Models.Operation] {
    let graph = executor.graph
    var result: [Int: any Models.Operation] = [:]
    for (group, choice) in zip(groups, policy) {
      for layer in group.layers.map({ graph.layers[$0] }) {
        try result.merge(
          graph.operations(
            of: layer, group.candidates[choice].activation, ranges: ranges)
        ) { $1 }
      }
    }
    return result
  }

  /// The changed weights of a policy.
  private func quantized(_ policy: [Int]) throws -> [ValueID: Tensor] {
    var missing: [(key: WeightCache.Key, layer: Int)] = []
    var result: [ValueID: Tensor] = [:]
    for (group, choice) in policy.enumerated() {
      for layer in groups[group].layers {
        let key = WeightCache.Key(layer: layer, group: group, candidate: choice)
        if let tensor = weights[key] {
          result[executor.graph.layers[layer].weight] = tensor
        } else {
          missing.append((key, layer))
        }
      }
    }
    let (executor, groups, wanted) = (executor, groups, missing)
    let made = Collected<Tensor>(count: wanted.count)
    // One thread a layer, also for a single one: nothing depends on what was in the cache.
    try Engine.parallel(wanted.count, workers: min(workers, max(1, wanted.count))) { k in
      let format = groups[wanted[k].key.group].formats[wanted[k].key.candidate]
      made[k] = try recordingGradients(false) {
        try executor.roundTrip(executor.graph.layers[wanted[k].layer], format)
      }
    }
    for (item, tensor) in zip(wanted, made.values) {
      result[executor.graph.layers[item.layer].weight] = tensor
      weights.insert(tensor, for: item.key)
    }
    work.roundTrips += wanted.count
    return result
  }
}

extension Executor {
  /// Bytes of the values that an execution holds, shared ones counted again.
  fileprivate func bytes(of execution: Execution) -> Int {
    var sum = 0
    for node in graph.nodes[..<min(execution.next, graph.nodes.count)] {
      for output in node.outputs { sum += execution[output]?.byteCount ?? 0 }
    }
    return sum
  }
}
