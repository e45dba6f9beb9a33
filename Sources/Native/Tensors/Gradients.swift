internal import CTorch

/// Runs `body` with gradient recording on or off in this thread, and restores what was.
///
/// The setting is the thread's: work handed to another thread inside `body` does not see it.
public func recordingGradients<R>(_ enabled: Bool, _ body: () throws -> R) rethrows -> R {
  let before = ct_set_grad_mode(enabled)
  defer { _ = ct_set_grad_mode(before) }
  return try body()
}

extension Tensor {
  /// The same data as the start of a new recording.
  public func leaf() throws -> Tensor {
    var error: UnsafeMutablePointer<CChar>?
    guard let raw = ct_leaf(raw, &error) else {
      throw TensorError(operation: "leaf", taking: error)
    }
    return Tensor(taking: raw)
  }
}

/// Vector-Jacobian products: `Σ_k seedsₖᵀ ∂outputsₖ/∂inputs`.
///
/// - Parameters:
///   - outputs: Recorded tensors.
///   - inputs: Leaves or recorded tensors that the outputs depend on.
///   - seeds: One per output, of its shape; nil for scalar outputs.
///   - keepGraph: Whether the recording can be walked again.
///   - createGraph: Whether the gradients are recorded themselves (for Hessian-vector products).
/// - Returns: One gradient per input; nil where no output depends on it.
/// - Throws: `TensorError` with libtorch's reason.
public func gradients(
  of outputs: [Tensor], with inputs: [Tensor], seeds: [Tensor]? = nil, keepGraph: Bool = false,
  createGraph: Bool = false
) throws -> [Tensor?] {
  guard !inputs.isEmpty else { return [] }
  var results = [OpaquePointer?](repeating: nil, count: inputs.count)
  var error: UnsafeMutablePointer<CChar>?
  let ys = outputs.map { $0.raw as OpaquePointer? }
  let xs = inputs.map { $0.raw as OpaquePointer? }
  let vs = seeds?.map { $0.raw as OpaquePointer? }
  let done = withExtendedLifetime((outputs, inputs, seeds)) {
    if let vs {
      ct_gradients(
        ys, Int64(ys.count), vs, xs, Int64(xs.count), keepGraph || createGraph, createGraph,
        &results, &error)
    } else {
      ct_gradients(
        ys, Int64(ys.count), nil, xs, Int64(xs.count), keepGraph || createGraph, createGraph,
        &results, &error)
    }
  }
  guard done else { throw TensorError(operation: "gradients", taking: error) }
  return results.map { $0.map(Tensor.init(taking:)) }
}

/// The Hessian of a scalar times a vector, `H v`, by differentiating the gradient's product with `v`.
///
/// - Parameters:
///   - loss: A recorded scalar.
///   - parameters: Leaves of the recording.
///   - vectors: One per parameter, of its shape.
/// - Returns: One product per parameter; zeros where the Hessian does not reach.
/// - Complexity: about two backward passes.
///
/// Source: Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994).
public func hessianVectorProduct(of loss: Tensor, parameters: [Tensor], vectors: [Tensor]) throws
  -> [Tensor]
{
  let first = try gradients(of: [loss], with: parameters, createGraph: true)
  var outputs: [Tensor] = []
  var seeds: [Tensor] = []
  for (gradient, vector) in zip(first, vectors) {
    guard let gradient, gradient.requiresGradient else { continue }
    outputs.append(gradient)
    seeds.append(vector)
  }
  guard !outputs.isEmpty else { return parameters.map { .zeros($0.shape) } }
  let second = try gradients(of: outputs, with: parameters, seeds: seeds)
  return zip(second, parameters).map { product, parameter in product ?? .zeros(parameter.shape) }
}
