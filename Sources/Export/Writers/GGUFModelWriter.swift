public import Archives
import Foundation
import Quantization
import Vocabulary

/// What a GGUF file holds, as far as it is copied.
public struct GGUFContents: Sendable {
  /// A stored tensor.
  public struct Tensor: Sendable {
    /// Its name.
    public var name: String
    /// Sizes of the axes, row-major.
    public var shape: [Int]
    /// The number of its type in the format.
    public var type: UInt32
    /// Its bytes in the file.
    public var range: Range<Int>

    /// A tensor of the file.
    public init(name: String, shape: [Int], type: UInt32, range: Range<Int>) {
      self.name = name
      self.shape = shape
      self.type = type
      self.range = range
    }
  }

  /// The file.
  public var file: MappedFile
  /// The bytes of the metadata: all keys with their values.
  public var metadata: Range<Int>
  /// How many keys there are.
  public var keys: Int
  /// The alignment that the metadata asks for.
  public var alignment: Int
  /// The tensors in the file's order.
  public var tensors: [Tensor]

  /// The contents of a file.
  public init(
    file: MappedFile, metadata: Range<Int>, keys: Int, alignment: Int, tensors: [Tensor]
  ) {
    self.file = file
    self.metadata = metadata
    self.keys = keys
    self.alignment = alignment
    self.tensors = tensors
  }
}

/// A GGUF file with the same metadata whose layers have the policy's types: `model.gguf`.
///
/// Needs a GGUF file to start from.
struct GGUFModelWriter: ModelWriter {
  static let id = "gguf"
  static let summary = "a GGUF file for llama.cpp, out of a GGUF file"

  /// Numbers of the types that can be written.
  private static let types: [String: UInt32] = [
    "fp32": 0, "fp16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "bf16": 30,
    "tq1_0": 34, "tq2_0": 35, "mxfp4": 39,
  ]

  func refusal(of layer: AppliedLayer) -> String? {
    if Self.types[layer.format.name] != nil { return nil }
    let bits = layer.format.nominalBits
    let name = bits <= 2 ? "tq2_0" : bits <= 4 ? "q4_0" : bits == 5 ? "q5_0" : "q8_0"
    let nearest = (try? Formats.format(name, for: layer.layer.shape)?.name) ?? "fp16"
    return "GGUF does not have it; the nearest that can be written is \(nearest)"
  }

  func write(_ model: AppliedModel, into folder: String) throws {
    guard case .gguf(let contents) = model.source else {
      throw UserError(
        .failed, "a GGUF file can be written only from a GGUF file, which brings the metadata")
    }
    let layers = model.layersByTensor
    let file = try SequentialFile("\(folder)/model.gguf")
    var header = Array("GGUF".utf8)
    header.append(little: UInt32(3))
    header.append(little: UInt64(contents.tensors.count))
    header.append(little: UInt64(contents.keys))
    header += try contents.file.slice(contents.metadata.lowerBound, contents.metadata.count)
    var offset = 0
    for tensor in contents.tensors {
      let layer = layers[tensor.name]
      header.append(little: UInt64(tensor.name.utf8.count))
      header += Array(tensor.name.utf8)
      header.append(little: UInt32(tensor.shape.count))
      for size in tensor.shape.reversed() { header.append(little: UInt64(size)) }
      header.append(little: layer.flatMap { Self.types[$0.format.name] } ?? tensor.type)
      header.append(little: UInt64(offset))
      let bytes = layer.map { $0.format.bytes(of: $0.layer.shape) } ?? tensor.range.count
      offset += (bytes + contents.alignment - 1) / contents.alignment * contents.alignment
    }
    try file.write(header)
    try file.pad(to: contents.alignment)
    for tensor in contents.tensors {
      if let layer = layers[tensor.name] {
        try file.write(layer.packed())
      } else {
        try file.write(contents.file.slice(tensor.range.lowerBound, tensor.range.count))
      }
      try file.pad(to: contents.alignment)
    }
    try file.finish()
  }
}

extension [UInt8] {
  /// Adds an integer's bytes, the lowest first.
  fileprivate mutating func append<T: FixedWidthInteger>(little value: T) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
