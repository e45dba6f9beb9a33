import Archives
import Foundation
import TestSupport
import Vocabulary

/// A folder that is removed with the object.
final class TemporaryFolder {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let url = URL(fileURLWithPath: path).appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    // Foundation waits for the disk after every file, and ext4 when a file is written over.
    unlink(url.path)
    guard let file = fopen(url.path, "w") else {
      throw FileError(path: url.path, reason: "it cannot be written")
    }
    defer { fclose(file) }
    fwrite(bytes, 1, bytes.count, file)
    return url.path
  }

  @discardableResult func write(_ name: String, _ text: String) throws -> String {
    try write(name, Array(text.utf8))
  }
}

/// A zip archive of stored members, written by hand.
func zip(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8] {
  var file: [UInt8] = []
  var directory: [UInt8] = []
  for (name, bytes) in members {
    let header = UInt32(file.count)
    let fields: [UInt8] =
      little(UInt16(0)) + little(UInt16(0)) + little(UInt32(0)) + little(checksum(bytes))
      + little(UInt32(bytes.count)) + little(UInt32(bytes.count))
    file += little(UInt32(0x0403_4b50)) + little(UInt16(20)) + fields
    file += little(UInt16(name.utf8.count)) + little(UInt16(0)) + Array(name.utf8) + bytes
    directory += little(UInt32(0x0201_4b50)) + little(UInt16(20)) + little(UInt16(20)) + fields
    directory += little(UInt16(name.utf8.count)) + [UInt8](repeating: 0, count: 12)
    directory += little(header) + Array(name.utf8)
  }
  let start = UInt32(file.count)
  let count = little(UInt16(members.count))
  file += directory + little(UInt32(0x0605_4b50)) + little(UInt32(0)) + count + count
  return file + little(UInt32(directory.count)) + little(start) + little(UInt16(0))
}

/// A `.npy` file with the header as NumPy writes it.
func npy(_ description: String, shape: [Int], columnMajor: Bool = false, _ data: [UInt8]) -> [UInt8]
{
  let sizes = shape.map { "\($0)," }.joined(separator: " ")
  let order = columnMajor ? "True" : "False"
  let header = "{'descr': '\(description)', 'fortran_order': \(order), 'shape': (\(sizes)), }\n"
  return [0x93] + Array("NUMPY".utf8) + [1, 0] + little(UInt16(header.utf8.count))
    + Array(header.utf8) + data
}

/// The bytes of an integer, lowest first.
func little(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

func little(_ values: [Float]) -> [UInt8] { values.flatMap { little($0.bitPattern) } }

/// CRC-32 as in its definition, bit by bit.
func checksum(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(~0 as UInt32) { sum, byte in
    (0..<8).reduce(sum ^ UInt32(byte)) { sum, _ in sum >> 1 ^ (sum & 1 == 0 ? 0 : 0xEDB8_8320) }
  }
}

/// What the description of an error thrown by `body` says; empty when none is thrown.
func message(_ body: () throws -> some Any) -> String {
  do {
    _ = try body()
    return ""
  } catch {
    return "\(error)"
  }
}
