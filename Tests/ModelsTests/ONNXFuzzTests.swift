import Archives
import Models
import Tensors
import Testing
import Vocabulary

/// Damaged files must be refused or work: no crash, no hang, no memory without bounds.
@Suite struct ONNXFuzzTests {
  /// A small network with an operator of every family.
  static func network() -> ONNXWriter {
    var writer = ONNXWriter()
    writer.inputs = [
      .init(name: "x", shape: [nil, 2, 8, 8]), .init(name: "input_ids", type: 7, shape: [nil, 3]),
    ]
    writer.outputs = [.init(name: "y", shape: [nil, 4])]
    func ramp(_ shape: [Int]) -> TestTensor {
      .floats((0..<shape.reduce(1, *)).map { Float($0 % 7) / 8 }, shape)
    }
    writer.constants = [
      ("a.weight", ramp([4, 2, 3, 3])), ("norm", .floats([1, 1, 1, 1])),
      ("b.weight", ramp([4, 1, 3, 3])), ("low", .scalar(0)), ("high", .scalar(6)),
      ("table", ramp([5, 4])), ("d.weight", ramp([4, 4])), ("e.weight", ramp([4, 4])),
      ("shape", .ints([0, -1])), ("one", .ints([1])), ("zero", .ints([0])), ("two", .ints([2])),
      ("pads", .ints([0, 0, 1, 0, 0, 0, 0, 1])), ("scales", .floats([1, 1, 2, 2])),
      ("repeats", .ints([1, 2, 1])), ("count", .ints([3], [])), ("start", .ints([0], [])),
      ("step", .ints([1], [])), ("expanded", .ints([1, 1, 4])),
    ]
    writer.nodes = [
      .init(
        type: "Conv", inputs: ["x", "a.weight"], outputs: ["v1"], name: "a",
        attributes: ["pads": .ints([1, 1, 1, 1]), "strides": .ints([2, 2])]),
      .init(
        type: "BatchNormalization", inputs: ["v1", "norm", "norm", "norm", "norm"],
        outputs: ["v2"], attributes: ["epsilon": .float(0.1)]),
      .init(type: "Clip", inputs: ["v2", "low", "high"], outputs: ["v3"]),
      .init(
        type: "Conv", inputs: ["v3", "b.weight"], outputs: ["v4"], name: "b",
        attributes: ["auto_pad": .string("SAME_UPPER"), "group": .int(4)]),
      .init(
        type: "MaxPool", inputs: ["v4"], outputs: ["v5"],
        attributes: ["kernel_shape": .ints([2, 2]), "pads": .ints([0, 0, 1, 1])]),
      .init(type: "Pad", inputs: ["v5", "pads", "low"], outputs: ["v6"]),
      .init(
        type: "Resize", inputs: ["v6", "", "scales"], outputs: ["v7"],
        attributes: ["mode": .string("linear")]),
      .init(type: "GlobalAveragePool", inputs: ["v7"], outputs: ["v8"]),
      .init(type: "Reshape", inputs: ["v8", "shape"], outputs: ["v9"]),
      .init(type: "Gather", inputs: ["table", "input_ids"], outputs: ["t1"], name: "words"),
      .init(type: "Shape", inputs: ["t1"], outputs: ["t2"]),
      .init(type: "Slice", inputs: ["t2", "one", "two"], outputs: ["t3"]),
      .init(type: "Squeeze", inputs: ["t3", "zero"], outputs: ["t4"]),
      .init(type: "Div", inputs: ["t4", "step"], outputs: ["t5"]),
      .init(type: "Range", inputs: ["start", "t5", "step"], outputs: ["t6"]),
      .init(type: "Cast", inputs: ["t6"], outputs: ["t7"], attributes: ["to": .int(1)]),
      .init(type: "Unsqueeze", inputs: ["t7", "one"], outputs: ["t8"]),
      .init(type: "Add", inputs: ["t1", "t8"], outputs: ["t9"]),
      .init(type: "Tile", inputs: ["t9", "repeats"], outputs: ["t10"]),
      .init(type: "ConstantOfShape", inputs: ["expanded"], outputs: ["t11"]),
      .init(type: "Expand", inputs: ["t11", "expanded"], outputs: ["t12"]),
      .init(type: "Add", inputs: ["t10", "t12"], outputs: ["t13"]),
      .init(
        type: "LayerNormalization", inputs: ["t13", "norm", "norm"], outputs: ["t14"]),
      .init(type: "Softmax", inputs: ["t14"], outputs: ["t15"], attributes: ["axis": .int(-1)]),
      .init(
        type: "Split", inputs: ["t15"], outputs: ["t16", "t17"], attributes: ["axis": .int(1)]),
      .init(
        type: "Concat", inputs: ["t16", "t17"], outputs: ["t18"], attributes: ["axis": .int(1)]),
      .init(
        type: "Transpose", inputs: ["t18"], outputs: ["t19"],
        attributes: ["perm": .ints([0, 2, 1])]),
      .init(
        type: "ReduceMean", inputs: ["t19"], outputs: ["t20"],
        attributes: ["axes": .ints([2]), "keepdims": .int(0)]),
      .init(type: "MatMul", inputs: ["t20", "d.weight"], outputs: ["t21"], name: "d"),
      .init(type: "Add", inputs: ["v9", "t21"], outputs: ["sum"]),
      .init(
        type: "Gemm", inputs: ["sum", "e.weight", "norm"], outputs: ["y"], name: "e",
        attributes: ["transB": .int(1)]),
    ]
    return writer
  }

  @Test func theNetworkItselfWorks() throws {
    let graph = try ONNXModel.load(Self.network().bytes(), path: "fuzz.onnx")
    #expect(graph.layers.map(\.layer.name) == ["a", "b", "words", "d", "e"])
    let y = try Executor(graph).run(Self.inputs(of: graph))
    #expect(y.shape == [2, 4])
    #expect(try y.floats().allSatisfy(\.isFinite))
  }

  @Test(arguments: 0..<8) func damagedFilesAreRefusedOrWork(_ job: Int) throws {
    let original = Self.network().bytes()
    var generator = SplitMix64(seed: 2026, job: job)
    let counts = Self.outcomes(of: (0..<400).map { _ in Self.damaged(original, &generator) })
    #expect(counts.refused > 100 && counts.worked > 20, "\(counts)")
  }

  @Test(arguments: 0..<4) func wrongNumbersAreRefusedOrWork(_ job: Int) throws {
    var generator = SplitMix64(seed: 4052, job: job)
    let counts = Self.outcomes(of: (0..<250).map { _ in Self.distorted(&generator) })
    #expect(counts.refused > 50 && counts.worked > 20, "\(counts)")
  }

  /// Loads and runs every file; anything but an error that somebody put into words is an issue.
  static func outcomes(of files: [[UInt8]]) -> (refused: Int, worked: Int) {
    var counts = (refused: 0, worked: 0)
    for file in files {
      do {
        try run(file)
        counts.worked += 1
      } catch let error {
        #expect(error is UserError || error is FileError, "\(error)")
        counts.refused += 1
      }
    }
    return counts
  }

  private static func run(_ file: [UInt8]) throws {
    let graph = try ONNXModel.load(file, path: "fuzz.onnx")
    let executor = Executor(graph)
    for parameter in graph.parameters { _ = try executor.parameter(parameter.value) }
    var execution = try executor.start(inputs(of: graph))
    try executor.advance(&execution) { _, _, results in
      // A tensor of a billion elements is slow, not wrong.
      guard results.allSatisfy({ $0.count < 1 << 20 }) else {
        throw UserError(.failed, "the damaged model is too large")
      }
      return results
    }
    _ = try executor.result(of: execution)
  }

  /// Inputs that fit the graph, small ones.
  static func inputs(of graph: Graph) throws -> [String: Tensor] {
    var inputs: [String: Tensor] = [:]
    for input in graph.inputs {
      let shape = input.shape.map { $0 ?? 2 }
      guard shape.count <= 8, shape.allSatisfy({ $0 <= 64 }), shape.reduce(1, *) <= 1 << 16 else {
        throw UserError(.failed, "the damaged input is too large")
      }
      inputs[input.name] = Tensor.zeros(shape)
    }
    return inputs
  }

  /// One to three wounds: flipped bits, other bytes, bytes cut out or put in, lengths, a lost end.
  static func damaged(_ original: [UInt8], _ generator: inout SplitMix64) -> [UInt8] {
    var bytes = original
    for _ in 0...generator.next() % 3 {
      let place = Int(generator.next() % UInt64(bytes.count))
      switch generator.next() % 8 {
      case 0, 1, 2: bytes[place] ^= 1 << UInt8(generator.next() % 8)
      case 3: bytes[place] = UInt8(truncatingIfNeeded: generator.next())
      case 4: bytes[place] = [0, 1, 0x7f, 0x80, 0xff][Int(generator.next() % 5)]
      case 5: bytes.removeSubrange(place..<min(bytes.count, place + 1 + Int(generator.next() % 9)))
      case 6:
        let long = [UInt8](repeating: 0xff, count: 1 + Int(generator.next() % 9)) + [0x01]
        bytes.replaceSubrange(place...place, with: long)
      default: if generator.next() % 8 == 0 { bytes.removeLast(bytes.count - place) }
      }
      if bytes.isEmpty { bytes = [0] }
    }
    return bytes
  }

  /// A well-formed file with a few wrong numbers: attributes, constants, connections.
  static func distorted(_ generator: inout SplitMix64) -> [UInt8] {
    var writer = network()
    var source = generator
    func number() -> Int {
      let nasty = [
        0, 1, -1, 2, 3, -2, 7, 8, 100, -100, 65_536, 1 << 31, -(1 << 31), 1 << 40, .max, .min,
      ]
      return nasty[Int(source.next() % UInt64(nasty.count))]
    }
    func happens(_ chance: Double) -> Bool { source.uniform() < chance }
    for k in writer.constants.indices where happens(0.03) {
      let tensor = writer.constants[k].tensor
      switch tensor.type {
      case 7:
        writer.constants[k].tensor = .ints(
          (0..<max(1, tensor.bytes.count / 8)).map { _ in Int64(number()) }, tensor.shape)
      case 1 where happens(0.5):
        writer.constants[k].tensor = .floats(
          (0..<tensor.bytes.count / 4).map { _ in
            [0, -1, 1e30, 0.3, .nan, .infinity][Int(source.next() % 6)]
          },
          tensor.shape)
      default: writer.constants[k].tensor.shape.reverse()
      }
    }
    for k in writer.nodes.indices where happens(0.02) {
      let values = writer.nodes.flatMap(\.outputs) + writer.constants.map(\.name) + ["", "x"]
      let place = Int(source.next() % UInt64(writer.nodes[k].inputs.count))
      writer.nodes[k].inputs[place] = values[Int(source.next() % UInt64(values.count))]
    }
    if happens(0.2) { writer.opset = 7 + Int(source.next() % 17) }
    let bytes = writer.bytes { attribute in
      guard happens(0.06) else { return }
      switch attribute {
      case .int: attribute = .int(number())
      case .ints(let values):
        attribute = .ints(values.map { happens(0.5) ? number() : $0 })
        if happens(0.2) { attribute = .ints(values + [number()]) }
      case .float: attribute = .float([0, -1, .nan, .infinity, 1e30][Int(source.next() % 5)])
      case .string, .tensor: break
      }
    }
    generator = source
    return bytes
  }
}
