internal import Tensors
internal import Vocabulary

/// An ATen operator of one to three tensors, by name, with fixed further arguments.
struct NamedFunction: Operation {
  /// As the dispatcher knows it, with the overload after a dot.
  var name: String
  /// How many tensors it takes.
  var arity = 1
  /// What follows the tensors.
  var arguments: [Argument] = []
  /// Further arguments by name.
  var named: KeyValuePairs<String, Argument> = [:]

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let tensors = try (0..<arity).map { Argument.tensor(try inputs.required($0)) }
    return [try call(name, tensors + arguments, named: named)]
  }
}

/// a / b; integers are divided towards zero.
struct Quotient: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let (a, b) = try (inputs.required(0), inputs.required(1))
    guard let dtype = a.dtype, !dtype.isFloatingPoint, b.dtype?.isFloatingPoint == false else {
      return [try a / b]
    }
    // The processor traps where the quotient does not fit; such a division is an error here.
    let pair = try Operator.named("aten::broadcast_tensors")([.tensors([a, b])])
    guard pair.count == 2 else { throw UserError(.failed, "a division lacks an operand") }
    let quotients = try zip(pair[0].integers(), pair[1].integers()).map { a, b in
      let (quotient, overflow) = a.dividedReportingOverflow(by: b)
      guard !overflow else { throw UserError(.failed, "\(a) cannot be divided by \(b)") }
      return Int64(quotient)
    }
    return [try Tensor(quotients, shape: pair[0].shape).converted(to: dtype)]
  }
}

/// Values held between two bounds that are computed; inputs x, low?, high?.
struct ClipBetween: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let (low, high) = (inputs.optional(1), inputs.optional(2))
    guard low != nil || high != nil else { return [x] }
    return [
      try call("aten::clamp.Tensor", [.tensor(x), .optional(low), .optional(high)])
    ]
  }
}

/// clip(α · x + β, 0, 1).
struct HardSigmoid: Operation {
  var slope: Double
  var offset: Double

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let line = try inputs.required(0) * slope + offset
    return [try call("aten::clamp", [.tensor(line), .double(0), .double(1)])]
  }
}

/// x where it is positive, slope · x elsewhere; inputs x, slope.
struct ParametricRelu: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let negative = try call("aten::relu", call("aten::neg", x))
    return [try call("aten::relu", x) - negative * inputs.required(1)]
  }
}

/// α · a · b + β · c with a and b transposed on demand; inputs a, b, c?.
struct ScaledProduct: Operation {
  var alpha: Double
  var beta: Double
  var transposesA: Bool
  var transposesB: Bool

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    var (a, b) = try (inputs.required(0), inputs.required(1))
    if transposesA { a = try a.transposed(-1, -2) }
    if transposesB { b = try b.transposed(-1, -2) }
    let product = try a.matmul(b) * alpha
    guard let c = inputs.optional(2) else { return [product] }
    return [try product + c * beta]
  }
}
