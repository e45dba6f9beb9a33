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

  func size(of model: AppliedModel) throws -> Int? { try output(model).size }

  func write(_ model: AppliedModel, into folder: String) throws {
    try output(model).write(to: "\(folder)/model.gguf")
  }

  /// The file, of which nothing is read yet but names and sizes.
  private func output(_ model: AppliedModel) throws -> GGUFOutput {
    switch model.source {
    case .gguf(let contents): return try copy(contents, model.layersByTensor)
    case .huggingFace:
      return try GGUFLlamaDirectory(HuggingFaceSource(model))
        .output(model.layersByTensor, types: Self.types)
    case .onnx:
      throw UserError(
        .failed, "a GGUF file can be written only from a GGUF file or a Llama directory")
    }
  }

  /// The file's own tensors in its own order, of which the layers are rounded.
  private func copy(_ contents: GGUFContents, _ layers: [String: AppliedLayer]) throws -> GGUFOutput
  {
    let known = Set(contents.tensors.map(\.name))
    let tensors = try contents.tensors.map { tensor in
      let layer = layers[tensor.name]
      if let experts = try experts(of: tensor, among: layers) { return experts }
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
    if let lost = layers.keys.sorted().first(where: { !known.contains(tensorName(of: $0)) }) {
      throw UserError(.failed, "the file has no tensor '\(lost)' to write a layer to")
    }
    let metadata = try contents.file.slice(contents.metadata.lowerBound, contents.metadata.count)
    return GGUFOutput(
      metadata: Array(metadata), keys: contents.keys, alignment: contents.alignment,
      tensors: tensors)
  }

  /// The tensor that a layer is in: all experts' matrices are one, and expert 3's is called `tensor[3]`.
  private func tensorName(of stored: String) -> String {
    stored.hasSuffix("]") ? String(stored.prefix { $0 != "[" }) : stored
  }

  /// A tensor of all experts' matrices, one after the other; nil for any other tensor.
  ///
  /// - Throws: `UserError` when they are not of one format, since the file has one type for all.
  private func experts(of tensor: GGUFContents.Tensor, among layers: [String: AppliedLayer]) throws
    -> GGUFOutput.Tensor?
  {
    guard tensor.shape.count == 3 else { return nil }
    let experts = (0..<tensor.shape[0]).compactMap { layers["\(tensor.name)[\($0)]"] }
    guard let first = experts.first, let type = Self.types[first.format.name] else { return nil }
    guard experts.count == tensor.shape[0],
      experts.allSatisfy({ $0.format.name == first.format.name })
    else {
      throw UserError(
        .failed,
        "GGUF has one type for all experts of '\(tensor.name)'; give them one format (--pin)")
    }
    return GGUFOutput.Tensor(
      name: tensor.name, shape: tensor.shape, type: type,
      bytes: experts.reduce(0) { $0 + $1.format.bytes(of: $1.layer.shape) }
    ) { write in
      for expert in experts { try expert.packed().withUnsafeBytes { try write($0) } }
    }
  }
}
