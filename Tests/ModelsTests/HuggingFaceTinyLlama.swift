import Foundation
import Models
import Tensors
import Vocabulary

/// A llama model in Hugging Face's layout, small enough to be written by a test.
struct TinyLlama {
  var configuration: [String: Any]
  var tensors: [String: (shape: [Int], values: [Float])] = [:]

  /// One block with seeded random weights: 2 heads that share one key-value head, 5 tokens.
  init() {
    configuration = [
      "model_type": "llama", "hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 1,
      "num_attention_heads": 2, "num_key_value_heads": 1, "hidden_act": "silu",
      "rms_norm_eps": 1e-5, "rope_theta": 10_000, "rope_scaling": NSNull(),
      "max_position_embeddings": 64,
    ]
    let block = "model.layers.0"
    var generator = SplitMix64(seed: 3)
    for (name, shape) in [
      ("model.embed_tokens", [5, 8]), ("\(block).input_layernorm", [8]),
      ("\(block).self_attn.q_proj", [8, 8]), ("\(block).self_attn.k_proj", [4, 8]),
      ("\(block).self_attn.v_proj", [4, 8]), ("\(block).self_attn.o_proj", [8, 8]),
      ("\(block).post_attention_layernorm", [8]), ("\(block).mlp.gate_proj", [16, 8]),
      ("\(block).mlp.up_proj", [16, 8]), ("\(block).mlp.down_proj", [8, 16]), ("model.norm", [8]),
      ("lm_head", [5, 8]),
    ] {
      let values = (0..<shape.reduce(1, *)).map { _ in Float(generator.uniform() * 2 - 1) }
      tensors["\(name).weight"] = (shape, values)
    }
  }

  /// The weights of a GGUF file; its q and k rows go back to Hugging Face's order.
  init(converting file: GGUFFile) throws {
    func integer(_ key: String) throws -> Int {
      guard case .integer(let value)? = file.metadata["llama.\(key)"] else { throw Missing() }
      return value
    }
    let heads = try integer("attention.head_count")
    let keyValueHeads = try integer("attention.head_count_kv")
    configuration = [
      "model_type": "llama", "hidden_size": try integer("embedding_length"),
      "intermediate_size": try integer("feed_forward_length"),
      "num_hidden_layers": try integer("block_count"), "num_attention_heads": heads,
      "num_key_value_heads": keyValueHeads, "rms_norm_eps": 1e-5, "rope_theta": 10_000,
    ]
    let names = [
      "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
      "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
      "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
      "ffn_down": "mlp.down_proj", "token_embd": "model.embed_tokens",
      "output_norm": "model.norm", "output": "lm_head",
    ]
    for entry in file.entries {
      let parts = entry.name.split(separator: ".").map(String.init)
      let own = parts[parts.count - 2]
      guard let name = names[own] else { throw Missing() }
      var values = try file.tensor(entry).floats()
      if own == "attn_q" { values = halves(values, heads: heads) }
      if own == "attn_k" { values = halves(values, heads: keyValueHeads) }
      let prefix = parts[0] == "blk" ? "model.layers.\(parts[1])." : ""
      tensors["\(prefix)\(name).weight"] = (entry.shape, values)
    }
  }

  private struct Missing: Error {}

  /// Rows `2i + s` of each head become rows `s · d/2 + i`.
  private func halves(_ values: [Float], heads: Int) -> [Float] {
    guard let width = configuration["hidden_size"] as? Int else { return values }
    let size = values.count / width / heads
    return (0..<heads).flatMap { head in
      (0..<size).flatMap { row in
        let source = head * size + 2 * (row % (size / 2)) + row / (size / 2)
        return values[source * width..<(source + 1) * width]
      }
    }
  }

  /// Writes `config.json` and the weights, in one file or in shards with their index.
  func write(to directory: String, type: String = "F32", shards: Int = 1) throws {
    func write(_ data: Data, _ name: String) throws {
      try data.write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
    }
    try write(JSONSerialization.data(withJSONObject: configuration), "config.json")
    var writers = [SafetensorsWriter](repeating: SafetensorsWriter(), count: shards)
    var places: [String: String] = [:]
    for (index, name) in tensors.keys.sorted().enumerated() {
      guard let tensor = tensors[name] else { continue }
      writers[index % shards].add(name, tensor.values, shape: tensor.shape, type: type)
      places[name] = "model-\(index % shards).safetensors"
    }
    guard shards > 1 else { return try write(Data(writers[0].bytes()), "model.safetensors") }
    let index = ["metadata": ["total_size": 0], "weight_map": places] as [String: Any]
    try write(JSONSerialization.data(withJSONObject: index), "model.safetensors.index.json")
    for (index, writer) in writers.enumerated() {
      try write(Data(writer.bytes()), "model-\(index).safetensors")
    }
  }
}
