internal import Vocabulary
internal import Yams

extension Document {
  /// Reads a JSON text.
  ///
  /// - Throws: `UserError` with the line where it stops being JSON.
  static func json(_ text: String, file: String) throws -> Document {
    var text = text
    return try text.withUTF8 { bytes in
      var reader = JSONReader(bytes: bytes, file: file)
      return try reader.document()
    }
  }

  /// Reads a YAML text.
  ///
  /// - Throws: `UserError` with the line where it stops being YAML.
  static func yaml(_ text: String, file: String) throws -> Document {
    let node: Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw UserError(.failed, "'\(file)' is not YAML: \(sentence(for: error))")
    }
    guard let node else { throw UserError(.failed, "'\(file)' is empty") }
    var left = 4_000_000
    return try Document(node, file: file, left: &left, depth: 0)
  }

  /// - Parameter left: How many more values there may be: aliases can make a small file huge.
  private init(_ node: Node, file: String, left: inout Int, depth: Int) throws {
    left -= 1
    guard left > 0, depth < 100 else {
      throw UserError(.failed, "'\(file)' has more values than can be")
    }
    line = node.mark?.line ?? 0
    switch node {
    case .mapping(let mapping):
      var entries: [Entry] = []
      for (key, item) in mapping {
        guard case .scalar(let scalar) = key else {
          throw UserError(.failed, "'\(file)' line \(line): a key is not a word")
        }
        entries.append(
          Entry(
            key: scalar.string,
            value: try Document(item, file: file, left: &left, depth: depth + 1)))
      }
      value = .object(entries)
    case .sequence(let sequence):
      var items: [Document] = []
      for item in sequence {
        items.append(try Document(item, file: file, left: &left, depth: depth + 1))
      }
      value = .list(items)
    case .scalar(let scalar):
      let isQuoted = [.singleQuoted, .doubleQuoted, .literal, .folded].contains(scalar.style)
      value = isQuoted ? .string(scalar.string) : Self.plain(node, scalar.string)
    case .alias:
      throw UserError(.failed, "'\(file)' line \(line): an alias of nothing")
    }
  }

  private static func plain(_ node: Node, _ text: String) -> Content {
    if ["", "~", "null", "Null", "NULL"].contains(text) { return .null }
    if ["true", "True", "TRUE"].contains(text) { return .boolean(true) }
    if ["false", "False", "FALSE"].contains(text) { return .boolean(false) }
    if let value = Int(text) { return .integer(value) }
    if text.wholeMatch(of: #/[-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?/#) != nil,
      let value = Double(text), value.isFinite
    {
      return .number(value)
    }
    return .string(text)
  }
}

private func sentence(for error: YamlError) -> String {
  switch error {
  case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
    .composer(_, let problem, let mark, _):
    return "line \(mark.line), \(problem)"
  case .duplicatedKeysInMapping(let duplicates, _):
    return "the key '\(duplicates.map { "\($0)" }.sorted().first ?? "")' is there twice"
  default: return "it cannot be read"
  }
}

/// A JSON parser that keeps keys in order and knows its line (RFC 8259).
private struct JSONReader {
  let bytes: UnsafeBufferPointer<UInt8>
  let file: String
  var position = 0
  var line = 1

  init(bytes: UnsafeBufferPointer<UInt8>, file: String) {
    self.bytes = bytes
    self.file = file
  }

  mutating func document() throws -> Document {
    let document = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw wrong("something follows the end") }
    return document
  }

  private func wrong(_ what: String) -> UserError {
    UserError(.failed, "'\(file)' is not JSON: line \(line), \(what)")
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next {
      if byte == UInt8(ascii: "\n") {
        line += 1
      } else if byte != UInt8(ascii: " "), byte != UInt8(ascii: "\r"), byte != UInt8(ascii: "\t") {
        return
      }
      position += 1
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard next == byte else { return false }
    position += 1
    return true
  }

  private mutating func value(depth: Int) throws -> Document {
    skipSpace()
    let start = line
    guard depth < 200 else { throw wrong("it is nested too deeply") }
    guard let byte = next else { throw wrong("it ends too early") }
    let value: Document.Content
    switch byte {
    case UInt8(ascii: "{"): value = .object(try entries(depth: depth))
    case UInt8(ascii: "["): value = .list(try items(depth: depth))
    case UInt8(ascii: "\""): value = .string(try string())
    case UInt8(ascii: "t"): value = try word("true", .boolean(true))
    case UInt8(ascii: "f"): value = try word("false", .boolean(false))
    case UInt8(ascii: "n"): value = try word("null", .null)
    default: value = try number()
    }
    return Document(value: value, line: start)
  }

  private mutating func word(_ text: String, _ value: Document.Content) throws -> Document.Content {
    guard bytes[position...].starts(with: text.utf8) else { throw wrong("an unknown word") }
    position += text.utf8.count
    return value
  }

  private mutating func entries(depth: Int) throws -> [Document.Entry] {
    position += 1
    var entries: [Document.Entry] = []
    var seen: Set<String> = []
    if take(UInt8(ascii: "}")) { return [] }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw wrong("a key is missing") }
      let key = try string()
      guard seen.insert(key).inserted else { throw wrong("the key '\(key)' is there twice") }
      guard take(UInt8(ascii: ":")) else { throw wrong("a colon is missing") }
      entries.append(.init(key: key, value: try value(depth: depth + 1)))
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw wrong("a brace is missing") }
    return entries
  }

  private mutating func items(depth: Int) throws -> [Document] {
    position += 1
    var items: [Document] = []
    if take(UInt8(ascii: "]")) { return [] }
    repeat { items.append(try value(depth: depth + 1)) } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw wrong("a bracket is missing") }
    return items
  }

  private mutating func number() throws -> Document.Content {
    let start = position
    while let byte = next, byte < 0x80, "+-.0123456789eE".utf8.contains(byte) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else { throw wrong("a value is missing") }
    return .number(value)
  }

  private mutating func string() throws -> String {
    position += 1
    var result: [UInt8] = []
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: result, as: UTF8.self)
      case UInt8(ascii: "\\"): result += Array(String(try escaped()).utf8)
      case ..<0x20: throw wrong("a string is not closed")
      default: result.append(byte)
      }
    }
    throw wrong("a string is not closed")
  }

  private mutating func escaped() throws -> Unicode.Scalar {
    guard let byte = next else { throw wrong("a string is not closed") }
    position += 1
    switch byte {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "u"):
      let high = try unit()
      guard (0xD800..<0xDC00).contains(high) else {
        guard let scalar = Unicode.Scalar(high) else { throw wrong("half a character") }
        return scalar
      }
      guard next == UInt8(ascii: "\\") else { throw wrong("half a character") }
      position += 1
      guard next == UInt8(ascii: "u") else { throw wrong("half a character") }
      position += 1
      let low = try unit()
      guard (0xDC00..<0xE000).contains(low),
        let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
      else { throw wrong("half a character") }
      return scalar
    default: throw wrong("an unknown escape")
    }
  }

  private mutating func unit() throws -> UInt32 {
    guard position + 4 <= bytes.count,
      let value = UInt32(
        String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw wrong("an unknown escape") }
    position += 4
    return value
  }
}
