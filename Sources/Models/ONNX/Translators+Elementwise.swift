internal import Tensors

extension ONNXTranslators {
  /// Functions of single elements, broadcast.
  static let elementwise: [String: ONNXTranslator] = [
    "Add": simple(Binary.add, inputs: 2),
    "Sub": simple(Binary.subtract, inputs: 2),
    "Mul": simple(Binary.multiply, inputs: 2),
    "Div": simple(Quotient(), inputs: 2),
    "Pow": simple(Binary.power, inputs: 2),
    "Relu": simple(Unary.relu),
    "Sigmoid": simple(Unary.sigmoid),
    "Tanh": simple(Unary.tanh),
    "Erf": simple(Unary.erf),
    "Sqrt": simple(Unary.sqrt),
    "Exp": simple(Unary.exp),
    "Log": simple(Unary.log),
    "Abs": simple(Unary.abs),
    "Neg": simple(Unary.negate),
    "Reciprocal": simple(Unary.reciprocal),
    "HardSwish": simple(Unary.hardSwish),
    "Sin": simple(NamedFunction(name: "aten::sin")),
    "Cos": simple(NamedFunction(name: "aten::cos")),
    "Floor": simple(NamedFunction(name: "aten::floor")),
    "Ceil": simple(NamedFunction(name: "aten::ceil")),
    "Round": simple(NamedFunction(name: "aten::round")),
    "Sign": simple(NamedFunction(name: "aten::sign")),
    "Softplus": simple(NamedFunction(name: "aten::softplus")),
    "Not": simple(NamedFunction(name: "aten::logical_not")),
    "Equal": comparison("eq"),
    "Less": comparison("lt"),
    "LessOrEqual": comparison("le"),
    "Greater": comparison("gt"),
    "GreaterOrEqual": comparison("ge"),
    "And": simple(NamedFunction(name: "aten::logical_and", arity: 2), inputs: 2),
    "Or": simple(NamedFunction(name: "aten::logical_or", arity: 2), inputs: 2),
    "Where": simple(NamedFunction(name: "aten::where.self", arity: 3), inputs: 3),
    "PRelu": simple(ParametricRelu(), inputs: 2),
    "Sum": folded(Binary.add),
    "Max": folded(NamedFunction(name: "aten::maximum", arity: 2)),
    "Min": folded(NamedFunction(name: "aten::minimum", arity: 2)),
    "LeakyRelu": configured { node in
      NamedFunction(
        name: "aten::leaky_relu", arguments: [.double(node.double("alpha", default: 0.01))])
    },
    "Elu": configured { node in
      NamedFunction(name: "aten::elu", arguments: [.double(node.double("alpha", default: 1))])
    },
    "HardSigmoid": configured { node in
      HardSigmoid(
        slope: node.double("alpha", default: 0.2), offset: node.double("beta", default: 0.5))
    },
    "Gelu": configured { node in
      let form = node.string("approximate", default: "none")
      guard ["none", "tanh"].contains(form) else {
        throw node.unsupported("approximate = '\(form)'")
      }
      return NamedFunction(name: "aten::gelu", named: ["approximate": .string(form)])
    },
    "Clip": clip,
  ]

  private static func comparison(_ name: String) -> ONNXTranslator {
    simple(NamedFunction(name: "aten::\(name).Tensor", arity: 2), inputs: 2)
  }

  /// An operator of any number of inputs, two at a time.
  private static func folded(_ operation: any Operation) -> ONNXTranslator {
    { node, importer in
      var result = try importer.input(node, 0)
      for index in node.inputs.indices.dropFirst() {
        result = importer.emitValue(node, operation, [result, try importer.input(node, index)])
      }
      return [.computed(result)]
    }
  }

  /// Bounds are attributes before operator set 11, inputs since; constant ones are read at once.
  private static let clip: ONNXTranslator = { node, importer in
    let x = try importer.input(node, 0)
    if importer.opset < 11 {
      func bound(_ name: String) -> Double? { node.has(name) ? node.double(name, default: 0) : nil }
      return importer.emit(node, Clip(low: bound("min"), high: bound("max")), [x])
    }
    let given = [1, 2].filter { node.input($0) != nil }
    guard !given.isEmpty else { return [.computed(x)] }
    let constants = given.compactMap { importer.constant(node, $0) }
    let areNumbers = constants.allSatisfy {
      $0.dtype == .float32 && $0.shape.allSatisfy { $0 == 1 }
    }
    guard constants.count == given.count, areNumbers else {
      return importer.emit(
        node, ClipBetween(),
        [x, try importer.optionalInput(node, 1), try importer.optionalInput(node, 2)])
    }
    let low = try importer.constant(node, 1)?.item()
    let high = try importer.constant(node, 2)?.item()
    return importer.emit(node, Clip(low: low, high: high), [x])
  }
}
