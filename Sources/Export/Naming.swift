internal import Vocabulary

/// Whose names a consumer's file uses for layers.
public enum Naming: Sendable {
  /// The policy's own.
  case policy
  /// Modules of a Hugging Face or PyTorch model.
  case modules
  /// Tensors of a GGUF file.
  case gguf
  /// Nodes of an ONNX graph.
  case nodes
  /// Initializers of an ONNX graph.
  case initializers
  /// Nodes of an OpenVINO model that was converted from PyTorch or ONNX.
  case openVINO
  /// Constants of a Core ML program that was converted from PyTorch.
  case coreML

  /// What the consumer calls a layer.
  ///
  /// - Parameters:
  ///   - name: The layer's name in the policy.
  ///   - tensor: Its stored tensor.
  ///   - kind: What it computes.
  ///   - architecture: The policy's, which tells ONNX and BERT names from others.
  /// - Throws: `UserError` when the consumer's kind of model has no such layer.
  func name(of name: String, tensor: String, kind: LayerKind, architecture: String) throws
    -> String
  {
    let isONNX = architecture == "onnx"
    switch self {
    case .policy: return name
    case .modules:
      if isONNX { throw wrong(name, "is a node of an ONNX graph, and modules are wanted") }
      return ModelNames.module(of: name, architecture: architecture) ?? name
    case .gguf:
      guard !isONNX, let tensor = ModelNames.tensor(of: name) else {
        throw wrong(name, "has no name among the tensors of GGUF")
      }
      return "\(tensor).weight"
    case .nodes, .initializers:
      guard isONNX else { throw wrong(name, "is not of an ONNX graph") }
      return self == .nodes ? name : tensor
    case .openVINO:
      if isONNX { return name }
      let module = ModelNames.module(of: name, architecture: architecture) ?? name
      let operation =
        switch kind {
        case .linear: "aten::linear/MatMul"
        case .convolution: "aten::_convolution/Convolution"
        case .embedding: "aten::embedding/Gather"
        }
      return "__module.\(module)/\(operation)"
    case .coreML:
      if isONNX {
        throw wrong(name, "is a node of an ONNX graph, which coremltools cannot convert")
      }
      let stored = ModelNames.module(of: name, architecture: architecture).map { "\($0).weight" }
      let word = (stored ?? tensor).map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
      return "\(String(word))_to_fp16"
    }
  }

  private func wrong(_ name: String, _ why: String) -> UserError {
    UserError(.failed, "the layer '\(name)' \(why)")
  }
}

/// The names of the same layers under Hugging Face and in GGUF.
///
/// Llama-like decoders (Llama, Mistral, Qwen, SmolLM) and BERT-like encoders; a layer of anything else
/// has no GGUF name here.
enum ModelNames {
  private struct Family {
    var prefix: String
    /// The part's name in GGUF and under Hugging Face.
    var parts: [(gguf: String, module: String)]
    /// Layers outside the blocks.
    var singles: [(gguf: String, module: String)]
  }

  private static let llama = Family(
    prefix: "model.layers.",
    parts: [
      ("attn_q", "self_attn.q_proj"), ("attn_k", "self_attn.k_proj"),
      ("attn_v", "self_attn.v_proj"), ("attn_qkv", "self_attn.qkv_proj"),
      ("attn_output", "self_attn.o_proj"), ("ffn_gate", "mlp.gate_proj"),
      ("ffn_up", "mlp.up_proj"), ("ffn_down", "mlp.down_proj"),
    ],
    singles: [("token_embd", "model.embed_tokens"), ("output", "lm_head")])

  private static let bert = Family(
    prefix: "encoder.layer.",
    parts: [
      ("attn_q", "attention.self.query"), ("attn_k", "attention.self.key"),
      ("attn_v", "attention.self.value"), ("attn_output", "attention.output.dense"),
      ("ffn_up", "intermediate.dense"), ("ffn_down", "output.dense"),
    ],
    singles: [("token_embd", "embeddings.word_embeddings")])

  /// The module of a layer with a GGUF name; nil where the name is none.
  static func module(of name: String, architecture: String) -> String? {
    let family = architecture == "bert" ? bert : llama
    if let single = family.singles.first(where: { $0.gguf == name }) { return single.module }
    guard let (block, part) = split(name, after: "blk."),
      let found = family.parts.first(where: { $0.gguf == part })
    else { return nil }
    return "\(family.prefix)\(block).\(found.module)"
  }

  /// The GGUF tensor of a layer, without `.weight`, from a module's name or a GGUF name.
  static func tensor(of name: String) -> String? {
    for family in [llama, bert] {
      if family.singles.contains(where: { $0.gguf == name }) { return name }
      if let single = family.singles.first(where: { $0.module == name }) { return single.gguf }
      if let (_, part) = split(name, after: "blk."),
        family.parts.contains(where: { $0.gguf == part })
      {
        return name
      }
      if let (block, part) = split(name, after: family.prefix),
        let found = family.parts.first(where: { $0.module == part })
      {
        return "blk.\(block).\(found.gguf)"
      }
    }
    return nil
  }

  /// The block's number and the rest of a name that begins with `prefix`.
  private static func split(_ name: String, after prefix: String) -> (Substring, Substring)? {
    guard name.hasPrefix(prefix) else { return nil }
    let rest = name.dropFirst(prefix.count)
    guard let dot = rest.firstIndex(of: "."),
      rest[..<dot].allSatisfy({ $0.isASCII && $0.isNumber }),
      dot != rest.startIndex
    else { return nil }
    return (rest[..<dot], rest[rest.index(after: dot)...])
  }
}
