import Vocabulary

extension GGUFFile {
  /// The tokenizer in the metadata; nil where there is none or its kind is not supported.
  ///
  /// - Throws: `FileError` when the metadata has values of the wrong type.
  func tokenizer() throws -> TokenizerDescription? {
    guard try string("tokenizer.ggml.model") == "gpt2",
      let vocabulary = try strings("tokenizer.ggml.tokens"),
      let merges = try strings("tokenizer.ggml.merges")
    else { return nil }
    let preTokenizer: TokenizerDescription.PreTokenizer
    switch try string("tokenizer.ggml.pre") ?? "default" {
    case "gpt-2", "default": preTokenizer = .gpt2
    case "smollm": preTokenizer = .smollm
    default: return nil
    }
    func added(_ flag: String, _ id: String) throws -> [Int] {
      guard try bool("tokenizer.ggml.\(flag)") ?? false,
        let id = try integer("tokenizer.ggml.\(id)"), vocabulary.indices.contains(id)
      else { return [] }
      return [id]
    }
    return TokenizerDescription(
      model: .byteLevelBPE(merges: merges, preTokenizer: preTokenizer), vocabulary: vocabulary,
      normalizer: nil, prefix: try added("add_bos_token", "bos_token_id"),
      suffix: try added("add_eos_token", "eos_token_id"))
  }
}
