import Foundation

/// Writes safetensors files for the tests.
struct SafetensorsWriter {
  struct TensorData {
    var name: String
    var type: String
    var shape: [Int]
    var bytes: [UInt8]
  }

  var tensors: [TensorData] = []

  /// Adds singles, stored as `type` (F32, F16 or BF16).
  mutating func add(_ name: String, _ values: [Float], shape: [Int], type: String = "F32") {
    var bytes: [UInt8] = []
    for value in values {
      switch type {
      case "F16": bytes.append(Float16(value).bitPattern)
      case "BF16": bytes.append(UInt16(truncatingIfNeeded: value.bitPattern >> 16))
      default: bytes.append(value.bitPattern)
      }
    }
    tensors.append(TensorData(name: name, type: type, shape: shape, bytes: bytes))
  }

  func bytes() throws -> [UInt8] {
    var header: [String: Any] = ["__metadata__": ["format": "pt"]]
    var data: [UInt8] = []
    for tensor in tensors {
      header[tensor.name] =
        [
          "dtype": tensor.type, "shape": tensor.shape,
          "data_offsets": [data.count, data.count + tensor.bytes.count],
        ] as [String: Any]
      data += tensor.bytes
    }
    let json = try JSONSerialization.data(withJSONObject: header, options: .sortedKeys)
    return SafetensorsWriter.file(header: Array(json), data: data)
  }

  /// A file of a header as it is.
  static func file(header: [UInt8], data: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.append(UInt64(header.count))
    return out + header + data
  }
}
