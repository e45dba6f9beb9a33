internal import Synchronization
public import Tensors
internal import Vocabulary

/// Where an execution stands: the values that are still needed, and the next node.
///
/// A copy is cheap (tensors are shared) and can be continued on its own: this is what prefix caching is.
public struct Execution: Sendable {
  var values: [Tensor?]
  /// Index of the node that runs next.
  public internal(set) var next = 0

  /// A value that is still alive.
  public subscript(value: ValueID) -> Tensor? { values[value.index] }
}

/// Runs a graph on tensors.
///
/// Safe to use from several threads at once.
public final class Executor: Sendable {
  /// The network.
  public let graph: Graph
  private let lastUse: [Int]  // by value: index of the last node that reads it
  private let parameterOf: [Int?]  // by value: index of the parameter
  private let loaded: Mutex<[Tensor?]>  // by parameter

  /// An executor that loads each parameter once, when it is first needed.
  public init(_ graph: Graph) {
    self.graph = graph
    var lastUse = [Int](repeating: -1, count: graph.valueCount)
    for (index, node) in graph.nodes.enumerated() {
      for case let input? in node.inputs { lastUse[input.index] = index }
    }
    lastUse[graph.output.index] = graph.nodes.count
    self.lastUse = lastUse
    var parameterOf = [Int?](repeating: nil, count: graph.valueCount)
    for (index, parameter) in graph.parameters.enumerated() {
      parameterOf[parameter.value.index] = index
    }
    self.parameterOf = parameterOf
    loaded = Mutex([Tensor?](repeating: nil, count: graph.parameters.count))
  }

  /// A stored tensor, loaded and checked.
  ///
  /// - Throws: `UserError` when it holds a NaN or an infinity, or cannot be read.
  public func parameter(_ value: ValueID) throws -> Tensor {
    guard let index = parameterOf[value.index] else {
      throw UserError(.failed, "the model uses a value before it is computed")
    }
    if let tensor = loaded.withLock({ $0[index] }) { return tensor }
    let parameter = graph.parameters[index]
    let tensor = try parameter.load()
    // Constants of the graph (masks with −∞) are not part of the stored model.
    if parameter.storedBytes > 0, tensor.dtype?.isFloatingPoint == true {
      // A sum is finite unless an element is not (or the sum overflows, which is as bad).
      guard try tensor.sum().item().isFinite else {
        throw UserError(.failed, "the tensor '\(parameter.name)' holds a NaN or an infinity")
      }
    }
    loaded.withLock { $0[index] = tensor }
    return tensor
  }

  /// The start of an execution.
  ///
  /// - Parameter inputs: By name; every declared input must be there.
  public func start(_ inputs: [String: Tensor]) throws -> Execution {
    var execution = Execution(values: [Tensor?](repeating: nil, count: graph.valueCount))
    for input in graph.inputs where lastUse[input.value.index] >= 0 {
      guard let tensor = inputs[input.name] else {
        throw UserError(
          .failed,
          "the data has no tensor for the model's input '\(input.name)' (it has: "
            + "\(inputs.keys.sorted().joined(separator: ", ")))")
      }
      let fits =
        tensor.rank == input.shape.count
        && zip(tensor.shape, input.shape).allSatisfy { $1 == nil || $0 == $1 }
      guard fits else {
        throw UserError(
          .failed,
          "the data for '\(input.name)' has the shape \(tensor.shape), which the model does not take"
        )
      }
      execution.values[input.value.index] = try tensor.converted(to: input.dtype)
    }
    return execution
  }

  /// Runs nodes up to (not including) `end`; values are dropped as soon as nothing needs them.
  ///
  /// - Parameters:
  ///   - execution: Continued in place.
  ///   - end: Index of the first node not to run; nil runs to the end.
  ///   - weights: Stored tensors to use in place of the model's own.
  ///   - operations: What to compute in place of the graph's own operations, by node.
  ///   - observe: Called after each node with its index, inputs and results; what it returns takes the
  ///     place of the results (return them unchanged to only look).
  public func advance(
    _ execution: inout Execution, to end: Int? = nil, weights: [ValueID: Tensor] = [:],
    operations: [Int: any Operation] = [:],
    observe: ((Int, [Tensor?], [Tensor]) throws -> [Tensor])? = nil
  ) throws {
    let end = end ?? graph.nodes.count
    while execution.next < end {
      let index = execution.next
      let node = graph.nodes[index]
      let inputs = try node.inputs.map { input -> Tensor? in
        guard let input else { return nil }
        if let tensor = execution.values[input.index] { return tensor }
        return try weights[input] ?? parameter(input)
      }
      var results: [Tensor]
      do {
        results = try (operations[index] ?? node.operation).evaluate(inputs)
      } catch let error as TensorError {
        throw UserError(.failed, "the node '\(node.name)' cannot be computed: \(error)")
      }
      if let observe { results = try observe(index, inputs, results) }
      for (output, result) in zip(node.outputs, results) where lastUse[output.index] >= 0 {
        execution.values[output.index] = result
      }
      for case let input? in node.inputs where lastUse[input.index] == index {
        execution.values[input.index] = nil
      }
      execution.next += 1
    }
  }

  /// The network's output.
  ///
  /// - Parameters:
  ///   - inputs: By name.
  ///   - weights: Stored tensors to use in place of the model's own.
  ///   - operations: What to compute in place of the graph's own operations, by node.
  public func run(
    _ inputs: [String: Tensor], weights: [ValueID: Tensor] = [:],
    operations: [Int: any Operation] = [:]
  ) throws -> Tensor {
    var execution = try start(inputs)
    try advance(&execution, weights: weights, operations: operations)
    return try result(of: execution)
  }

  /// The output of a finished execution.
  public func result(of execution: Execution) throws -> Tensor {
    guard let output = execution.values[graph.output.index] else {
      throw UserError(.failed, "the model's output was never computed")
    }
    return output
  }
}
