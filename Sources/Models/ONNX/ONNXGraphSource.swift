internal import Tensors
internal import Vocabulary

/// The parts of a file, checked: what the importer and the passes before it work on.
struct ONNXGraphSource {
  /// Something that the caller feeds in.
  struct Input {
    var name: String
    var shape: [Int?]
    var dtype: DType
  }

  var name: String
  var opset: Int
  var inputs: [Input]
  /// Those that the output needs, in the file's order.
  var nodes: [ONNXNode]
  /// Initializers by name.
  var constants: [String: ONNXTensor]
  /// The name of the value that is the result.
  var output: String
  /// Shapes where the file tells them; nil sizes are free.
  var shapes: [String: [Int?]]
  var files: ONNXFiles

  init(_ model: Bitbudget_Onnx_ModelProto, path: String) throws {
    guard model.hasGraph else { throw UserError(.failed, "it holds no graph") }
    let graph = model.graph
    opset = try Self.opset(model)
    name = graph.name.isEmpty ? Self.stem(of: path) : graph.name
    files = ONNXFiles(besides: path)
    constants = [:]
    for proto in graph.initializer {
      let tensor = try ONNXTensor(proto, name: proto.name, files: &files)
      guard constants.updateValue(tensor, forKey: proto.name) == nil, !proto.name.isEmpty else {
        throw UserError(.failed, "two constants have the name '\(proto.name)'")
      }
    }
    shapes = Dictionary(
      (graph.output + graph.valueInfo).compactMap { info in
        info.type.tensorType.hasShape ? (info.name, Self.shape(info)) : nil
      }, uniquingKeysWith: { first, _ in first })
    inputs = try graph.input.filter { [constants] in constants[$0.name] == nil }.map {
      try Self.input($0)
    }
    nodes = try graph.node.map(ONNXNode.init)
    guard let first = graph.output.first, !first.name.isEmpty else {
      throw UserError(.failed, "it has no output")
    }
    output = first.name
    try checkNames()
    dropFinalSoftmax()
    dropUnneeded()
  }

  /// Folds every batch normalization that can be folded.
  mutating func fold() {
    BatchNormFolding.apply(to: &nodes, constants: &constants, output: output)
  }

  /// Names every operator that is not supported.
  ///
  /// - Throws: `UserError`.
  func checkOperators() throws {
    var unknown: [(type: String, node: String)] = []
    for node in nodes where ONNXTranslators.all[node.type] == nil {
      if !unknown.contains(where: { $0.type == node.type }) {
        unknown.append((node.type, node.name.isEmpty ? node.outputs[0] : node.name))
      }
    }
    guard !unknown.isEmpty else { return }
    let list = unknown.map { "'\($0.type)' (node '\($0.node)')" }.joined(separator: ", ")
    throw UserError(
      .failed,
      unknown.count == 1
        ? "the ONNX operator \(list) is not supported"
        : "the ONNX operators \(list) are not supported")
  }

  /// What computes a value.
  func producer(of value: String) -> ONNXNode? { nodes.first { $0.outputs.contains(value) } }

  private mutating func dropFinalSoftmax() {
    guard let last = producer(of: output), last.type == "Softmax", let input = last.input(0),
      let shape = shapes[output] ?? shapes[input], shape.count == 2,
      [-1, 1].contains(last.int("axis", default: opset < 13 ? 1 : -1)),
      !constants.keys.contains(input)
    else { return }
    shapes[input] = shape
    output = input
  }

  private mutating func dropUnneeded() {
    var needed: Set<String> = [output]
    var kept: [ONNXNode] = []
    for node in nodes.reversed() where node.outputs.contains(where: needed.contains) {
      needed.formUnion(node.inputs)
      kept.append(node)
    }
    nodes = kept.reversed()
  }

  private func checkNames() throws {
    var known = Set(constants.keys)
    for name in inputs.map(\.name) + nodes.flatMap(\.outputs) where !name.isEmpty {
      guard known.insert(name).inserted else {
        throw UserError(.failed, "two values have the name '\(name)'")
      }
    }
  }

  private static func opset(_ model: Bitbudget_Onnx_ModelProto) throws -> Int {
    let standard = model.opsetImport.first { $0.domain.isEmpty || $0.domain == "ai.onnx" }
    guard let version = standard?.version else {
      throw UserError(.failed, "it does not say which version of the operators it uses")
    }
    guard (7...23).contains(version) else {
      throw UserError(.failed, "it uses operator set \(version), and 7 to 23 are supported")
    }
    return Int(version)
  }

  private static func input(_ info: Bitbudget_Onnx_ValueInfoProto) throws -> Input {
    let label = "the input '\(info.name)'"
    guard !info.name.isEmpty, info.type.hasTensorType, info.type.tensorType.hasShape else {
      throw UserError(.failed, "\(label) is not a tensor with a known number of axes")
    }
    let dtype = try ONNXTensor.computed(info.type.tensorType.elemType, for: label)
    return Input(name: info.name, shape: shape(info), dtype: dtype)
  }

  private static func shape(_ info: Bitbudget_Onnx_ValueInfoProto) -> [Int?] {
    info.type.tensorType.shape.dim.map {
      if case .dimValue(let size) = $0.value, size > 0 { Int(size) } else { nil }
    }
  }

  private static func stem(of path: String) -> String {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    return file.hasSuffix(".onnx") ? String(file.dropLast(5)) : file
  }
}
