internal import Tensors
internal import Vocabulary

/// A value of the file on its way into the graph.
enum ONNXValue: Hashable, Sendable {
  /// A constant, by name.
  case constant(String)
  /// A constant matrix with its axes exchanged.
  case transposed(String)
  /// Something computed, or an input.
  case computed(ValueID)
}

/// What turns one node into operations: the values of its outputs, in their order.
typealias ONNXTranslator = @Sendable (ONNXNode, inout ONNXImporter) throws -> [ONNXValue]

/// Walks through the nodes of a file and puts the graph together.
struct ONNXImporter {
  /// The version of the operator set that the nodes are written for.
  let opset: Int
  var files: ONNXFiles
  /// Constants by the name of their value.
  private(set) var constants: [String: ONNXTensor]
  private var builder: GraphBuilder
  private var values: [String: ONNXValue]
  private var entered: [ONNXValue: ValueID] = [:]
  private var names: Set<String> = []

  /// The graph of a model that was read from `path`.
  static func graph(of model: Bitbudget_Onnx_ModelProto, path: String) throws -> Graph {
    var source = try ONNXGraphSource(model, path: path)
    source.fold()
    try source.checkOperators()
    var importer = ONNXImporter(source)
    for input in source.inputs {
      let value = importer.builder.input(input.name, shape: input.shape, dtype: input.dtype)
      importer.values[input.name] = .computed(value)
    }
    for node in source.nodes { try importer.translate(node) }
    let output = try importer.entered(importer.value(named: source.output, for: "the output"))
    return importer.builder.finished(
      output: output, head: source.head(importer.constants),
      files: [path] + importer.files.paths)
  }

  private init(_ source: ONNXGraphSource) {
    opset = source.opset
    files = source.files
    constants = source.constants
    builder = GraphBuilder(name: source.name, architecture: "onnx")
    values = Dictionary(uniqueKeysWithValues: source.constants.keys.map { ($0, .constant($0)) })
  }

  private mutating func translate(_ node: ONNXNode) throws {
    guard let translator = ONNXTranslators.all[node.type] else {
      throw node.unsupported("this operator")  // ruled out by checkOperators
    }
    let results = try translator(node, &self)
    for (name, result) in zip(node.outputs, results) where !name.isEmpty { values[name] = result }
  }

  private func value(named name: String, for label: String) throws -> ONNXValue {
    guard let value = values[name] else {
      throw UserError(
        .failed, "\(label) uses the value '\(name)', which nothing before it computes")
    }
    return value
  }
}

/// What translators ask for.
extension ONNXImporter {
  /// An input that has to be there.
  func value(_ node: ONNXNode, _ index: Int) throws -> ONNXValue {
    guard let name = node.input(index) else { throw node.malformed("lacks its input \(index)") }
    return try value(named: name, for: node.label)
  }

  /// An input's constant, if it is there and a constant.
  func constant(_ node: ONNXNode, _ index: Int) -> ONNXTensor? {
    guard let name = node.input(index), case .constant(let key) = values[name] else { return nil }
    return constants[key]
  }

  /// An input as a value of the graph.
  mutating func input(_ node: ONNXNode, _ index: Int) throws -> ValueID {
    try entered(value(node, index))
  }

  /// An input as a value of the graph; nil when it is left out.
  mutating func optionalInput(_ node: ONNXNode, _ index: Int) throws -> ValueID? {
    node.input(index) == nil ? nil : try input(node, index)
  }

  /// All inputs, at least `count` of them.
  mutating func inputs(_ node: ONNXNode, atLeast count: Int) throws -> [ValueID?] {
    try (0..<max(count, node.inputs.count)).map {
      $0 < count ? try input(node, $0) : try optionalInput(node, $0)
    }
  }

  /// A value of the graph; a constant enters it when it is first used.
  ///
  /// A matrix that is used both ways enters once, the way that came first.
  mutating func entered(_ value: ONNXValue) throws -> ValueID {
    if case .computed(let id) = value { return id }
    if let id = entered[value] { return id }
    let id = try enter(value)
    entered[value] = id
    return id
  }

  /// A list of integers that belongs to a node.
  mutating func integers(_ values: [Int], _ what: String, of node: ONNXNode) -> ValueID {
    builder.constant(
      "\(node.outputs[0]).\(what)", Tensor(values.map(Int64.init), shape: [values.count]))
  }

  /// A constant that a node brings along, under the name of its first output.
  mutating func define(_ tensor: ONNXTensor, by node: ONNXNode) -> ONNXValue {
    constants[node.outputs[0]] = tensor
    return .constant(node.outputs[0])
  }

  /// Adds an operation with any number of results.
  mutating func emit(
    _ node: ONNXNode, _ operation: any Operation, _ inputs: [ValueID?], outputs: Int = 1
  ) -> [ONNXValue] {
    let name = node.name.isEmpty ? node.outputs[0] : node.name
    return builder.node(name, operation, inputs: inputs, outputs: outputs).map(ONNXValue.computed)
  }

  /// Adds an operation and gives its result as a value of the graph.
  mutating func emitValue(_ node: ONNXNode, _ operation: any Operation, _ inputs: [ValueID?])
    -> ValueID
  {
    builder.node(
      node.name.isEmpty ? node.outputs[0] : node.name, operation, inputs: inputs, outputs: 1)[0]
  }

  /// Adds a layer; no two layers have the same name.
  mutating func emitLayer(
    _ node: ONNXNode, _ operation: any WeightedOperation, _ x: ValueID, weight: ONNXValue,
    bias: ValueID? = nil
  ) throws -> ValueID {
    let tensor =
      switch weight {
      case .constant(let name), .transposed(let name): name
      case .computed: node.outputs[0]
      }
    let stem = tensor.hasSuffix(".weight") ? String(tensor.dropLast(7)) : tensor
    let wanted = node.name.isEmpty ? stem : node.name
    var name = wanted
    var copies = 1
    while !names.insert(name).inserted {
      copies += 1
      name = "\(wanted).\(copies)"
    }
    return builder.node(name, operation, inputs: [x, try entered(weight), bias], outputs: 1)[0]
  }

  private mutating func enter(_ value: ONNXValue) throws -> ValueID {
    switch value {
    case .computed(let id): return id
    case .transposed(let name):
      guard let tensor = constants[name], tensor.shape.count == 2 else {
        throw UserError(.failed, "the constant '\(name)' is not a matrix")
      }
      if let id = entered[.constant(name)] { return exchanged(id, name) }
      let load = tensor.load
      return builder.parameter(
        name, shape: tensor.shape.reversed(), storedBytes: tensor.storedBytes
      ) { try load().transposed(0, 1).contiguous() }
    case .constant(let name):
      guard let tensor = constants[name] else {
        throw UserError(.failed, "there is no constant '\(name)'")
      }
      if let id = entered[.transposed(name)] { return exchanged(id, name) }
      // Infinite scalars are legitimate (masks), but not as parameters.
      if tensor.dtype == .float32, tensor.shape.allSatisfy({ $0 == 1 }) {
        if try tensor.item().isInfinite {
          return builder.node(name, Literal(tensor: try tensor.load()))
        }
      }
      return builder.parameter(
        name, shape: tensor.shape, storedBytes: tensor.storedBytes, load: tensor.load)
    }
  }

  private mutating func exchanged(_ id: ValueID, _ name: String) -> ValueID {
    builder.node("\(name).transposed", Permute(axes: [1, 0]), id)
  }
}
