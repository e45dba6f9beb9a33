package import Models
package import Tensors
internal import Vocabulary

/// Layer-wise relevance propagation at one sample: how much of the network's answer comes through
/// each of its nodes.
///
/// One unit of relevance starts at the answer (the most likely class; of sequences each position's
/// most likely token, equally; of vectors each element by its square) and goes backwards, shared out by
/// ``RelevanceRules``. What a rule loses to inputs that contribute nothing (a result that is its bias
/// alone) is made up by scaling the node's shares, and recorded. Relevance ends at embeddings and at
/// the network's inputs.
package struct LayerRelevance: Sendable {
  /// What happened at one node.
  package struct Step: Sendable {
    /// The node's index.
    package var node: Int
    /// Relevance of its results.
    package var received: Double
    /// Relevance of its inputs, as the rule gave it, before scaling; nil where relevance ends.
    package var shared: Double?
    /// Relevance of its inputs after scaling; what ended here where it ends.
    package var passed: Double
  }

  /// From the last node to the first; nodes without relevance are left out.
  package let steps: [Step]
  /// Relevance that reached each of the graph's layers, all uses together.
  package let layers: [Double]
  /// Relevance that ended at embeddings and inputs: one, but for rounding.
  package let ended: Double

  /// Propagates relevance through a network.
  package init(_ executor: Executor, inputs: [String: Tensor]) throws {
    self = try recordingGradients(false) { try Self(recordingOff: executor, inputs) }
  }

  private init(recordingOff executor: Executor, _ inputs: [String: Tensor]) throws {
    let graph = executor.graph
    var arguments: [[Tensor?]] = []
    var results: [[Tensor]] = []
    var execution = try executor.start(inputs)
    try executor.advance(&execution) { _, inputs, outputs in
      arguments.append(inputs)
      results.append(outputs)
      return outputs
    }
    // Activations: computed from the data, in numbers that have fractions.
    var activations = Set(graph.inputs.filter { $0.dtype.isFloatingPoint }.map(\.value))
    var fromData = Set(graph.inputs.map(\.value))
    for (index, node) in graph.nodes.enumerated() {
      guard node.inputs.contains(where: { $0.map(fromData.contains) ?? false }) else { continue }
      fromData.formUnion(node.outputs)
      for (value, result) in zip(node.outputs, results[index])
      where result.dtype?.isFloatingPoint == true { activations.insert(value) }
    }
    let inputValues = Set(graph.inputs.map(\.value))

    var relevance: [ValueID: Tensor] = [
      graph.output: try Self.seed(executor.result(of: execution), head: graph.head)
    ]
    var steps: [Step] = []
    var ended = 0.0
    for (index, node) in graph.nodes.enumerated().reversed() {
      let found = node.outputs.map { relevance.removeValue(forKey: $0) }
      guard found.contains(where: { $0 != nil }) else { continue }
      let parts = zip(found, results[index]).map { $0 ?? .zeros($1.shape) }
      let received = try parts.reduce(0.0) { try $0 + Self.total($1) }
      let active = node.inputs.indices.filter {
        (node.inputs[$0].map(activations.contains) ?? false)
          && arguments[index][$0]?.dtype?.isFloatingPoint == true
      }
      guard received > 0, !active.isEmpty else {
        steps.append(Step(node: index, received: received, shared: nil, passed: received))
        ended += received
        continue
      }
      let shares = try RelevanceRules.propagate(
        node.operation, arguments[index], results[index], parts, active: active)
      let shared = try shares.reduce(0.0) { try $0 + ($1.map(Self.total) ?? 0) }
      guard shared.isFinite, shared > 0 else {
        throw UserError(.failed, "no relevance passes through the node '\(node.name)'")
      }
      let scale = received / shared
      var passed = 0.0
      for case (let value?, let share?) in zip(node.inputs, shares) {
        let scaled = try share * scale
        passed += try Self.total(scaled)
        if inputValues.contains(value) {
          ended += try Self.total(scaled)
        } else {
          relevance[value] = try relevance[value].map { try $0 + scaled } ?? scaled
        }
      }
      steps.append(Step(node: index, received: received, shared: shared, passed: passed))
      arguments[index] = []
      results[index] = []
    }
    self.steps = steps
    self.ended = ended
    let byNode = Dictionary(uniqueKeysWithValues: steps.map { ($0.node, $0.received) })
    layers = graph.layers.map { $0.uses.reduce(0) { $0 + (byNode[$1] ?? 0) } }
  }

  /// One unit at the answer.
  private static func seed(_ output: Tensor, head: OutputHead) throws -> Tensor {
    guard head != .vector else {
      let squares = try output * output
      return try squares * (1 / max(total(squares), 1e-30))
    }
    let rows = try output.reshaped([-1, output.shape.last ?? 1])
    let answers = try rows.argmax(1).unsqueezed(1)
    let one = try call(
      "aten::full", [.ints(answers.shape), .double(1 / Double(max(1, rows.shape[0])))])
    return try call(
      "aten::scatter.src",
      [.tensor(.zeros(rows.shape)), .int(1), .tensor(answers), .tensor(one)]
    ).reshaped(output.shape)
  }

  /// The sum, in doubles.
  private static func total(_ x: Tensor) throws -> Double {
    try call("aten::sum", [.tensor(x)], named: ["dtype": .dtype(.float64)]).item()
  }
}
