internal import Archives

/// A value of a GGUF file's metadata.
public enum GGUFValue: Sendable, Equatable {
  /// An integer of any stored width.
  case integer(Int)
  /// A number with fractions.
  case number(Double)
  /// A truth value.
  case bool(Bool)
  /// A text.
  case string(String)
  /// A list of texts.
  case strings([String])
  /// A list of anything else: only its length is kept, since no reader here needs the elements.
  case list(count: Int)
}

/// Reads a GGUF header from front to back; every step is checked against the file's end.
struct GGUFCursor {
  let file: MappedFile
  var offset = 0

  init(_ file: MappedFile) { self.file = file }

  /// Bytes that are left.
  var left: Int { file.count - offset }

  mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) throws -> T {
    let value = try file.integer(T.self, at: offset)
    offset += MemoryLayout<T>.size
    return value
  }

  /// A count of things that take at least `size` bytes each.
  mutating func count(_ what: String, ofAtLeast size: Int) throws -> Int {
    let value = try integer(UInt64.self)
    guard value <= UInt64(left / size) else {
      throw FileError(
        path: file.path,
        reason: "it says that it has \(value) \(what), more than fit into its \(file.count) bytes")
    }
    return Int(value)
  }

  mutating func string() throws -> String {
    let length = try count("bytes in a text", ofAtLeast: 1)
    let bytes = try file.slice(offset, length)
    offset += length
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A text that may stand in a message: without control characters.
  mutating func name() throws -> String {
    let name = try string()
    guard !name.hasControlCharacters else {
      throw FileError(path: file.path, reason: "one of its names holds control characters")
    }
    return name
  }

  mutating func value() throws -> GGUFValue {
    try value(ofType: integer(UInt32.self), depth: 0)
  }

  private mutating func value(ofType type: UInt32, depth: Int) throws -> GGUFValue {
    switch type {
    case 0: .integer(Int(try integer(UInt8.self)))
    case 1: .integer(Int(try integer(Int8.self)))
    case 2: .integer(Int(try integer(UInt16.self)))
    case 3: .integer(Int(try integer(Int16.self)))
    case 4: .integer(Int(try integer(UInt32.self)))
    case 5: .integer(Int(try integer(Int32.self)))
    case 6: .number(Double(Float(bitPattern: try integer(UInt32.self))))
    case 7: .bool(try integer(UInt8.self) != 0)
    case 8: .string(try string())
    case 9: try list(depth: depth + 1)
    case 10: .integer(Int(clamping: try integer(UInt64.self)))
    case 11: .integer(Int(try integer(Int64.self)))
    case 12: .number(Double(bitPattern: try integer(UInt64.self)))
    default:
      throw FileError(path: file.path, reason: "its metadata has a value of unknown type \(type)")
    }
  }

  private static let widths: [UInt32: Int] = [
    0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8,
  ]

  private mutating func list(depth: Int) throws -> GGUFValue {
    guard depth <= 8 else {
      throw FileError(path: file.path, reason: "its metadata has lists more than 8 deep")
    }
    let type = try integer(UInt32.self)
    if let width = GGUFCursor.widths[type] {
      let count = try count("numbers in a list", ofAtLeast: width)
      offset += count * width
      return .list(count: count)
    }
    if type == 8 {
      let count = try count("texts in a list", ofAtLeast: 8)
      var strings: [String] = []
      strings.reserveCapacity(count)
      for _ in 0..<count { strings.append(try string()) }
      return .strings(strings)
    }
    let count = try count("lists in a list", ofAtLeast: 12)
    for _ in 0..<count { _ = try value(ofType: type, depth: depth) }
    return .list(count: count)
  }
}
