import Archives
import Foundation
import Quantization
import Vocabulary

/// A Hugging Face Llama directory as the contents of a GGUF file.
///
/// Names are GGUF's. The rows of queries and keys change places, since llama.cpp turns neighbours together
/// where Hugging Face turns halves. Weights that are not quantized (those of the norms) become singles.
struct GGUFLlamaDirectory {
  private let source: HuggingFaceSource
  private let configuration: Configuration

  private struct Configuration: Decodable {
    struct Rotary: Decodable {
      var rope_theta: Double?
      var rope_type: String?
      var type: String?
      var isPlain: Bool { (rope_type ?? type ?? "default") == "default" }
    }
    var model_type: String?
    var hidden_size: Int
    var intermediate_size: Int
    var num_hidden_layers: Int
    var num_attention_heads: Int
    var num_key_value_heads: Int?
    var head_dim: Int?
    var rms_norm_eps: Double?
    var rope_theta: Double?
    var rope_parameters: Rotary?
    var rope_scaling: Rotary?
    var tie_word_embeddings: Bool?
    var max_position_embeddings: Int?
  }

  /// - Throws: `UserError` when the directory holds something else than a Llama.
  init(_ source: HuggingFaceSource) throws {
    struct Kind: Decodable { var model_type: String? }
    self.source = source
    let path = "\(source.directory)/config.json"
    let data = FileManager.default.contents(atPath: path) ?? Data()
    let kind = (try? JSONDecoder().decode(Kind.self, from: data))?.model_type ?? "(none)"
    guard kind == "llama", let found = try? JSONDecoder().decode(Configuration.self, from: data),
      found.num_attention_heads > 0
    else {
      throw UserError(
        .failed,
        "a GGUF file can be written only from a GGUF file or a Llama directory, and '\(source.directory)' "
          + "is of the model_type '\(kind)'")
    }
    guard found.rope_scaling?.isPlain ?? true, found.rope_parameters?.isPlain ?? true else {
      throw UserError(
        .failed,
        "'\(source.directory)' scales its rotary positions, which cannot be written as GGUF here")
    }
    configuration = found
  }

  /// The file, whose tensors are read and rounded when they are written.
  ///
  /// - Throws: `UserError` for a tokenizer or a tensor that has no place in it, and as reading does.
  func output(_ layers: [String: AppliedLayer], types: [String: UInt32]) throws -> GGUFOutput {
    var tensors: [GGUFOutput.Tensor] = []
    for path in source.files {
      let file = try SafetensorsFile(path)
      for entry in file.entries {
        guard let name = try name(of: entry.name) else { continue }
        if let layer = layers[entry.name], let type = types[layer.format.name] {
          tensors.append(try tensor(layer, name, entry, type))
        } else {
          tensors.append(try singles(name, entry, of: file.file))
        }
      }
    }
    guard let embedding = tensors.first(where: { $0.name == "token_embd.weight" }) else {
      throw UserError(.failed, "'\(source.directory)' has no embedding 'model.embed_tokens'")
    }
    let keys = try metadata(vocabulary: embedding.shape[0])
    return GGUFOutput(metadata: keys.bytes, keys: keys.count, tensors: tensors)
  }

  /// GGUF's name of a tensor; nil for what GGUF files leave out.
  ///
  /// - Throws: `UserError` for a tensor that no Llama has there.
  private func name(of tensor: String) throws -> String? {
    let isTied = configuration.tie_word_embeddings ?? false
    if tensor.hasSuffix(".rotary_emb.inv_freq") || isTied && tensor == "lm_head.weight" {
      return nil
    }
    let module = tensor.hasSuffix(".weight") ? String(tensor.dropLast(".weight".count)) : tensor
    if module == "model.norm" { return "output_norm.weight" }
    if let layer = ModelNames.tensor(of: module) { return "\(layer).weight" }
    let parts = module.split(separator: ".")
    if parts.count == 4, parts[0] == "model", parts[1] == "layers" {
      switch parts[3] {
      case "input_layernorm": return "blk.\(parts[2]).attn_norm.weight"
      case "post_attention_layernorm": return "blk.\(parts[2]).ffn_norm.weight"
      default: break
      }
    }
    throw UserError(
      .failed, "'\(source.directory)' has a tensor '\(tensor)', which GGUF has no name for")
  }

  private func metadata(vocabulary: Int) throws -> GGUFKeys {
    let heads = configuration.num_attention_heads
    let width = configuration.head_dim ?? configuration.hidden_size / heads
    func count(_ value: Int) throws -> UInt32 {
      guard let value = UInt32(exactly: value) else {
        throw UserError(.failed, "'\(source.directory)/config.json' holds an impossible \(value)")
      }
      return value
    }
    var keys = GGUFKeys()
    keys.set("general.architecture", "llama")
    keys.set("general.type", "model")
    keys.set("general.name", HuggingFaceSource.name(source.directory))
    keys.set("llama.block_count", try count(configuration.num_hidden_layers))
    keys.set("llama.context_length", try count(configuration.max_position_embeddings ?? 2048))
    keys.set("llama.embedding_length", try count(configuration.hidden_size))
    keys.set("llama.feed_forward_length", try count(configuration.intermediate_size))
    keys.set("llama.attention.head_count", try count(heads))
    keys.set(
      "llama.attention.head_count_kv", try count(configuration.num_key_value_heads ?? heads))
    let base = configuration.rope_theta ?? configuration.rope_parameters?.rope_theta ?? 10_000
    keys.set("llama.rope.freq_base", Float(base))
    keys.set(
      "llama.attention.layer_norm_rms_epsilon", Float(configuration.rms_norm_eps ?? 1e-6))
    keys.set("llama.vocab_size", try count(vocabulary))
    keys.set("llama.rope.dimension_count", try count(width))
    if width * heads != configuration.hidden_size {
      keys.set("llama.attention.key_length", try count(width))
      keys.set("llama.attention.value_length", try count(width))
    }
    keys.set("general.quantization_version", 2 as UInt32)
    try GGUFTokenizerKeys(directory: source.directory, vocabulary: vocabulary).add(to: &keys)
    return keys
  }

  private func tensor(
    _ layer: AppliedLayer, _ name: String, _ entry: SafetensorsFile.Entry, _ type: UInt32
  ) throws -> GGUFOutput.Tensor {
    let heads =
      name.hasSuffix(".attn_q.weight")
      ? configuration.num_attention_heads
      : name.hasSuffix(".attn_k.weight")
        ? configuration.num_key_value_heads ?? configuration.num_attention_heads : nil
    let rows = layer.layer.shape.rows
    let bytes = layer.format.bytes(of: layer.layer.shape)
    if let heads, heads <= 0 || rows % (2 * heads) != 0 {
      throw UserError(
        .failed, "the \(rows) rows of '\(entry.name)' are not those of \(heads) heads of even width"
      )
    }
    return .init(name: name, shape: entry.shape, type: type, bytes: bytes) { write in
      let packed = try layer.packed()
      guard let heads else { return try packed.withUnsafeBytes { try write($0) } }
      let size = bytes / rows
      let half = rows / heads / 2
      // Blocks lie along rows, so that rounded rows move as well as rows do.
      try packed.withUnsafeBytes { packed in
        for row in 0..<rows {
          let (head, place) = (row / (2 * half), row % (2 * half))
          let from = head * 2 * half + place % 2 * half + place / 2
          try write(UnsafeRawBufferPointer(rebasing: packed[from * size..<(from + 1) * size]))
        }
      }
    }
  }

  private func singles(
    _ name: String, _ entry: SafetensorsFile.Entry, of file: MappedFile
  ) throws -> GGUFOutput.Tensor {
    let bytes = try file.slice(entry.range.lowerBound, entry.range.count)
    let count = entry.range.count / entry.type.size
    let value: (Int) -> Float
    switch entry.type {
    case .float32:
      value = { Float(bitPattern: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
    case .bfloat16:
      value = { index in
        let bits = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
        return Float(bitPattern: UInt32(bits) << 16)
      }
    case .float16:
      value = { index in
        let bits = bytes.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)
        return Float(Float16(bitPattern: bits))
      }
    default:
      throw UserError(
        .failed,
        "the tensor '\(entry.name)' holds \(entry.type.rawValue), which has no place in a Llama")
    }
    return .init(name: name, shape: entry.shape, type: 0, bytes: 4 * count) { write in
      let singles = (0..<count).map { value($0).bitPattern.littleEndian }
      try withExtendedLifetime(file) { try singles.withUnsafeBytes { try write($0) } }
    }
  }
}
