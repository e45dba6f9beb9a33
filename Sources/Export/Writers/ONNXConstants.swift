import Archives
import Vocabulary

/// Where the constants of an ONNX file lie, found by walking over the file's encoding.
///
/// Only what lies in one piece is found: raw bytes, packed singles, and bytes in other files.
struct ONNXConstants {
  /// A constant's bytes.
  struct Place {
    /// The file beside the model that holds them; nil for the model itself.
    var external: String?
    var range: Range<Int>
    /// The number of the element type in the format.
    var type: Int
    var shape: [Int]
  }

  /// By name; constants that are given by a node have the name of its output.
  private(set) var places: [String: Place] = [:]

  /// - Throws: `FileError` when the encoding is broken.
  init(_ file: MappedFile) throws {
    for field in try ProtoField.all(in: 0..<file.count, of: file) where field.number == 7 {
      for part in try ProtoField.all(in: field.range, of: file) {
        switch part.number {
        case 1: try readNode(part.range, file)
        case 5: try readTensor(part.range, file, name: nil)
        default: break
        }
      }
    }
  }

  private mutating func readNode(_ range: Range<Int>, _ file: MappedFile) throws {
    let fields = try ProtoField.all(in: range, of: file)
    guard try fields.first(where: { $0.number == 4 })?.text(in: file) == "Constant",
      let output = try fields.first(where: { $0.number == 2 })?.text(in: file)
    else { return }
    for attribute in fields where attribute.number == 5 {
      for field in try ProtoField.all(in: attribute.range, of: file) where field.number == 5 {
        try readTensor(field.range, file, name: output)
      }
    }
  }

  private mutating func readTensor(_ range: Range<Int>, _ file: MappedFile, name: String?) throws {
    let fields = try ProtoField.all(in: range, of: file)
    var shape: [Int] = []
    for field in fields where field.number == 1 { shape += try field.integers(in: file) }
    let type = try fields.last { $0.number == 2 }?.integers(in: file).first ?? 0
    let own = try fields.last { $0.number == 8 }?.text(in: file)
    guard let name = name ?? own else { return }
    if let raw = fields.last(where: { ($0.number == 9 || $0.number == 4) && $0.isBytes }) {
      places[name] = Place(external: nil, range: raw.range, type: type, shape: shape)
    }
    var values: [String: String] = [:]
    for field in fields where field.number == 13 {
      let entry = try ProtoField.all(in: field.range, of: file)
      if let key = try entry.first(where: { $0.number == 1 })?.text(in: file) {
        values[key] = try entry.first { $0.number == 2 }?.text(in: file)
      }
    }
    if let location = values["location"], let length = values["length"].flatMap({ Int($0) }) {
      let start = values["offset"].flatMap { Int($0) } ?? 0
      guard start >= 0, length >= 0, start <= 1 << 50, length <= 1 << 50 else { return }
      places[name] = Place(
        external: location, range: start..<start + length, type: type, shape: shape)
    }
  }
}

/// A field of an encoded message.
private struct ProtoField {
  var number: Int
  /// Its contents; of a number the bytes that encode it.
  var range: Range<Int>
  var isBytes: Bool
  private var value: UInt64

  /// The fields of a message.
  ///
  /// - Throws: `FileError` when it is broken.
  static func all(in range: Range<Int>, of file: MappedFile) throws -> [ProtoField] {
    var fields: [ProtoField] = []
    var place = range.lowerBound
    let broken = FileError(path: file.path, reason: "its encoding is broken")
    func number() throws -> UInt64 {
      var result: UInt64 = 0
      for shift in stride(from: 0, to: 64, by: 7) {
        guard place < range.upperBound else { throw broken }
        let byte = file.bytes[place]
        place += 1
        result |= UInt64(byte & 127) << UInt64(shift)
        if byte < 128 { return result }
      }
      throw broken
    }
    while place < range.upperBound {
      let tag = try number()
      let start = place
      var length = 0
      var value: UInt64 = 0
      switch tag & 7 {
      case 0: value = try number()
      case 1: length = 8
      case 5: length = 4
      case 2:
        let bytes = try number()
        guard bytes <= UInt64(range.upperBound - place) else { throw broken }
        length = Int(bytes)
      default: throw broken
      }
      guard length <= range.upperBound - place else { throw broken }
      let contents = tag & 7 == 0 ? start..<place : place..<place + length
      place = contents.upperBound
      fields.append(
        ProtoField(
          number: Int(clamping: tag >> 3), range: contents, isBytes: tag & 7 == 2, value: value))
    }
    return fields
  }

  func text(in file: MappedFile) throws -> String {
    String(decoding: try file.slice(range.lowerBound, range.count), as: UTF8.self)
  }

  /// One integer, or a packed list of them.
  func integers(in file: MappedFile) throws -> [Int] {
    guard isBytes else { return [Int(truncatingIfNeeded: value)] }
    var integers: [Int] = []
    var result: UInt64 = 0
    var shift: UInt64 = 0
    for byte in try file.slice(range.lowerBound, range.count) {
      result |= shift < 64 ? UInt64(byte & 127) << shift : 0
      shift += 7
      if byte < 128 {
        integers.append(Int(truncatingIfNeeded: result))
        (result, shift) = (0, 0)
      }
    }
    return integers
  }
}
