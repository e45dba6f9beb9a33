internal import Vocabulary

/// A value of a foreign file with its place in it: reading it wrongly names file, line and field.
struct Field {
  /// The value.
  let document: Document
  /// Keys and indices from the top, such as `formats[2].bits`; empty for the whole file.
  let path: String
  /// What the file is called.
  let file: String

  /// The whole file.
  init(_ document: Document, file: String) {
    self.init(document, path: "", file: file)
  }

  private init(_ document: Document, path: String, file: String) {
    self.document = document
    self.path = path
    self.file = file
  }

  /// The error that this value `must` be something else.
  func mistake(_ must: String) -> UserError {
    let line = document.line > 0 ? " line \(document.line)" : ""
    return UserError(.failed, "'\(file)'\(line): \(path.isEmpty ? "it" : "'\(path)'") \(must)")
  }

  /// The value of a key; nil where it is missing or null, or this is no object.
  subscript(key: String) -> Field? {
    guard case .object(let entries) = document.value,
      let entry = entries.first(where: { $0.key == key })
    else { return nil }
    if case .null = entry.value.value { return nil }
    return child(key, entry.value)
  }

  private func child(_ key: String, _ value: Document) -> Field {
    Field(value, path: path.isEmpty ? key : "\(path).\(key)", file: file)
  }

  /// The value of a key that has to be there.
  func required(_ key: String) throws -> Field {
    guard let field = self[key] else { throw mistake("has no '\(key)'") }
    return field
  }

  /// Whether it is null.
  var isNull: Bool {
    if case .null = document.value { return true }
    return false
  }

  /// The keys with their values, in the file's order.
  func entries() throws -> [(key: String, value: Field)] {
    guard case .object(let entries) = document.value else { throw mistake("must be an object") }
    return entries.map { ($0.key, child($0.key, $0.value)) }
  }

  /// The items of a list.
  func items() throws -> [Field] {
    guard case .list(let items) = document.value else { throw mistake("must be a list") }
    return items.enumerated().map { Field($1, path: "\(path)[\($0)]", file: file) }
  }

  /// The strings of a list.
  func strings() throws -> [String] { try items().map { try $0.string() } }

  /// The whole numbers of a list.
  func integers() throws -> [Int] { try items().map { try $0.integer() } }

  /// A string.
  func string() throws -> String {
    guard case .string(let value) = document.value else { throw mistake("must be a string") }
    return value
  }

  /// A whole number.
  func integer() throws -> Int {
    guard case .integer(let value) = document.value else { throw mistake("must be a whole number") }
    return value
  }

  /// Bits and sign of a type's name such as `int4`, `uint8` or `QUInt4`.
  func integerType() throws -> (bits: Int, isSigned: Bool) {
    let name = try string()
    var rest = name.lowercased()[...]
    if rest.hasPrefix("q") { rest.removeFirst() }
    let isSigned = !rest.hasPrefix("u")
    if !isSigned { rest.removeFirst() }
    guard rest.hasPrefix("int"), let bits = Int(rest.dropFirst(3)) else {
      throw mistake("is the type '\(name)', which has no format here")
    }
    return (bits, isSigned)
  }

  /// True or false.
  func boolean() throws -> Bool {
    guard case .boolean(let value) = document.value else { throw mistake("must be true or false") }
    return value
  }

  /// Refuses keys that nobody reads.
  func allow(_ keys: [String]) throws {
    for (key, field) in try entries() where !keys.contains(key) {
      let hint = nearest(to: key, in: keys).map { "; did you mean '\($0)'?" } ?? ""
      throw field.mistake("is unknown\(hint)")
    }
  }

  /// What `body` makes of it, with its place in the error.
  func reading<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as UserError
      where !error.description.hasPrefix("'\(file)'")
    {
      throw mistake("cannot be read: \(error.description)")
    }
  }
}
