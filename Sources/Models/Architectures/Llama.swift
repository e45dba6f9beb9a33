import Tensors
import Vocabulary

/// The Llama network.
///
/// Pre-norm decoder blocks with rotary positions, grouped-query attention and a gated feed-forward
/// part. GGUF and Hugging Face store it under other names and with other rotary pairs.
///
/// Source: Touvron et al., "LLaMA", 2023; Ainslie et al., "GQA", 2023.
struct Llama {
  /// What the parts are called.
  struct Names {
    /// The token table.
    var embedding: String
    /// Block number to the beginning of its parts' names.
    var block: @Sendable (Int) -> String
    /// Norm before attention.
    var attentionNorm: String
    /// Query projection.
    var query: String
    /// Key projection.
    var key: String
    /// Value projection.
    var value: String
    /// Output projection of the attention.
    var attentionOutput: String
    /// Norm before the feed-forward part.
    var feedForwardNorm: String
    /// Gate projection.
    var gate: String
    /// Projection that is gated.
    var up: String
    /// Projection back.
    var down: String
    /// The last norm.
    var norm: String
    /// Projection onto the vocabulary.
    var head: String
  }

  /// Number of blocks.
  var blocks: Int
  /// Width of the residual stream.
  var width: Int
  /// Query heads.
  var heads: Int
  /// Heads of keys and values.
  var keyValueHeads: Int
  /// Width of a head.
  var headWidth: Int
  /// Width of the feed-forward part.
  var innerWidth: Int
  /// Added to the mean square in the norms.
  var epsilon: Double
  /// Base of the rotary frequencies.
  var rotaryBase: Double
  /// Which elements turn together.
  var pairing: RotaryEmbedding.Pairing
  /// Whether the head uses the token table.
  var tied: Bool
  /// What the parts are called.
  var names: Names

  /// Adds the network to an assembler.
  ///
  /// - Returns: The logits `[samples, positions, vocabulary]`.
  /// - Throws: `UserError` when sizes contradict each other or the stored tensors.
  func assemble(into network: inout Assembler) throws -> ValueID {
    try check()
    let vocabulary = try network.rows(of: "\(names.embedding).weight")
    let ids = network.builder.input("input_ids", shape: [nil, nil], dtype: .int64)
    var x = try network.embedding(names.embedding, ids, entries: vocabulary, width: width)
    for index in 0..<blocks {
      let prefix = names.block(index)
      let attended = try attention(prefix, x, &network)
      x = network.builder.node("\(prefix).attention_residual", Binary.add, x, attended)
      let fed = try feedForward(prefix, x, &network)
      x = network.builder.node("\(prefix).feed_forward_residual", Binary.add, x, fed)
    }
    x = try network.rmsNorm(names.norm, x, width: width, epsilon: epsilon)
    return try network.linear(
      names.head, x, inputs: width, outputs: vocabulary,
      parameters: tied ? names.embedding : nil)
  }

  private func attention(_ prefix: String, _ x: ValueID, _ network: inout Assembler) throws
    -> ValueID
  {
    let x = try network.rmsNorm(
      "\(prefix).\(names.attentionNorm)", x, width: width, epsilon: epsilon)
    let rotary = RotaryEmbedding(base: rotaryBase, pairing: pairing)
    func project(_ part: String, heads: Int, rotated: Bool) throws -> ValueID {
      let name = "\(prefix).\(part)"
      let flat = try network.linear(name, x, inputs: width, outputs: heads * headWidth)
      let split = network.builder.node("\(name).heads", SplitHeads(heads: heads), flat)
      return rotated ? network.builder.node("\(name).rotary", rotary, split) : split
    }
    let q = try project(names.query, heads: heads, rotated: true)
    let k = try project(names.key, heads: keyValueHeads, rotated: true)
    let v = try project(names.value, heads: keyValueHeads, rotated: false)
    let scale = 1 / Double(headWidth).squareRoot()
    let mixed = network.builder.node(
      "\(prefix).attention", Attention(scale: scale, causal: true), q, k, v)
    let merged = network.builder.node("\(prefix).attention.merged", MergeHeads(), mixed)
    return try network.linear(
      "\(prefix).\(names.attentionOutput)", merged, inputs: heads * headWidth, outputs: width)
  }

  private func feedForward(_ prefix: String, _ x: ValueID, _ network: inout Assembler) throws
    -> ValueID
  {
    let x = try network.rmsNorm(
      "\(prefix).\(names.feedForwardNorm)", x, width: width, epsilon: epsilon)
    let gate = try network.linear(
      "\(prefix).\(names.gate)", x, inputs: width, outputs: innerWidth)
    let up = try network.linear("\(prefix).\(names.up)", x, inputs: width, outputs: innerWidth)
    let open = network.builder.node("\(prefix).\(names.gate).silu", Unary.silu, gate)
    let gated = network.builder.node("\(prefix).gated", Binary.multiply, open, up)
    return try network.linear(
      "\(prefix).\(names.down)", gated, inputs: innerWidth, outputs: width)
  }

  private func check() throws {
    for (value, name) in [
      (blocks, "number of blocks"), (width, "width"), (heads, "number of heads"),
      (keyValueHeads, "number of key-value heads"), (headWidth, "width of a head"),
      (innerWidth, "width of the feed-forward part"),
    ] { _ = try checkedSize(value, name) }
    guard heads % keyValueHeads == 0 else {
      throw UserError(
        .failed, "the model's \(heads) heads cannot share \(keyValueHeads) key-value heads evenly")
    }
    guard headWidth % 2 == 0 else {
      throw UserError(.failed, "the model's heads have the odd width \(headWidth)")
    }
    guard epsilon.isFinite, epsilon >= 0, rotaryBase.isFinite, rotaryBase > 0 else {
      throw UserError(
        .failed,
        "the model's configuration has an impossible norm epsilon (\(epsilon)) or rotary base "
          + "(\(rotaryBase))")
    }
  }
}
