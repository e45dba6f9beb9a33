import Archives
import Vocabulary

/// The llama architecture under GGUF's names; its rotary pairs are neighbours.
func gguf(llama file: GGUFFile) throws -> Graph {
  try refuseUnsupported(file)
  let width = try checkedSize(
    file.required("llama.embedding_length"), "llama.embedding_length")
  let heads = try checkedSize(
    file.required("llama.attention.head_count"), "llama.attention.head_count")
  let headWidth = try file.integer("llama.attention.key_length") ?? width / heads
  for key in ["llama.attention.value_length", "llama.rope.dimension_count"] {
    guard try file.integer(key) ?? headWidth == headWidth else {
      throw UserError(
        .failed,
        "'\(file.file.path)' has a '\(key)' other than its heads' width, which is not supported")
    }
  }
  let tensors = file.storedTensors
  let llama = Llama(
    blocks: try file.required("llama.block_count"), width: width, heads: heads,
    keyValueHeads: try file.integer("llama.attention.head_count_kv") ?? heads,
    headWidth: headWidth,
    innerWidth: try file.required("llama.feed_forward_length"),
    epsilon: try file.number("llama.attention.layer_norm_rms_epsilon") ?? 1e-5,
    rotaryBase: try file.number("llama.rope.freq_base") ?? 10_000, pairing: .neighbours,
    tied: !tensors.contains { $0.name == "output.weight" }, names: .gguf)
  let builder = GraphBuilder(name: try file.modelName(), architecture: "llama")
  var network = Assembler(builder, tensors: tensors)
  let logits = try llama.assemble(into: &network)
  if let tensor = network.unused.first {
    throw UserError(
      .failed,
      "'\(file.file.path)' has a tensor '\(tensor)' that the llama network here does not use")
  }
  return network.builder.finished(
    output: logits, head: .tokens, tokenizer: try file.tokenizer(),
    maximumLength: try file.integer("llama.context_length"), files: [file.file.path])
}

private func refuseUnsupported(_ file: GGUFFile) throws {
  let path = file.file.path
  if try file.string("llama.rope.scaling.type") ?? "none" != "none"
    || file.number("llama.rope.scale_linear") ?? 1 != 1
    || file.entries.contains(where: { $0.name == "rope_freqs.weight" })
  {
    throw UserError(.failed, "'\(path)' scales its rotary positions, which is not supported")
  }
  if try file.integer("llama.expert_count") ?? 0 != 0 {
    throw UserError(.failed, "'\(path)' is a mixture of experts, which is not supported")
  }
}

extension Llama.Names {
  /// GGUF's names.
  static let gguf = Llama.Names(
    embedding: "token_embd", block: { "blk.\($0)" }, attentionNorm: "attn_norm", query: "attn_q",
    key: "attn_k", value: "attn_v", attentionOutput: "attn_output", feedForwardNorm: "ffn_norm",
    gate: "ffn_gate", up: "ffn_up", down: "ffn_down", norm: "output_norm", head: "output")
}
