public import Tensors

/// An elementwise operation of two broadcast tensors.
public enum Binary: String, Operation, CaseIterable {
  /// a + b.
  case add = "aten::add.Tensor"
  /// a − b.
  case subtract = "aten::sub.Tensor"
  /// a · b.
  case multiply = "aten::mul.Tensor"
  /// a / b.
  case divide = "aten::div.Tensor"
  /// aᵇ.
  case power = "aten::pow.Tensor_Tensor"

  /// a, b to the result.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    [try call(rawValue, inputs.required(0), inputs.required(1))]
  }
}

/// An elementwise function of one tensor, by its ATen name.
public enum Unary: String, Operation, CaseIterable {
  /// max(x, 0).
  case relu = "aten::relu"
  /// 1 / (1 + e⁻ˣ).
  case sigmoid = "aten::sigmoid"
  /// x · sigmoid(x), also called swish.
  case silu = "aten::silu"
  /// Hyperbolic tangent.
  case tanh = "aten::tanh"
  /// The error function.
  case erf = "aten::erf"
  /// √x.
  case sqrt = "aten::sqrt"
  /// eˣ.
  case exp = "aten::exp"
  /// ln x.
  case log = "aten::log"
  /// |x|.
  case abs = "aten::abs"
  /// −x.
  case negate = "aten::neg"
  /// 1 / x.
  case reciprocal = "aten::reciprocal"
  /// x · clip(x / 6 + ½, 0, 1).
  case hardSwish = "aten::hardswish"
  /// x · Φ(x), exact.
  case gelu = "aten::gelu"

  /// x to the result.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    [try call(rawValue, inputs.required(0))]
  }
}

/// Values held between two bounds; a nil bound is none.
public struct Clip: Operation {
  /// The least value.
  public var low: Double?
  /// The greatest value.
  public var high: Double?

  /// Holds values between `low` and `high`.
  public init(low: Double?, high: Double?) {
    self.low = low
    self.high = high
  }

  /// x to the result.
  public func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    [
      try call(
        "aten::clamp",
        [
          .tensor(inputs.required(0)), low.map(Argument.double) ?? .none,
          high.map(Argument.double) ?? .none,
        ])
    ]
  }
}
