internal import Models
internal import Tensors
internal import Vocabulary

/// What the positions of each sample are worth: the attention that they receive.
///
/// A position's attention is summed over heads and queries, mapped to `[least, 1]` by its least and
/// greatest value, and scaled so that a sample's weights add up to its positions. A layer has the weights
/// of its own block's attention (layer names equal up to the first number), else those of the last
/// attention before it, or the first of all.
///
/// Attention is found where the graph has it as one node, and as a softmax over `[heads, t, t]` in graphs
/// of single steps. Networks without any have no weights.
package struct TokenWeights: Sendable {
  /// The weight of a position without attention.
  package static let least: Float = 0.01

  /// By sample and attention, in the order of the nodes.
  private let weights: [[[Float]]]
  /// By layer of the graph.
  private let attention: [Int?]

  /// Measures samples; one forward pass each.
  package init(_ chunk: SampleChunk, in task: MeasurementTask, share: Double) throws {
    let found = try task.perSample(chunk, weightCopies: 1, share: share) { _, inputs in
      try recordingGradients(false) { try Self.received(task.executor, inputs) }
    }
    let nodes = found.first.map { $0.map(\.node) } ?? []
    guard found.allSatisfy({ $0.map(\.node) == nodes }) else {
      throw UserError(.failed, "the network's attention is not the same for all samples")
    }
    weights = found.map { $0.map { Self.weights(of: $0.received) } }
    attention = Self.attention(of: task.graph, at: nodes)
  }

  /// The weights of some samples' positions at a layer; nil in networks without attention.
  package func callAsFunction(_ layer: Int, _ samples: Range<Int>) -> [[Float]]? {
    attention[layer].map { place in samples.map { weights[$0][place] } }
  }

  /// Attention received as weights.
  package static func weights(of received: [Float]) -> [Float] {
    guard let low = received.min(), let high = received.max(), high > low else {
      return received.map { _ in 1 }
    }
    let mapped = received.map { least + (1 - least) * ($0 - low) / (high - low) }
    let scale = Float(mapped.count) / mapped.reduce(0, +)
    return mapped.map { $0 * scale }
  }

  /// The attention that every position of one sample receives, by node.
  private static func received(_ executor: Executor, _ inputs: [String: Tensor]) throws -> [(
    node: Int, received: [Float]
  )] {
    var found: [(node: Int, received: [Float])] = []
    var execution = try executor.start(inputs)
    try executor.advance(&execution) { node, inputs, results in
      let operation = executor.graph.nodes[node].operation
      if let probabilities = try probabilities(operation, inputs, results) {
        let positions = probabilities.shape[3]
        found.append(
          (node, try probabilities.reshaped([-1, positions]).sum([0]).contiguous().floats()))
      }
      return results
    }
    return found
  }

  /// `[1, heads, t, t]` where a node is an attention.
  private static func probabilities(
    _ operation: any Models.Operation, _ inputs: [Tensor?], _ results: [Tensor]
  ) throws -> Tensor? {
    if let attention = operation as? Attention, inputs.count > 2, let values = inputs[2] {
      // Values that are the unit vectors come out as the probabilities themselves.
      let (heads, positions) = (values.shape[1], values.shape[2])
      let units = try call("aten::eye", [.int(positions)])
      var arguments = inputs
      arguments[2] = try call(
        "aten::expand", [.tensor(units), .ints([values.shape[0], heads, positions, positions])])
      return try attention.evaluate(arguments)[0]
    }
    guard operation is Softmax, let result = results.first, result.rank == 4,
      result.shape[0] == 1, result.shape[2] == result.shape[3], result.shape[3] > 1
    else { return nil }
    return result
  }

  /// For each layer the place of its attention among those at `nodes`.
  private static func attention(of graph: Graph, at nodes: [Int]) -> [Int?] {
    guard !nodes.isEmpty else { return graph.layers.map { _ in nil } }
    let blocks = graph.layers.map { BlockStreams.block(of: $0.layer.name) }
    let uses = graph.layers.map { $0.uses.first ?? 0 }
    var places: [String: Int] = [:]
    for (place, node) in nodes.enumerated() {
      // The projections right before an attention are its block's.
      let before = uses.indices.filter { uses[$0] < node }.max { uses[$0] < uses[$1] }
      if let block = before.flatMap({ blocks[$0] }), places[block] == nil { places[block] = place }
    }
    return zip(blocks, uses).map { block, use in
      block.flatMap { places[$0] } ?? nodes.lastIndex { $0 < use } ?? 0
    }
  }
}
