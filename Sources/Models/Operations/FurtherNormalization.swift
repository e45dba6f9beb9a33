internal import Tensors
internal import Vocabulary

/// Channels normalised with stored statistics; inputs x `[n, c, ...]`, scale, shift, mean, variance.
struct BatchNorm: Operation {
  var epsilon: Double

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let tensors = try (0..<5).map { Argument.tensor(try inputs.required($0)) }
    return [
      try call(
        "aten::batch_norm", tensors + [.bool(false), .double(0), .double(epsilon), .bool(false)])
    ]
  }
}

/// Every channel of every sample normalised on its own; inputs x `[n, c, ...]`, scale, shift.
struct InstanceNorm: Operation {
  var epsilon: Double

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let tensors = try (0..<3).map { Argument.tensor(try inputs.required($0)) }
    return [
      try call(
        "aten::instance_norm",
        tensors + [.none, .none, .bool(true), .double(0), .double(epsilon), .bool(false)])
    ]
  }
}

/// `(x − mean) / √(variance + ε) · scale + shift` over the axes from `axis` on.
///
/// Unlike ``LayerNorm``, scale and shift are broadcast.
struct TrailingNorm: Operation {
  var axis: Int
  var epsilon: Double

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let normalized = Array(x.shape[try checkedAxis(axis, rank: x.rank)...])
    let (scale, shift) = try (inputs.required(1), inputs.optional(2))
    if scale.shape == normalized, shift.map({ $0.shape == normalized }) ?? true {
      return [
        try call(
          "aten::layer_norm",
          [
            .tensor(x), .ints(normalized), .tensor(scale), .optional(shift), .double(epsilon),
          ])
      ]
    }
    let plain = try call(
      "aten::layer_norm", [.tensor(x), .ints(normalized), .none, .none, .double(epsilon)])
    let scaled = try plain * scale
    return [try shift.map { try scaled + $0 } ?? scaled]
  }
}

/// `x / Σ|x|` along an axis.
struct L1Normalize: Operation {
  var axis: Int

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let norm = try call("aten::abs", x).sum([axis], keep: true)
    return [try x / call("aten::clamp", [.tensor(norm), .double(1e-12)])]
  }
}

/// Softmax over all axes from `axis` on together.
struct FlattenedSoftmax: Operation {
  var axis: Int
  /// Whether the logarithm is taken.
  var logarithm: Bool

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let rows = try Flatten(axis: axis).evaluate([x])[0]
    return [try (logarithm ? rows.logSoftmax(1) : rows.softmax(1)).reshaped(x.shape)]
  }
}
