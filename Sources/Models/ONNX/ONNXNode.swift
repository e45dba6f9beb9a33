internal import Vocabulary

/// A node of the file with its attributes by name.
struct ONNXNode: Sendable {
  /// May be empty.
  var name: String
  var type: String
  /// Empty where an optional input is left out.
  var inputs: [String]
  var outputs: [String]
  private var attributes: [String: Bitbudget_Onnx_AttributeProto]

  init(_ proto: Bitbudget_Onnx_NodeProto) throws {
    name = proto.name
    let isStandard = proto.domain.isEmpty || proto.domain == "ai.onnx"
    type = isStandard ? proto.opType : "\(proto.domain).\(proto.opType)"
    inputs = proto.input
    outputs = proto.output
    attributes = [:]
    for attribute in proto.attribute {
      guard attributes.updateValue(attribute, forKey: attribute.name) == nil else {
        throw UserError(.failed, "\(label) has the attribute '\(attribute.name)' twice")
      }
    }
    guard outputs.contains(where: { !$0.isEmpty }) else {
      throw UserError(.failed, "\(label) has no output")
    }
  }

  /// How errors speak of it.
  var label: String {
    "the node '\(name.isEmpty ? outputs.first ?? "" : name)' (\(type))"
  }

  /// An input's name; nil when it is left out.
  func input(_ index: Int) -> String? {
    index < inputs.count && !inputs[index].isEmpty ? inputs[index] : nil
  }

  /// Whether an attribute is there.
  func has(_ attribute: String) -> Bool { attributes[attribute] != nil }

  /// An integer attribute.
  func int(_ attribute: String, default value: Int) -> Int {
    attributes[attribute].map { Int($0.i) } ?? value
  }

  /// An attribute that is 0 or 1.
  func flag(_ attribute: String, default value: Bool = false) -> Bool {
    int(attribute, default: value ? 1 : 0) != 0
  }

  /// A list of integers; nil when it is left out.
  func ints(_ attribute: String) -> [Int]? { attributes[attribute]?.ints.map { Int($0) } }

  /// A number.
  func double(_ attribute: String, default value: Double) -> Double {
    attributes[attribute].map { Double($0.f) } ?? value
  }

  /// A list of numbers; nil when it is left out.
  func floats(_ attribute: String) -> [Float]? { attributes[attribute]?.floats }

  /// A string.
  func string(_ attribute: String, default value: String) -> String {
    attributes[attribute].map { String(decoding: $0.s, as: UTF8.self) } ?? value
  }

  /// A tensor; nil when it is left out.
  func tensor(_ attribute: String) -> Bitbudget_Onnx_TensorProto? { attributes[attribute]?.t }

  /// A string attribute that names one of an enumeration's cases.
  ///
  /// - Throws: `UserError` when it names none of them.
  func choice<T: RawRepresentable<String>>(_ attribute: String, default value: T) throws -> T {
    let text = string(attribute, default: value.rawValue)
    guard let choice = T(rawValue: text) else { throw unsupported("\(attribute) = '\(text)'") }
    return choice
  }

  /// The error for something about the node that is not supported.
  func unsupported(_ what: String) -> UserError {
    UserError(.failed, "\(label) is not supported with \(what)")
  }

  /// The error for something about the node that cannot be.
  func malformed(_ what: String) -> UserError { UserError(.failed, "\(label) \(what)") }
}
