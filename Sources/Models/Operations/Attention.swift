public import Tensors

/// Batched matrix product over the last two axes.
public struct MatMul: Operation {
  /// A matrix product of two activations.
  public init() {}
  /// a, b to a · b.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    [try inputs.required(0).matmul(inputs.required(1))]
  }
}

/// Softmax over an axis.
public struct Softmax: Operation {
  /// The axis.
  public var axis: Int
  /// Softmax along `axis`.
  public init(axis: Int) { self.axis = axis }
  /// x to probabilities.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    [try inputs.required(0).softmax(axis)]
  }
}

/// `[n, t, heads · d]` to `[n, heads, t, d]`.
public struct SplitHeads: Operation {
  /// The number of heads.
  public var heads: Int
  /// Splits into `heads`.
  public init(heads: Int) { self.heads = heads }
  /// x to heads.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let shape = x.shape
    return [
      try x.reshaped([shape[0], shape[1], heads, shape[2] / heads]).transposed(1, 2)
    ]
  }
}

/// `[n, heads, t, d]` to `[n, t, heads · d]`.
public struct MergeHeads: Operation {
  /// Merges all heads.
  public init() {}
  /// Heads to x.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let shape = x.shape
    return [try x.transposed(1, 2).reshaped([shape[0], shape[2], shape[1] * shape[3]])]
  }
}

/// Scaled dot-product attention weights and their use: `softmax(q kᵀ · scale + mask) v`.
///
/// q `[n, heads, t, d]`, k and v `[n, kvHeads, t, d]`; heads share keys and values in equal runs
/// (grouped-query attention). The optional mask `[n, t]` is one for real tokens.
public struct Attention: Operation {
  /// Usually `1 / √d`.
  public var scale: Double
  /// Whether position t sees only positions up to t.
  public var causal: Bool

  /// Attention with the given scale.
  public init(scale: Double, causal: Bool) {
    self.scale = scale
    self.causal = causal
  }

  /// q, k, v, mask? to the mixed values `[n, heads, t, d]`.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let q = try inputs.required(0)
    let heads = q.shape[1]
    let k = try repeated(inputs.required(1), to: heads)
    let v = try repeated(inputs.required(2), to: heads)
    var scores = try q.matmul(k.transposed(-1, -2)) * scale
    if causal {
      let t = q.shape[2]
      let ones = try call("aten::ones", [.ints([t, t])], named: ["dtype": .dtype(.bool)])
      let future = try call("aten::triu", [.tensor(ones), .int(1)])
      scores = try call(
        "aten::masked_fill.Scalar", [.tensor(scores), .tensor(future), .double(-.infinity)])
    }
    if let mask = inputs.optional(3) {
      let padding = try call(
        "aten::eq.Scalar", [.tensor(mask.unsqueezed(1).unsqueezed(1)), .int(0)])
      scores = try call(
        "aten::masked_fill.Scalar", [.tensor(scores), .tensor(padding), .double(-.infinity)])
    }
    return [try scores.softmax(-1).matmul(v)]
  }

  private func repeated(_ x: Tensor, to heads: Int) throws -> Tensor {
    let own = x.shape[1]
    guard own != heads else { return x }
    return try call("aten::repeat_interleave.self_int", [.tensor(x), .int(heads / own), .int(1)])
  }
}

/// Rotary position embedding of q or k `[n, heads, t, d]`, positions `0 ..< t`.
///
/// Source: Su et al., "RoFormer", 2021. Two layouts of the pairs are in use: neighbours `(2i, 2i + 1)`
/// (GGUF's llama) and halves `(i, i + d/2)` (Hugging Face).
public struct RotaryEmbedding: Operation {
  /// Which elements turn together.
  public enum Pairing: Sendable { case neighbours, halves }
  /// Base of the geometric row of frequencies.
  public var base: Double
  /// Which elements turn together.
  public var pairing: Pairing

  /// A rotation with frequencies `base^(−2i/d)`.
  public init(base: Double, pairing: Pairing) {
    self.base = base
    self.pairing = pairing
  }

  /// x to the rotated x.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let shape = x.shape
    let (t, half) = (shape[2], shape[3] / 2)
    let (cosine, sine) = try angles(positions: t, half: half)
    let first: Tensor
    let second: Tensor
    switch pairing {
    case .neighbours:
      first = try x.sliced(3, 0, 2 * half, step: 2)
      second = try x.sliced(3, 1, 2 * half, step: 2)
    case .halves:
      first = try x.sliced(3, 0, half)
      second = try x.sliced(3, half, 2 * half)
    }
    let a = try first * cosine - second * sine
    let b = try first * sine + second * cosine
    switch pairing {
    case .neighbours:
      let pairs = try call("aten::stack", [.tensors([a, b]), .int(-1)])
      return [try pairs.reshaped(shape)]
    case .halves:
      return [try .concatenated([a, b], axis: 3)]
    }
  }

  private func angles(positions: Int, half: Int) throws -> (Tensor, Tensor) {
    let exponents = Tensor((0..<half).map { -Double($0) / Double(half) }, shape: [1, half])
    let frequencies = try call("aten::pow.Scalar", [.double(base), .tensor(exponents)])
    let places = Tensor((0..<positions).map(Double.init), shape: [positions, 1])
    let angles = try places * frequencies
    return (
      try call("aten::cos", angles).converted(to: .float32),
      try call("aten::sin", angles).converted(to: .float32)
    )
  }
}
