import Tensors
import Vocabulary

/// The llama architecture under Hugging Face's names; its rotary pairs are halves.
func huggingFace(llama directory: HuggingFaceDirectory) throws -> Graph {
  let configuration = try directory.json("config.json", as: LlamaConfiguration.self)
  try configuration.refuseUnsupported(directory.path)
  let (files, tensors) = try directory.tensors()
  let heads = try checkedSize(configuration.num_attention_heads, "num_attention_heads")
  let width = try checkedSize(configuration.hidden_size, "hidden_size")
  let llama = Llama(
    blocks: configuration.num_hidden_layers, width: width, heads: heads,
    keyValueHeads: configuration.num_key_value_heads ?? heads,
    headWidth: configuration.head_dim ?? width / heads,
    innerWidth: configuration.intermediate_size,
    epsilon: configuration.rms_norm_eps ?? 1e-6, rotaryBase: configuration.rotaryBase,
    pairing: .halves, tied: configuration.tie_word_embeddings ?? false, names: .huggingFace)
  var network = Assembler(
    GraphBuilder(name: directory.name, architecture: "llama"), tensors: tensors)
  let logits = try llama.assemble(into: &network)
  // A tied head may be stored a second time; old checkpoints store the rotary frequencies.
  let unknown = network.unused.first {
    !(llama.tied && $0 == "lm_head.weight") && !$0.hasSuffix(".rotary_emb.inv_freq")
  }
  if let unknown {
    throw UserError(
      .failed,
      "'\(directory.path)' has a tensor '\(unknown)' that the llama network here does not use")
  }
  return network.builder.finished(
    output: logits, head: .tokens, tokenizer: directory.tokenizer(),
    maximumLength: configuration.max_position_embeddings, files: files)
}

/// What `config.json` says, in its own words.
private struct LlamaConfiguration: Decodable {
  struct Rotary: Decodable {
    var rope_type: String?
    var type: String?
    var rope_theta: Double?
    var isPlain: Bool { (rope_type ?? type ?? "default") == "default" }
  }

  var hidden_size: Int
  var intermediate_size: Int
  var num_hidden_layers: Int
  var num_attention_heads: Int
  var num_key_value_heads: Int?
  var head_dim: Int?
  var hidden_act: String?
  var rms_norm_eps: Double?
  var rope_theta: Double?
  var rope_scaling: Rotary?
  var rope_parameters: Rotary?
  var partial_rotary_factor: Double?
  var tie_word_embeddings: Bool?
  var max_position_embeddings: Int?

  var rotaryBase: Double { rope_theta ?? rope_parameters?.rope_theta ?? 10_000 }

  func refuseUnsupported(_ path: String) throws {
    guard rope_scaling?.isPlain ?? true, rope_parameters?.isPlain ?? true,
      partial_rotary_factor ?? 1 == 1
    else {
      throw UserError(
        .failed, "'\(path)' scales its rotary positions (rope_scaling), which is not supported")
    }
    guard hidden_act ?? "silu" == "silu" else {
      throw UserError(
        .failed,
        "'\(path)' has the hidden_act '\((hidden_act ?? "").onOneLine)', which is not supported")
    }
  }
}

extension Llama.Names {
  /// Hugging Face's names.
  static let huggingFace = Llama.Names(
    embedding: "model.embed_tokens", block: { "model.layers.\($0)" },
    attentionNorm: "input_layernorm", query: "self_attn.q_proj", key: "self_attn.k_proj",
    value: "self_attn.v_proj", attentionOutput: "self_attn.o_proj",
    feedForwardNorm: "post_attention_layernorm", gate: "mlp.gate_proj", up: "mlp.up_proj",
    down: "mlp.down_proj", norm: "model.norm", head: "lm_head")
}
