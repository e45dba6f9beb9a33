internal import Vocabulary
internal import Yams

extension DeviceProfile {
  /// Reads the text of a profile's file.
  ///
  /// - Parameter file: What the text is called in errors, usually a path.
  /// - Throws: `UserError` with file, line and field when it is not such a file.
  public init(parsing text: String, file: String) throws {
    let root = try ProfileField(parsing: text, file: file)
    try root.allow([
      "schemaVersion", "name", "summary", "peak", "weightOnly", "bitSerial", "bandwidth", "launch",
    ])
    let version = try root.required("schemaVersion")
    guard version.text == "\(Self.schemaVersion)" else {
      throw version.mistake("must be \(Self.schemaVersion): no other version is understood")
    }
    let peaks = try root.required("peak")
    let known = Precision.Arithmetic.allCases
    try peaks.allow(known.map(\.rawValue))
    var peak: [Precision.Arithmetic: Double] = [:]
    for arithmetic in known {
      peak[arithmetic] = try peaks[arithmetic.rawValue]?.positive()
    }
    let bitSerial = try root["bitSerial"].map { field in
      try field.allow(["peak", "brick", "widest"])
      return BitSerial(
        peak: try field.required("peak").positive(), brick: try field.required("brick").whole(),
        widest: try field.required("widest").whole())
    }
    guard !peak.isEmpty || bitSerial != nil else {
      throw peaks.mistake(
        "must hold operations per second for one of: \(known.map(\.rawValue).joined(separator: ", "))"
      )
    }
    let weightOnly = try root["weightOnly"].map { field in
      guard let arithmetic = Precision.Arithmetic(rawValue: field.text), peak[arithmetic] != nil
      else { throw field.mistake("must be an arithmetic that has a peak") }
      return arithmetic
    }
    self.init(
      name: try root.required("name").string(), summary: try root.required("summary").string(),
      peak: peak, weightOnly: weightOnly, bitSerial: bitSerial,
      bandwidth: try root.required("bandwidth").positive(),
      launch: try root.required("launch").notNegative())
  }
}

/// A value of a profile with its place: reading it wrongly names file, line and field.
struct ProfileField {
  private let node: Node
  private let path: String
  private let file: String

  /// The whole file.
  init(parsing text: String, file: String) throws {
    let node: Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch {
      throw UserError(.failed, "'\(file)' is not YAML")
    }
    guard let node, node.mapping != nil else {
      throw UserError(.failed, "'\(file)' line 1: it must be a list of fields with their values")
    }
    self.init(node: node, path: "", file: file)
  }

  private init(node: Node, path: String, file: String) {
    self.node = node
    self.path = path
    self.file = file
  }

  /// The error that this value `must` be something else.
  func mistake(_ must: String) -> UserError {
    let line = node.mark.map { " line \($0.line)" } ?? ""
    return UserError(.failed, "'\(file)'\(line): \(path.isEmpty ? "it" : "'\(path)'") \(must)")
  }

  /// The value of a key; nil where it is missing.
  subscript(key: String) -> ProfileField? {
    node.mapping?.first { $0.key.string == key }.map { child(key, $0.value) }
  }

  private func child(_ key: String, _ value: Node) -> ProfileField {
    ProfileField(node: value, path: path.isEmpty ? key : "\(path).\(key)", file: file)
  }

  /// The value of a key that has to be there.
  func required(_ key: String) throws -> ProfileField {
    guard let field = self[key] else { throw mistake("has no '\(key)'") }
    return field
  }

  /// Refuses keys that nobody reads, and values that have none.
  func allow(_ keys: [String]) throws {
    guard let mapping = node.mapping else { throw mistake("must hold fields") }
    for (key, value) in mapping where !keys.contains(key.string ?? "") {
      let hint = nearest(to: key.string ?? "", in: keys).map { "; did you mean '\($0)'?" } ?? ""
      throw child(key.string ?? "?", value).mistake("is unknown\(hint)")
    }
  }

  /// The scalar as it is written; empty for anything else.
  var text: String { node.scalar?.string ?? "" }

  /// The fields with their values, in the file's order.
  var entries: [(key: String, value: ProfileField)] {
    (node.mapping ?? [:]).map { ($0.key.string ?? "", child($0.key.string ?? "?", $0.value)) }
  }

  /// A text that says something.
  func string() throws -> String {
    guard !text.isEmpty else { throw mistake("must be a text") }
    return text
  }

  /// A number above zero.
  func positive() throws -> Double {
    let value = try notNegative()
    guard value > 0 else { throw mistake("must be above zero, got \(text)") }
    return value
  }

  /// A number of at least zero.
  func notNegative() throws -> Double {
    guard let value = Double(text), value.isFinite else { throw mistake("must be a number") }
    guard value >= 0 else { throw mistake("must not be negative, got \(text)") }
    return value
  }

  /// A whole number from 1 to 64.
  func whole() throws -> Int {
    guard let value = Int(text), (1...64).contains(value) else {
      throw mistake("must be a whole number from 1 to 64")
    }
    return value
  }
}
