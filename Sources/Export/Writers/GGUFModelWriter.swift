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

/// A GGUF file whose layers have the policy's types: `model.gguf`.
///
/// From a GGUF file with the same metadata, or from a Hugging Face Llama directory.
struct GGUFModelWriter: ModelWriter {
  static let id = "gguf"
  static let summary = "a GGUF file for llama.cpp, out of a GGUF file or a Llama directory"

  /// Numbers of the types that can be written.
  private static let types = [
    "fp32": 0, "fp16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "bf16": 30,
    "tq1_0": 34, "tq2_0": 35, "mxfp4": 39,
  ].merging(GGMLFormat.allCases.map { ($0.name, $0.number) }) { first, _ in first }

  func refusal(of layer: AppliedLayer) -> String? {
    if Self.types[layer.format.name] != nil { return nil }
    let bits = layer.format.nominalBits
    let name = bits <= 2 ? "tq2_0" : bits <= 4 ? "q4_0" : bits == 5 ? "q5_0" : "q8_0"
    let nearest = (try? Formats.format(name, for: layer.layer.shape)?.name) ?? "fp16"
    return "GGUF does not have it; the nearest that can be written is \(nearest)"
  }

  func write(_ model: AppliedModel, into folder: String) throws {
    let output: GGUFOutput
    switch model.source {
    case .gguf(let contents): output = try copy(contents, model.layersByTensor)
    case .huggingFace:
      output = try GGUFLlamaDirectory(HuggingFaceSource(model))
        .output(model.layersByTensor, types: Self.types)
    case .onnx:
      throw UserError(
        .failed, "a GGUF file can be written only from a GGUF file or a Llama directory")
    }
    try output.write(to: "\(folder)/model.gguf")
  }

  /// The file's own tensors in its own order, of which the layers are rounded.
  private func copy(_ contents: GGUFContents, _ layers: [String: AppliedLayer]) throws -> GGUFOutput
  {
    let tensors = contents.tensors.map { tensor in
      let layer = layers[tensor.name]
      return GGUFOutput.Tensor(
        name: tensor.name, shape: tensor.shape,
        type: layer.flatMap { Self.types[$0.format.name] } ?? tensor.type,
        bytes: layer.map { $0.format.bytes(of: $0.layer.shape) } ?? tensor.range.count
      ) { write in
        if let layer {
          try layer.packed().withUnsafeBytes { try write($0) }
        } else {
          try write(contents.file.slice(tensor.range.lowerBound, tensor.range.count))
        }
      }
    }
    let metadata = try contents.file.slice(contents.metadata.lowerBound, contents.metadata.count)
    return GGUFOutput(
      metadata: Array(metadata), keys: contents.keys, alignment: contents.alignment,
      tensors: tensors)
  }
}
