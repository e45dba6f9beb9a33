import Archives

/// Metadata with the type that a reader expects; nil where the key is missing.
///
/// All throw `FileError` when the key has a value of another type.
extension GGUFFile {
  func integer(_ key: String) throws -> Int? {
    switch metadata[key] {
    case nil: nil
    case .integer(let value)?: value
    default: throw wrong(key, "a whole number")
    }
  }

  func number(_ key: String) throws -> Double? {
    switch metadata[key] {
    case nil: nil
    case .number(let value)?: value
    case .integer(let value)?: Double(value)
    default: throw wrong(key, "a number")
    }
  }

  func bool(_ key: String) throws -> Bool? {
    switch metadata[key] {
    case nil: nil
    case .bool(let value)?: value
    default: throw wrong(key, "a truth value")
    }
  }

  func string(_ key: String) throws -> String? {
    switch metadata[key] {
    case nil: nil
    case .string(let value)? where !value.hasControlCharacters: value
    default: throw wrong(key, "a text of one line")
    }
  }

  func strings(_ key: String) throws -> [String]? {
    switch metadata[key] {
    case nil: nil
    case .strings(let value)?: value
    default: throw wrong(key, "a list of texts")
    }
  }

  /// A whole number that has to be there.
  func required(_ key: String) throws -> Int {
    guard let value = try integer(key) else {
      throw FileError(path: file.path, reason: "its metadata lacks '\(key)'")
    }
    return value
  }

  private func wrong(_ key: String, _ expected: String) -> FileError {
    FileError(path: file.path, reason: "its metadata '\(key)' is not \(expected)")
  }
}
