import Archives
import Foundation
import Models

/// Writes GGUF files for the tests, sound ones and others.
struct GGUFWriter {
  /// A metadata value with its type number.
  enum Value {
    case uint32(UInt32)
    case float32(Float)
    case bool(Bool)
    case string(String)
    case strings([String])
    /// A type number and the bytes of a value.
    case raw(UInt32, [UInt8])
  }

  struct TensorData {
    var name: String
    /// Row-major.
    var shape: [Int]
    var type: UInt32
    var bytes: [UInt8]
    /// Where the data is said to lie; nil for the next aligned place.
    var offset: UInt64? = nil
  }

  var version: UInt32 = 3
  var alignment = 32
  var metadata: [(key: String, value: Value)] = []
  var tensors: [TensorData] = []

  func bytes() -> [UInt8] {
    var out = Array("GGUF".utf8)
    out.append(version)
    out.append(UInt64(tensors.count))
    out.append(UInt64(metadata.count))
    for (key, value) in metadata {
      out.append(key)
      switch value {
      case .uint32(let number):
        out.append(UInt32(4))
        out.append(number)
      case .float32(let number):
        out.append(UInt32(6))
        out.append(number.bitPattern)
      case .bool(let flag):
        out.append(UInt32(7))
        out.append(UInt8(flag ? 1 : 0))
      case .string(let text):
        out.append(UInt32(8))
        out.append(text)
      case .strings(let texts):
        out.append(UInt32(9))
        out.append(UInt32(8))
        out.append(UInt64(texts.count))
        for text in texts { out.append(text) }
      case .raw(let type, let bytes):
        out.append(type)
        out += bytes
      }
    }
    var data: [UInt8] = []
    for tensor in tensors {
      out.append(tensor.name)
      out.append(UInt32(tensor.shape.count))
      for size in tensor.shape.reversed() { out.append(UInt64(size)) }
      out.append(tensor.type)
      out.append(tensor.offset ?? UInt64(data.count))
      data += tensor.bytes
      while data.count % alignment != 0 { data.append(UInt8(0)) }
    }
    while out.count % alignment != 0 { out.append(UInt8(0)) }
    return out + data
  }
}

extension [UInt8] {
  /// Adds an integer, little-endian.
  mutating func append<T: FixedWidthInteger>(_ value: T) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  /// Adds a text with its length.
  mutating func append(_ text: String) {
    append(UInt64(text.utf8.count))
    self += Array(text.utf8)
  }
}

/// Runs `body` with the path of a directory that is gone afterwards.
func withScratchDirectory<R>(_ body: (String) throws -> R) throws -> R {
  let url = FileManager.default.temporaryDirectory.appendingPathComponent(
    "bitbudget-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}

/// Runs `body` with the path of a file of the given bytes that is gone afterwards.
func withFile<R>(_ bytes: [UInt8], name: String = "file", _ body: (String) throws -> R) throws -> R
{
  try withScratchDirectory { directory in
    let path = "\(directory)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try body(path)
  }
}

/// What an error says, when the body throws one; nil otherwise.
func sentence<R>(_ body: () throws -> R) -> String? {
  do {
    _ = try body()
    return nil
  } catch {
    return "\(error)"
  }
}
