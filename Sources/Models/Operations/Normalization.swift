public import Tensors

/// `(x − mean) / √(variance + ε) · scale + shift` over the last axes that `scale` covers.
public struct LayerNorm: Operation {
  /// Added to the variance.
  public var epsilon: Double
  /// A layer norm.
  public init(epsilon: Double) { self.epsilon = epsilon }
  /// x, scale, shift? to y.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let scale = try inputs.required(1)
    return [
      try call(
        "aten::layer_norm",
        [
          .tensor(inputs.required(0)), .ints(scale.shape), .tensor(scale),
          .optional(inputs.optional(2)), .double(epsilon),
        ])
    ]
  }
}

/// `x / √(mean(x²) + ε) · scale` over the last axis.
public struct RMSNorm: Operation {
  /// Added to the mean square.
  public var epsilon: Double
  /// A root-mean-square norm.
  public init(epsilon: Double) { self.epsilon = epsilon }
  /// x, scale to y.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let inverse = try call("aten::rsqrt", (x * x).mean([-1], keep: true) + epsilon)
    return [try x * inverse * inputs.required(1)]
  }
}

/// `x / max(‖x‖₂, ε)` over an axis.
public struct L2Normalize: Operation {
  /// The axis.
  public var axis: Int
  /// Normalises along `axis`.
  public init(axis: Int) { self.axis = axis }
  /// x to the unit vector.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let norm = try call("aten::sqrt", (x * x).sum([axis], keep: true))
    return [try x / call("aten::clamp", [.tensor(norm), .double(1e-12)])]
  }
}
