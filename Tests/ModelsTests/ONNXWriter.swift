/// The bytes of a protocol buffer, field by field: enough to write ONNX files for the tests.
struct WireMessage {
  var bytes: [UInt8] = []

  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest > 127 {
      bytes.append(UInt8(rest & 127) | 128)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func add(_ field: UInt64, _ value: Int) {
    varint(field << 3)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func add(_ field: UInt64, _ value: Float) {
    varint(field << 3 | 5)
    bytes += littleEndian([value])
  }

  mutating func add(_ field: UInt64, _ value: [UInt8]) {
    varint(field << 3 | 2)
    varint(UInt64(value.count))
    bytes += value
  }

  mutating func add(_ field: UInt64, _ value: String) { add(field, Array(value.utf8)) }

  mutating func add(_ field: UInt64, _ value: WireMessage) { add(field, value.bytes) }
}

func littleEndian<T>(_ values: [T]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

/// A constant or an example input of a test's model.
struct TestTensor {
  var shape: [Int]
  /// The number of the element type in the format.
  var type: Int
  var bytes: [UInt8]

  static func floats(_ values: [Float], _ shape: [Int]? = nil) -> TestTensor {
    TestTensor(shape: shape ?? [values.count], type: 1, bytes: littleEndian(values))
  }

  static func ints(_ values: [Int64], _ shape: [Int]? = nil) -> TestTensor {
    TestTensor(shape: shape ?? [values.count], type: 7, bytes: littleEndian(values))
  }

  static func bools(_ values: [Bool], _ shape: [Int]? = nil) -> TestTensor {
    TestTensor(shape: shape ?? [values.count], type: 9, bytes: values.map { $0 ? 1 : 0 })
  }

  static func scalar(_ value: Float) -> TestTensor { .floats([value], []) }

  func message(_ name: String) -> WireMessage {
    var message = WireMessage()
    for size in shape { message.add(1, size) }
    message.add(2, type)
    message.add(8, name)
    message.add(9, bytes)
    return message
  }
}

/// A model that a test writes.
struct ONNXWriter {
  enum Attribute {
    case int(Int)
    case ints([Int])
    case float(Float)
    case string(String)
    case tensor(TestTensor)
  }

  struct Node {
    var type: String
    var inputs: [String]
    var outputs: [String]
    var name = ""
    var domain = ""
    var attributes: KeyValuePairs<String, Attribute> = [:]
  }

  struct Value {
    var name: String
    var type = 1
    /// Nil sizes are written as symbols.
    var shape: [Int?]
  }

  var opset = 17
  var nodes: [Node] = []
  var constants: [(name: String, tensor: TestTensor)] = []
  /// Constants that are written in some other way.
  var rawConstants: [WireMessage] = []
  var inputs: [Value] = []
  var outputs: [Value] = []

  /// The file; `change` sees every attribute before it is written.
  func bytes(changing change: (inout Attribute) -> Void = { _ in }) -> [UInt8] {
    var graph = WireMessage()
    for node in nodes { graph.add(1, message(node, changing: change)) }
    graph.add(2, "test")
    for (name, tensor) in constants { graph.add(5, tensor.message(name)) }
    for constant in rawConstants { graph.add(5, constant) }
    for input in inputs { graph.add(11, message(input)) }
    for output in outputs { graph.add(12, message(output)) }
    var version = WireMessage()
    version.add(2, opset)
    var model = WireMessage()
    model.add(1, 8)
    model.add(7, graph)
    model.add(8, version)
    return model.bytes
  }

  private func message(_ node: Node, changing change: (inout Attribute) -> Void) -> WireMessage {
    var message = WireMessage()
    for input in node.inputs { message.add(1, input) }
    for output in node.outputs { message.add(2, output) }
    message.add(3, node.name)
    message.add(4, node.type)
    for (name, attribute) in node.attributes {
      var field = WireMessage()
      field.add(1, name)
      var attribute = attribute
      change(&attribute)
      switch attribute {
      case .int(let value): field.add(3, value)
      case .ints(let values): for value in values { field.add(8, value) }
      case .float(let value): field.add(2, value)
      case .string(let value): field.add(4, value)
      case .tensor(let tensor): field.add(5, tensor.message(""))
      }
      message.add(5, field)
    }
    message.add(7, node.domain)
    return message
  }

  private func message(_ value: Value) -> WireMessage {
    var shape = WireMessage()
    for (axis, size) in value.shape.enumerated() {
      var dimension = WireMessage()
      if let size { dimension.add(1, size) } else { dimension.add(2, "free\(axis)") }
      shape.add(1, dimension)
    }
    var tensor = WireMessage()
    tensor.add(1, value.type)
    tensor.add(2, shape)
    var type = WireMessage()
    type.add(1, tensor)
    var message = WireMessage()
    message.add(1, value.name)
    message.add(2, type)
    return message
  }
}
