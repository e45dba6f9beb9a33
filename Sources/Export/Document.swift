/// A value of a JSON or YAML file whose keys keep their order.
struct Document: Sendable {
  /// What there can be.
  indirect enum Content: Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([Document])
    case object([Entry])
  }

  /// A key with its value.
  struct Entry: Sendable {
    var key: String
    var value: Document
  }

  /// The value.
  var value: Content
  /// The line where it begins, from 1; zero for values that come from no file.
  var line = 0

  /// An object of keys with values, in this order.
  static func object(_ entries: some Sequence<(String, Document)>) -> Document {
    Document(value: .object(entries.map { Entry(key: $0.0, value: $0.1) }))
  }

  /// A list of strings.
  static func strings(_ strings: some Sequence<String>) -> Document {
    Document(value: .list(strings.map { Document(value: .string($0)) }))
  }

  /// Nothing.
  static let null = Document(value: .null)

  fileprivate var isScalar: Bool {
    switch value {
    case .list, .object: false
    default: true
    }
  }

  /// Whether it fits on a line: empty, a few scalars, or keys with scalars.
  fileprivate var isShort: Bool {
    switch value {
    case .list(let items): items.isEmpty || items.count <= 4 && items.allSatisfy(\.isScalar)
    case .object(let entries):
      entries.isEmpty
        || entries.count <= 8 && entries.allSatisfy { $0.value.isScalar || $0.value.isEmpty }
    default: true
    }
  }

  private var isEmpty: Bool {
    switch value {
    case .list(let items): items.isEmpty
    case .object(let entries): entries.isEmpty
    default: false
    }
  }
}

extension Document: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  init(stringLiteral value: String) { self.init(value: .string(value)) }
  init(integerLiteral value: Int) { self.init(value: .integer(value)) }
  init(booleanLiteral value: Bool) { self.init(value: .boolean(value)) }
  init(arrayLiteral items: Document...) { self.init(value: .list(items)) }
  init(dictionaryLiteral entries: (String, Document)...) { self = .object(entries) }
  init(_ value: String) { self.init(value: .string(value)) }
  init(_ value: Int) { self.init(value: .integer(value)) }
  init(_ value: Double) { self.init(value: .number(value)) }
  init(_ value: Bool) { self.init(value: .boolean(value)) }
}

extension Document {
  /// The JSON text: two-space indent, short objects on a line, a newline at the end.
  var json: String {
    var text = ""
    writeJSON(to: &text, indent: "", isRoot: true)
    return text + "\n"
  }

  /// On one line.
  var inline: String {
    var text = ""
    writeInline(to: &text)
    return text
  }

  private func writeJSON(to text: inout String, indent: String, isRoot: Bool = false) {
    let inner = indent + "  "
    switch value {
    case .list(let items) where !isShort:
      text += "["
      for (index, item) in items.enumerated() {
        text += index == 0 ? "\n" : ",\n"
        text += inner
        item.writeJSON(to: &text, indent: inner)
      }
      text += "\n\(indent)]"
    case .object(let entries) where !entries.isEmpty && (isRoot || !isShort):
      text += "{"
      for (index, entry) in entries.enumerated() {
        text += index == 0 ? "\n" : ",\n"
        text += "\(inner)\(quoted(entry.key)): "
        entry.value.writeJSON(to: &text, indent: inner)
      }
      text += "\n\(indent)}"
    default: writeInline(to: &text)
    }
  }

  private func writeInline(to text: inout String) {
    switch value {
    case .null: text += "null"
    case .boolean(let value): text += value ? "true" : "false"
    case .integer(let value): text += "\(value)"
    case .number(let value): text += "\(value)"
    case .string(let value): text += quoted(value)
    case .list(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += ", " }
        item.writeInline(to: &text)
      }
      text += "]"
    case .object(let entries):
      text += "{"
      for (index, entry) in entries.enumerated() {
        if index > 0 { text += ", " }
        text += "\(quoted(entry.key)): "
        entry.value.writeInline(to: &text)
      }
      text += "}"
    }
  }
}

extension Document {
  /// The YAML text: blocks outside, short values in flow style, strings quoted as in JSON.
  var yaml: String {
    var text = ""
    writeYAML(to: &text, indent: "")
    return text
  }

  private func writeYAML(to text: inout String, indent: String) {
    switch value {
    case .object(let entries):
      for entry in entries {
        text += "\(indent)\(isPlain(entry.key) ? entry.key : quoted(entry.key)):"
        if entry.value.isShort {
          text += " \(entry.value.inline)\n"
        } else {
          text += "\n"
          entry.value.writeYAML(to: &text, indent: indent + "  ")
        }
      }
    case .list(let items):
      for item in items { text += "\(indent)- \(item.inline)\n" }
    default: text += "\(indent)\(inline)\n"
    }
  }

  /// Whether a key means itself in YAML without quotes.
  private func isPlain(_ key: String) -> Bool {
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
    func isLetter(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
    }
    return key.utf8.first.map(isLetter) ?? false
      && key.utf8.allSatisfy {
        isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
      }
      && !words.contains(key.lowercased())
  }
}

/// A JSON string with its quotes; also a string of YAML and of Python.
func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\r": result += "\\r"
    case "\t": result += "\\t"
    case "\u{0}"..<"\u{20}", "\u{7F}"..<"\u{A0}", "\u{2028}", "\u{2029}", "\u{FEFF}":
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}

/// An argument of a POSIX shell.
func shellQuoted(_ text: String) -> String {
  if text.wholeMatch(of: #/[A-Za-z0-9_.\/\-]+/#) != nil { return text }
  return "'"
    + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
    + "'"
}
