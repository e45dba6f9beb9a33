import Archives
import Foundation
import Vocabulary

/// Writes safetensors files, one tensor in memory at a time.
struct SafetensorsWriter {
  /// A tensor to come.
  struct Tensor {
    var name: String
    /// The element type in the format's words, such as `F16`.
    var type: String
    var shape: [Int]
    var bytes: Int
  }

  /// What is written together: some tensors, and their bytes one after the other.
  struct Piece {
    var tensors: [Tensor]
    /// Hands over the bytes of all its tensors, in order.
    var write: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  }

  /// Bytes of a file: the length of the header, the header, the tensors.
  static func size(of pieces: [Piece]) throws -> Int {
    try pieces.flatMap(\.tensors).reduce(8 + header(of: pieces).count) { $0 + $1.bytes }
  }

  /// Names, types, shapes and places of the tensors, up to a multiple of eight bytes.
  private static func header(of pieces: [Piece]) throws -> [UInt8] {
    var entries: [String: Entry] = [:]
    var offset = 0
    for tensor in pieces.flatMap(\.tensors) {
      let end = offset + tensor.bytes
      entries[tensor.name] = Entry(
        dtype: tensor.type, shape: tensor.shape, data_offsets: [offset, end])
      offset = end
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var header = Array(try encoder.encode(entries))
    // The dictionary's own text first, then what readers of tensors expect to find.
    header.insert(contentsOf: Array(#""__metadata__":{"format":"pt"},"#.utf8), at: 1)
    if entries.isEmpty { header = Array(#"{"__metadata__":{"format":"pt"}}"#.utf8) }
    while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
    return header
  }

  /// Writes a file.
  ///
  /// - Throws: `UserError` with the system's reason, and what a piece throws.
  static func write(_ pieces: [Piece], to path: String) throws {
    let header = try header(of: pieces)
    let file = try SequentialFile(path)
    try withUnsafeBytes(of: UInt64(header.count).littleEndian) { try file.write($0) }
    try file.write(header)
    for piece in pieces {
      let expected = file.count + piece.tensors.reduce(0) { $0 + $1.bytes }
      try piece.write { try file.write($0) }
      guard file.count == expected else {
        fatalError("tensors of \(path) were given another number of bytes than announced")
      }
    }
    try file.finish()
  }

  private struct Entry: Encodable {
    var dtype: String
    var shape: [Int]
    var data_offsets: [Int]
  }
}

extension SafetensorsFile.Entry {
  /// The tensor as it is.
  func copied(from file: MappedFile) -> SafetensorsWriter.Piece {
    .init(
      tensors: [.init(name: name, type: type.rawValue, shape: shape, bytes: range.count)]
    ) { [range] in try $0(file.slice(range.lowerBound, range.count)) }
  }
}
