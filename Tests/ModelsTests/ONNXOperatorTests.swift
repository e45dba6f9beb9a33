import Models
import Tensors
import Testing
import Vocabulary

/// One operator on small tensors, with the answer worked out by hand.
struct OperatorCase: Sendable, CustomTestStringConvertible {
  var type: String
  var inputs: [TestTensor?]
  var attributes: KeyValuePairs<String, ONNXWriter.Attribute> = [:]
  var opset = 17
  var shape: [Int]
  var values: [Float]
  /// Which result is looked at, of how many.
  var output = (index: 0, count: 1)

  var testDescription: String { "\(type) \(shape) \(values.prefix(4))" }

  /// Runs the operator; inputs whose index is in `constants` are part of the model.
  func run(constants: Set<Int>) throws -> Tensor {
    var writer = ONNXWriter(opset: opset)
    var data: [String: Tensor] = [:]
    for case (let index, let tensor?) in inputs.enumerated() {
      let name = "value\(index)"
      if constants.contains(index) {
        writer.constants.append((name, tensor))
      } else {
        writer.inputs.append(
          .init(name: name, type: tensor.type, shape: tensor.shape.map { _ in nil }))
        data[name] = tensor.tensor
      }
    }
    let outputs = (0..<output.count).map { "result\($0)" }
    writer.nodes = [
      .init(
        type: type, inputs: inputs.enumerated().map { $1 == nil ? "" : "value\($0)" },
        outputs: outputs, attributes: attributes),
      .init(
        type: "Cast", inputs: [outputs[output.index]], outputs: ["y"], attributes: ["to": .int(1)]),
    ]
    writer.outputs = [.init(name: "y", shape: shape.map { _ in nil })]
    return try Executor(ONNXModel.load(writer.bytes(), path: "test.onnx")).run(data)
  }
}

extension TestTensor {
  var tensor: Tensor {
    switch type {
    case 1: Tensor(bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }, shape: shape)
    case 7: Tensor(bytes.withUnsafeBytes { Array($0.bindMemory(to: Int64.self)) }, shape: shape)
    default: Tensor(bytes.map(Int64.init), shape: shape)
    }
  }
}

@Suite struct ONNXOperatorTests {
  @Test(arguments: cases) func givesTheAnswerWorkedOutByHand(_ test: OperatorCase) throws {
    // All inputs from outside; then all but one constant (the indices of Gather stay).
    let free = test.type == "Gather" || test.type == "Where" ? 1 : 0
    for constants in [[], Set(test.inputs.indices).subtracting([free])] {
      if test.type == "Conv", constants.isEmpty { continue }
      let result = try test.run(constants: constants)
      #expect(result.shape == test.shape)
      let values = try result.floats()
      let difference = zip(values, test.values).map { abs($0 - $1) }.max() ?? 0
      #expect(difference < 1e-5, "\(values)")
    }
  }

  static let grid = TestTensor.floats([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3])
  static let square = TestTensor.floats([1, 2, 3, 4], [1, 1, 2, 2])
  static let matrix = TestTensor.floats([1, 2, 3, 4, 5, 6], [2, 3])
  static let line = TestTensor.floats([-2, -1, 0, 1, 2])

  static let cases: [OperatorCase] = weighted + elementwise + windows + shapes + others

  static let weighted: [OperatorCase] = [
    .init(
      type: "Conv", inputs: [grid, .floats([1, 0, 0, 1], [1, 1, 2, 2]), .floats([10])],
      shape: [1, 1, 2, 2], values: [16, 18, 22, 24]),
    .init(
      type: "Conv", inputs: [grid, .floats([1, 1, 1, 1], [1, 1, 2, 2])],
      attributes: ["auto_pad": .string("SAME_UPPER"), "strides": .ints([2, 2])],
      shape: [1, 1, 2, 2], values: [12, 9, 15, 9]),
    .init(
      type: "Conv", inputs: [grid, .floats([1, 1, 1, 1], [1, 1, 2, 2])],
      attributes: ["auto_pad": .string("SAME_LOWER"), "strides": .ints([2, 2])],
      shape: [1, 1, 2, 2], values: [1, 5, 11, 28]),
    .init(
      type: "Conv", inputs: [grid, .floats([1, 1, 1, 1], [1, 1, 2, 2])],
      attributes: ["dilations": .ints([2, 2]), "pads": .ints([0, 0, 1, 0])],
      shape: [1, 1, 2, 1], values: [20, 10]),
    .init(
      type: "Conv",
      inputs: [.floats([1, 2, 3, 4], [1, 2, 2]), .floats([1, 1, 2, -1], [2, 1, 2])],
      attributes: ["group": .int(2)], shape: [1, 2, 1], values: [3, 2]),
    .init(
      type: "Gemm", inputs: [matrix, .floats([1, 0, 0, 1, 1, 1], [3, 2]), .floats([10, 20])],
      shape: [2, 2], values: [14, 25, 20, 31]),
    .init(
      type: "Gemm", inputs: [matrix, .floats([1, 0, 1, 0, 1, 1], [2, 3]), .floats([1], [1, 1])],
      attributes: ["transB": .int(1)], shape: [2, 2], values: [5, 6, 11, 12]),
    .init(
      type: "Gemm", inputs: [matrix, .floats([1, 2], [2, 1]), .floats([4])],
      attributes: ["transA": .int(1), "alpha": .float(2), "beta": .float(0.5)],
      shape: [3, 1], values: [20, 26, 32]),
    .init(
      type: "MatMul", inputs: [matrix, .floats([1, 0, 0, 1, 1, 1], [3, 2])],
      shape: [2, 2], values: [4, 5, 10, 11]),
    .init(
      type: "Gather", inputs: [.floats([1, 2, 3, 4, 5, 6], [3, 2]), .ints([2, 0], [1, 2])],
      shape: [1, 2, 2], values: [5, 6, 1, 2]),
    .init(
      type: "Gather", inputs: [matrix, .ints([-1], [])], attributes: ["axis": .int(1)],
      shape: [2], values: [3, 6]),
  ]

  static let elementwise: [OperatorCase] = [
    .init(
      type: "Add", inputs: [matrix, .floats([1, 0, -1])], shape: [2, 3], values: [2, 2, 2, 5, 5, 5]),
    .init(type: "Sub", inputs: [line, .scalar(1)], shape: [5], values: [-3, -2, -1, 0, 1]),
    .init(type: "Mul", inputs: [line, line], shape: [5], values: [4, 1, 0, 1, 4]),
    .init(type: "Div", inputs: [line, .scalar(2)], shape: [5], values: [-1, -0.5, 0, 0.5, 1]),
    .init(type: "Div", inputs: [.ints([-7, 7]), .ints([2])], shape: [2], values: [-3, 3]),
    .init(type: "Pow", inputs: [line, .scalar(2)], shape: [5], values: [4, 1, 0, 1, 4]),
    .init(type: "Relu", inputs: [line], shape: [5], values: [0, 0, 0, 1, 2]),
    .init(
      type: "LeakyRelu", inputs: [line], attributes: ["alpha": .float(0.1)], shape: [5],
      values: [-0.2, -0.1, 0, 1, 2]),
    .init(type: "PRelu", inputs: [line, .floats([0.5])], shape: [5], values: [-1, -0.5, 0, 1, 2]),
    .init(
      type: "Clip", inputs: [line], attributes: ["min": .float(-1), "max": .float(1)], opset: 10,
      shape: [5], values: [-1, -1, 0, 1, 1]),
    .init(type: "Clip", inputs: [line, nil, .scalar(1)], shape: [5], values: [-2, -1, 0, 1, 1]),
    .init(
      type: "Clip", inputs: [.ints([1, 5, 9]), .ints([2], []), .ints([6], [])], shape: [3],
      values: [2, 5, 6]),
    .init(
      type: "HardSigmoid", inputs: [line], shape: [5], values: [0.1, 0.3, 0.5, 0.7, 0.9]),
    .init(
      type: "HardSwish", inputs: [line], opset: 14, shape: [5],
      values: [-1.0 / 3, -1.0 / 3, 0, 2.0 / 3, 5.0 / 3]),
    .init(type: "Sigmoid", inputs: [.floats([0])], shape: [1], values: [0.5]),
    .init(type: "Tanh", inputs: [.floats([0.5])], shape: [1], values: [0.46211716]),
    .init(type: "Erf", inputs: [.floats([0.5])], shape: [1], values: [0.5204999]),
    .init(type: "Gelu", inputs: [.floats([1])], opset: 20, shape: [1], values: [0.8413447]),
    .init(
      type: "Gelu", inputs: [.floats([1])], attributes: ["approximate": .string("tanh")],
      opset: 20, shape: [1], values: [0.841192]),
    .init(type: "Sqrt", inputs: [.floats([9])], shape: [1], values: [3]),
    .init(type: "Exp", inputs: [.floats([1])], shape: [1], values: [2.7182817]),
    .init(type: "Log", inputs: [.floats([8])], shape: [1], values: [2.0794415]),
    .init(type: "Neg", inputs: [line], shape: [5], values: [2, 1, 0, -1, -2]),
    .init(type: "Abs", inputs: [line], shape: [5], values: [2, 1, 0, 1, 2]),
    .init(type: "Reciprocal", inputs: [.floats([4])], shape: [1], values: [0.25]),
    .init(
      type: "Max", inputs: [line, .scalar(0), .scalar(1)], shape: [5], values: [1, 1, 1, 1, 2]),
    .init(type: "Sum", inputs: [line, line, line], shape: [5], values: [-6, -3, 0, 3, 6]),
    .init(type: "Equal", inputs: [line, .scalar(1)], shape: [5], values: [0, 0, 0, 1, 0]),
    .init(type: "Less", inputs: [line, .scalar(1)], shape: [5], values: [1, 1, 1, 0, 0]),
    .init(type: "Greater", inputs: [line, .scalar(1)], shape: [5], values: [0, 0, 0, 0, 1]),
    .init(type: "Not", inputs: [.bools([true, false])], shape: [2], values: [0, 1]),
    .init(
      type: "Where", inputs: [.bools([true, false, true]), .floats([1, 2, 3]), .scalar(-9)],
      shape: [3], values: [1, -9, 3]),
  ]

  static let windows: [OperatorCase] = [
    .init(
      type: "MaxPool", inputs: [grid], attributes: ["kernel_shape": .ints([2, 2])],
      shape: [1, 1, 2, 2], values: [5, 6, 8, 9]),
    .init(
      type: "MaxPool", inputs: [grid],
      attributes: [
        "kernel_shape": .ints([2, 2]), "strides": .ints([2, 2]), "ceil_mode": .int(1),
      ], shape: [1, 1, 2, 2], values: [5, 6, 8, 9]),
    .init(
      type: "MaxPool", inputs: [.floats([-1, -2, -3], [1, 1, 3])],
      attributes: ["kernel_shape": .ints([2]), "pads": .ints([0, 1])],
      shape: [1, 1, 3], values: [-1, -2, -3]),
    .init(
      type: "AveragePool", inputs: [grid],
      attributes: ["kernel_shape": .ints([3, 3]), "pads": .ints([1, 1, 1, 1])],
      shape: [1, 1, 3, 3], values: [3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7]),
    .init(
      type: "AveragePool", inputs: [grid],
      attributes: ["kernel_shape": .ints([2, 2]), "pads": .ints([0, 0, 1, 1])],
      shape: [1, 1, 3, 3], values: [3, 4, 4.5, 6, 7, 7.5, 7.5, 8.5, 9]),
    .init(
      type: "AveragePool", inputs: [grid],
      attributes: [
        "kernel_shape": .ints([2, 2]), "pads": .ints([0, 0, 1, 1]), "count_include_pad": .int(1),
        "strides": .ints([2, 2]),
      ], shape: [1, 1, 2, 2], values: [3, 2.25, 3.75, 2.25]),
    .init(type: "GlobalAveragePool", inputs: [grid], shape: [1, 1, 1, 1], values: [5]),
    .init(type: "GlobalMaxPool", inputs: [grid], shape: [1, 1, 1, 1], values: [9]),
    .init(
      type: "Pad", inputs: [.floats([1, 2, 3], [1, 3]), .ints([0, 1, 0, 2]), .scalar(7)],
      shape: [1, 6], values: [7, 1, 2, 3, 7, 7]),
    .init(
      type: "Pad", inputs: [.floats([1, 2, 3], [1, 3]), .ints([0, 2, 0, 1])],
      attributes: ["mode": .string("reflect")], shape: [1, 6], values: [3, 2, 1, 2, 3, 2]),
    .init(
      type: "Pad", inputs: [.floats([1, 2], [1, 2])], attributes: ["pads": .ints([0, 0, 0, 1])],
      opset: 10, shape: [1, 3], values: [1, 2, 0]),
    .init(
      type: "Resize", inputs: [square, nil, .floats([1, 1, 2, 2])],
      attributes: [
        "coordinate_transformation_mode": .string("asymmetric"), "nearest_mode": .string("floor"),
      ], shape: [1, 1, 4, 4], values: [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]),
    .init(
      type: "Resize", inputs: [.floats([0, 4], [1, 1, 2]), nil, nil, .ints([1, 1, 4])],
      attributes: ["mode": .string("linear")], shape: [1, 1, 4], values: [0, 1, 3, 4]),
    .init(
      type: "Upsample", inputs: [square, .floats([1, 1, 1, 2])], opset: 9, shape: [1, 1, 2, 4],
      values: [1, 1, 2, 2, 3, 3, 4, 4]),
  ]

  static let shapes: [OperatorCase] = [
    .init(
      type: "Flatten", inputs: [.floats([1, 2, 3, 4], [2, 1, 2])], shape: [2, 2],
      values: [1, 2, 3, 4]),
    .init(
      type: "Reshape", inputs: [matrix, .ints([0, -1, 1])], shape: [2, 3, 1],
      values: [1, 2, 3, 4, 5, 6]),
    .init(type: "Transpose", inputs: [matrix], shape: [3, 2], values: [1, 4, 2, 5, 3, 6]),
    .init(
      type: "Unsqueeze", inputs: [line, .ints([0, -1])], shape: [1, 5, 1],
      values: [-2, -1, 0, 1, 2]),
    .init(
      type: "Unsqueeze", inputs: [line], attributes: ["axes": .ints([1])], opset: 11,
      shape: [5, 1], values: [-2, -1, 0, 1, 2]),
    .init(type: "Squeeze", inputs: [square, .ints([0])], shape: [1, 2, 2], values: [1, 2, 3, 4]),
    .init(type: "Squeeze", inputs: [square], shape: [2, 2], values: [1, 2, 3, 4]),
    .init(type: "Shape", inputs: [matrix], shape: [2], values: [2, 3]),
    .init(
      type: "Shape", inputs: [matrix], attributes: ["start": .int(-1)], shape: [1], values: [3]),
    .init(
      type: "Expand", inputs: [.floats([1, 2], [2, 1]), .ints([2])], shape: [2, 2],
      values: [1, 1, 2, 2]),
    .init(
      type: "Tile", inputs: [.floats([1, 2], [1, 2]), .ints([2, 2])], shape: [2, 4],
      values: [1, 2, 1, 2, 1, 2, 1, 2]),
    .init(
      type: "Concat", inputs: [line, line], attributes: ["axis": .int(0)], shape: [10],
      values: [-2, -1, 0, 1, 2, -2, -1, 0, 1, 2]),
    .init(type: "Identity", inputs: [line], shape: [5], values: [-2, -1, 0, 1, 2]),
    .init(type: "Dropout", inputs: [line, .scalar(0.9)], shape: [5], values: [-2, -1, 0, 1, 2]),
    .init(
      type: "Slice", inputs: [matrix, .ints([0, -2]), .ints([1, .max])], shape: [1, 2],
      values: [2, 3]),
    .init(
      type: "Slice", inputs: [line, .ints([-1]), .ints([.min]), .ints([0]), .ints([-2])],
      shape: [3], values: [2, 0, -2]),
    .init(
      type: "Slice", inputs: [line], attributes: ["starts": .ints([1]), "ends": .ints([3])],
      opset: 9, shape: [2], values: [-1, 0]),
    .init(
      type: "Split", inputs: [line, .ints([2, 3])], shape: [3], values: [0, 1, 2], output: (1, 2)),
    .init(
      type: "Split", inputs: [line], attributes: ["num_outputs": .int(2)], opset: 18, shape: [2],
      values: [1, 2], output: (1, 2)),
    .init(
      type: "Trilu", inputs: [.floats([1, 2, 3, 4], [2, 2])], shape: [2, 2], values: [1, 2, 0, 4]),
  ]

  static let others: [OperatorCase] = [
    .init(
      type: "ReduceMean", inputs: [matrix], attributes: ["axes": .ints([-1])], shape: [2, 1],
      values: [2, 5]),
    .init(
      type: "ReduceSum", inputs: [matrix, .ints([0])], attributes: ["keepdims": .int(0)],
      shape: [3], values: [5, 7, 9]),
    .init(
      type: "ReduceMax", inputs: [matrix], attributes: ["keepdims": .int(0)], shape: [],
      values: [6]),
    .init(
      type: "ReduceL2", inputs: [.floats([3, 4])], attributes: ["axes": .ints([0])], shape: [1],
      values: [5]),
    .init(
      type: "ArgMax", inputs: [.floats([1, 5, 5, 9, 0, 0], [2, 3])],
      attributes: ["axis": .int(1)], shape: [2, 1], values: [1, 0]),
    .init(
      type: "CumSum", inputs: [line, .ints([0], [])], shape: [5], values: [-2, -3, -3, -2, 0]),
    .init(
      type: "Softmax", inputs: [.floats([0, 0, 0, 0], [2, 2])], shape: [2, 2],
      values: [0.5, 0.5, 0.5, 0.5]),
    .init(
      type: "Softmax", inputs: [square], opset: 12, shape: [1, 1, 2, 2],
      values: [0.0320586, 0.0871443, 0.2368828, 0.6439143]),
    .init(
      type: "LogSoftmax", inputs: [.floats([0, 0])], shape: [2], values: [-0.6931472, -0.6931472]),
    .init(
      type: "BatchNormalization",
      inputs: [
        .floats([1, 2, 3, 4], [1, 2, 2]), .floats([2, 1]), .floats([0, 10]), .floats([1, 3]),
        .floats([0.25, 1]),
      ], attributes: ["epsilon": .float(0)], shape: [1, 2, 2], values: [0, 4, 10, 11]),
    .init(
      type: "InstanceNormalization",
      inputs: [.floats([1, 3, 5, 5], [1, 2, 2]), .floats([2, 1]), .floats([0, 7])],
      attributes: ["epsilon": .float(1e-12)], shape: [1, 2, 2], values: [-2, 2, 7, 7]),
    .init(
      type: "LayerNormalization",
      inputs: [.floats([1, 3, 5, 9], [2, 2]), .floats([1, 2]), .floats([0, 1])],
      attributes: ["epsilon": .float(1e-12)], shape: [2, 2], values: [-1, 3, -1, 3]),
    .init(
      type: "LpNormalization", inputs: [.floats([3, 4, 0, 0], [2, 2])], shape: [2, 2],
      values: [0.6, 0.8, 0, 0]),
    .init(
      type: "LpNormalization", inputs: [.floats([-1, 3], [1, 2])], attributes: ["p": .int(1)],
      shape: [1, 2], values: [-0.25, 0.75]),
    .init(
      type: "ConstantOfShape", inputs: [.ints([2, 1])],
      attributes: ["value": .tensor(.floats([3]))], shape: [2, 1], values: [3, 3]),
    .init(
      type: "Range", inputs: [.ints([5], []), .ints([0], []), .ints([-2], [])], shape: [3],
      values: [5, 3, 1]),
    .init(
      type: "Range", inputs: [.scalar(0), .scalar(1), .scalar(0.4)], shape: [3],
      values: [0, 0.4, 0.8]),
  ]
}
