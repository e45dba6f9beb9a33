package import Models
package import Tensors
internal import Vocabulary

/// How relevance at a node's results is shared out to its inputs.
///
/// All rules keep relevance non-negative and, up to what contributes nothing, its sum. Where signed
/// contributions would cancel, positive ones decide (α = 1, β = 0) or magnitudes do, so that no
/// denominator comes near zero by cancellation.
package enum RelevanceRules {
  /// Relevance of each input; nil for those that get none.
  ///
  /// - Parameters:
  ///   - operation: The node's.
  ///   - inputs: Its arguments.
  ///   - results: What it computed.
  ///   - relevance: Of the results, of their shapes.
  ///   - active: Which inputs are activations: what relevance can go on to. Not empty.
  package static func propagate(
    _ operation: any Operation, _ inputs: [Tensor?], _ results: [Tensor], _ relevance: [Tensor],
    active: [Int]
  ) throws -> [Tensor?] {
    switch operation {
    case let layer as any WeightedOperation where active == [0] && inputs.count > 1:
      guard let x = inputs[0], let weight = inputs[1] else { break }
      return [try weighted(layer, x, weight, relevance[0])]
        + [Tensor?](repeating: nil, count: inputs.count - 1)
    case is MatMul where active == [0, 1]:
      guard let a = inputs[0], let b = inputs[1] else { break }
      let (first, second) = try product(a, b, relevance[0])
      return [first, second]
    case let attention as Attention where Set([0, 1, 2]).isSubset(of: active):
      guard let q = inputs[0], let k = inputs[1], let v = inputs[2] else { break }
      return try attended(
        attention, q, k, v, mask: inputs.count > 3 ? inputs[3] : nil, relevance[0])
    case let binary as Binary:
      guard let a = inputs[0], let b = inputs[1] else { break }
      return try shared(binary, a, b, relevance[0], active: active)
    case is Unary, is Clip, is Softmax, is LayerNorm, is RMSNorm, is L2Normalize,
      is RotaryEmbedding:
      return inputs.indices.map { $0 == active[0] ? relevance[0] : nil }
    default:
      break
    }
    return try general(operation, inputs, results, relevance, active: active)
  }

  /// The α = 1 rule of a layer: by positive products of activation and weight, the bias left out.
  ///
  ///     Z = x⁺ w⁺ + x⁻ w⁻,  S = R / Z,  R_in = x⁺ · (w⁺ᵀ S) + x⁻ · (w⁻ᵀ S)
  ///
  /// Results without any positive product (positive by their bias, or negative) go by the products'
  /// magnitudes. What is left after that is the bias alone, with inputs of zero.
  private static func weighted(
    _ layer: any WeightedOperation, _ x: Tensor, _ weight: Tensor, _ relevance: Tensor
  ) throws -> Tensor {
    let (above, below) = try (positive(x), negative(x))
    let (up, down) = try (above.leaf(), below.leaf())
    let parts = try recordingGradients(true) {
      [
        try layer.change(of: up, by: positive(weight)),
        try layer.change(of: down, by: negative(weight)),
      ]
    }
    let sum = try parts[0].detached() + parts[1].detached()
    let share = try quotient(relevance, sum)
    let found = try gradients(of: parts, with: [up, down], seeds: [share, share])
    var back = Tensor.zeros(x.shape)
    if let gradient = found[0] { back = try back + above * gradient }
    if let gradient = found[1] { back = try back + below * gradient }
    let rest = try relevance - share * sum
    guard try rest.sum().item() > 1e-6 * relevance.sum().item() else { return back }
    let size = try magnitude(x)
    let leaf = try size.leaf()
    let whole = try recordingGradients(true) {
      try layer.change(of: leaf, by: magnitude(weight))
    }
    let spread = try gradients(
      of: [whole], with: [leaf], seeds: [quotient(positive(rest), whole.detached())])
    return try spread[0].map { try back + size * $0 } ?? back
  }

  /// A product of two activations: by the magnitudes of products, half to either side.
  private static func product(_ a: Tensor, _ b: Tensor, _ relevance: Tensor) throws -> (
    Tensor, Tensor
  ) {
    let (x, y) = try (magnitude(a), magnitude(b))
    let (left, right) = try (x.leaf(), y.leaf())
    let whole = try recordingGradients(true) { try left.matmul(right) }
    let found = try gradients(
      of: [whole], with: [left, right], seeds: [quotient(relevance, whole.detached())])
    return (
      try found[0].map { try x * $0 * 0.5 } ?? .zeros(a.shape),
      try found[1].map { try y * $0 * 0.5 } ?? .zeros(b.shape)
    )
  }

  /// Attention as its two products, the softmax between passing relevance through.
  private static func attended(
    _ attention: Attention, _ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor?,
    _ relevance: Tensor
  ) throws -> [Tensor?] {
    // Its weights are its result for values that are the positions' unit vectors.
    let (n, heads, t) = (k.shape[0], k.shape[1], k.shape[2])
    let unit = try call("aten::eye", [.int(t)])
    let basis = try call("aten::expand", [.tensor(unit), .ints([n, heads, t, t])])
    let weights = try attention.evaluate([q, k, basis, mask])[0]
    let own = q.shape[1] / max(1, heads)
    func repeated(_ x: Tensor) throws -> Tensor {
      own == 1
        ? x : try call("aten::repeat_interleave.self_int", [.tensor(x), .int(own), .int(1)])
    }
    func gathered(_ x: Tensor) throws -> Tensor {
      own == 1 ? x : try x.reshaped([n, heads, own] + x.shape.dropFirst(2)).sum([2])
    }
    let (ofWeights, ofValues) = try product(weights, repeated(v), relevance)
    let keys = try repeated(k).transposed(-1, -2)
    let (ofQueries, ofKeys) = try product(q, keys, ofWeights)
    return [ofQueries, try gathered(ofKeys.transposed(-1, -2)), try gathered(ofValues)]
  }

  /// Sums by the magnitudes of their parts, products by halves, quotients to the numerator.
  private static func shared(
    _ binary: Binary, _ a: Tensor, _ b: Tensor, _ relevance: Tensor, active: [Int]
  ) throws -> [Tensor?] {
    guard active.count == 2 else {
      let to = active[0] == 0 ? a : b
      let all = try reduced(relevance, to: to.shape)
      return active[0] == 0 ? [all, nil] : [nil, all]
    }
    switch binary {
    case .add, .subtract:
      let (x, y) = try (call("aten::abs", a), call("aten::abs", b))
      // Where both are zero, half to either.
      let share = try (x + 1e-20) / (x + y + 2e-20)
      let first = try relevance * share
      return [
        try reduced(first, to: a.shape), try reduced(relevance - first, to: b.shape),
      ]
    case .multiply:
      let half = try relevance * 0.5
      return [try reduced(half, to: a.shape), try reduced(half, to: b.shape)]
    case .divide, .power:
      return [try reduced(relevance, to: a.shape), nil]
    }
  }

  /// Operations that the rules do not know by name.
  ///
  /// Those that are linear in magnitudes (moving, pooling, putting together): gradient times input at
  /// the magnitudes, which by Euler's theorem keeps the sum. Others of one shape (normalisations,
  /// functions of elements) pass relevance through. What is left is treated as the first kind.
  private static func general(
    _ operation: any Operation, _ inputs: [Tensor?], _ results: [Tensor], _ relevance: [Tensor],
    active: [Int]
  ) throws -> [Tensor?] {
    var magnitudes = inputs
    for k in active { magnitudes[k] = try inputs[k].map { try call("aten::abs", $0) } }
    if active.count == 1, let x = inputs[active[0]], results.count == 1,
      x.shape == results[0].shape, try !isHomogeneous(operation, magnitudes, active)
    {
      return inputs.indices.map { $0 == active[0] ? relevance[0] : nil }
    }
    let leaves = try active.map { try (magnitudes[$0] ?? .zeros([])).leaf() }
    for (k, leaf) in zip(active, leaves) { magnitudes[k] = leaf }
    let outputs = try recordingGradients(true) { try operation.evaluate(magnitudes) }
    var recorded: [Tensor] = []
    var shares: [Tensor] = []
    for (output, relevance) in zip(outputs, relevance) where output.requiresGradient {
      recorded.append(output)
      shares.append(try quotient(relevance, output.detached()))
    }
    guard !recorded.isEmpty else { return inputs.map { _ in nil } }
    let found = try gradients(of: recorded, with: leaves, seeds: shares)
    var back = [Tensor?](repeating: nil, count: inputs.count)
    for (k, index) in active.enumerated() {
      guard let gradient = found[k] else { continue }
      back[index] = try positive(leaves[k].detached() * gradient)
    }
    return back
  }

  /// Whether twice the input gives twice the result.
  private static func isHomogeneous(
    _ operation: any Operation, _ inputs: [Tensor?], _ active: [Int]
  ) throws -> Bool {
    var doubled = inputs
    for k in active { doubled[k] = try inputs[k].map { try $0 * 2 } }
    let once = try operation.evaluate(inputs)[0] * 2
    let twice = try operation.evaluate(doubled)[0]
    return try (once - twice).squaredNorm() <= 1e-8 * once.squaredNorm()
  }

  private static func magnitude(_ x: Tensor) throws -> Tensor { try call("aten::abs", x) }

  private static func positive(_ x: Tensor) throws -> Tensor { try call("aten::relu", x) }

  private static func negative(_ x: Tensor) throws -> Tensor {
    try call("aten::clamp", [.tensor(x), .none, .double(0)])
  }

  /// `a / b`, zero where b is too small to tell.
  private static func quotient(_ a: Tensor, _ b: Tensor) throws -> Tensor {
    let small = try call("aten::le.Scalar", [.tensor(call("aten::abs", b)), .double(1e-20)])
    let safe = try call("aten::masked_fill.Scalar", [.tensor(b), .tensor(small), .double(1)])
    return try call(
      "aten::masked_fill.Scalar", [.tensor(a / safe), .tensor(small), .double(0)])
  }

  /// Summed over the axes along which a tensor of `shape` was broadcast.
  private static func reduced(_ x: Tensor, to shape: [Int]) throws -> Tensor {
    guard x.shape != shape else { return x }
    let extra = x.rank - shape.count
    var axes = Array(0..<extra)
    for (k, size) in shape.enumerated() where size == 1 && x.shape[extra + k] != 1 {
      axes.append(extra + k)
    }
    let sum = axes.isEmpty ? x : try x.sum(axes, keep: true)
    return try sum.reshaped(shape)
  }
}
