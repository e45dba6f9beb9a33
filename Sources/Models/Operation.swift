public import Tensors
public import Vocabulary

/// What a node computes.
///
/// A new operator is one conforming value type.
///
/// Operations are batch-independent: sample `k` of the result depends on sample `k` of the inputs only,
/// so per-sample gradients come from one backward pass of the summed loss.
public protocol Operation: Sendable {
  /// Computes the results.
  ///
  /// - Parameter inputs: In the node's order; nil where an optional one is left out.
  /// - Throws: `TensorError` when shapes do not fit.
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor]
}

/// An operation that is linear in a weight: what BitBudget chooses a format for.
///
/// Input 0 is the activation, input 1 the weight, input 2 (where present) the bias.
public protocol WeightedOperation: Operation {
  /// How the weight is used.
  var kind: LayerKind { get }
}

extension WeightedOperation {
  /// The output's change when the weight changes by `delta`: the operation is linear in its weight, so
  /// it is the operation applied to the change, without the bias.
  public func change(of input: Tensor, by delta: Tensor) throws -> Tensor {
    try evaluate([input, delta, nil])[0]
  }
}

extension [Tensor?] {
  /// A required argument.
  func required(_ index: Int) throws -> Tensor {
    guard index < count, let tensor = self[index] else {
      throw UserError(.failed, "an operator of the model lacks its input \(index)")
    }
    return tensor
  }

  /// An argument that may be left out.
  func optional(_ index: Int) -> Tensor? { index < count ? self[index] : nil }
}

extension WeightShape {
  /// The quantizer's view of a weight tensor: the first axis is output channels.
  public init(tensorShape: [Int]) {
    self.init(rows: tensorShape.first ?? 1, columns: tensorShape.dropFirst().reduce(1, *))
  }
}
