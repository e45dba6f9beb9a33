import Vocabulary

extension HuggingFaceDirectory {
  /// The tokenizer in `tokenizer.json`; nil where there is none or its kind is not supported.
  func tokenizer() -> TokenizerDescription? {
    guard has("tokenizer.json"), let file = try? json("tokenizer.json", as: TokenizerJSON.self)
    else { return nil }
    return file.description
  }
}

/// The parts of `tokenizer.json` that decide ids, in its own words.
private struct TokenizerJSON: Decodable {
  struct Model: Decodable {
    var type: String?
    var vocab: [String: Int]
    var merges: Merges?
    var unk_token: String?
    var continuing_subword_prefix: String?
    var max_input_chars_per_word: Int?
    var ignore_merges: Bool?
  }

  /// `"a b"` each, or `["a", "b"]` in newer files.
  struct Merges: Decodable {
    var lines: [String]
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      lines =
        try (try? container.decode([String].self))
        ?? container.decode([[String]].self).map { $0.joined(separator: " ") }
    }
  }

  struct Normalizer: Decodable {
    var type: String
    var clean_text: Bool?
    var handle_chinese_chars: Bool?
    var strip_accents: Bool?
    var lowercase: Bool?
  }

  struct PreTokenizer: Decodable {
    var type: String
    var pretokenizers: [PreTokenizer]?
    var individual_digits: Bool?
    var add_prefix_space: Bool?
    var use_regex: Bool?
  }

  struct PostProcessor: Decodable {
    struct Piece: Decodable {
      struct Reference: Decodable { var id: String }
      var SpecialToken: Reference?
      var Sequence: Reference?
    }
    struct Special: Decodable { var ids: [Int] }
    var type: String
    var single: [Piece]?
    var special_tokens: [String: Special]?
  }

  struct Added: Decodable {
    var id: Int
    var content: String
  }

  var model: Model
  var normalizer: Normalizer?
  var pre_tokenizer: PreTokenizer?
  var post_processor: PostProcessor?
  var added_tokens: [Added]?
}

extension TokenizerJSON {
  /// The tokenizer, if all of its parts are of supported kinds.
  var description: TokenizerDescription? {
    guard let vocabulary, let (prefix, suffix) = additions else { return nil }
    switch model.type {
    case "WordPiece":
      guard let unknown = model.unk_token, pre_tokenizer?.type == "BertPreTokenizer",
        normalizer.map({ $0.type == "BertNormalizer" }) ?? true
      else { return nil }
      return TokenizerDescription(
        model: .wordPiece(
          unknown: unknown, prefix: model.continuing_subword_prefix ?? "##",
          maximumWordLength: model.max_input_chars_per_word ?? 100),
        vocabulary: vocabulary, normalizer: cleaning, prefix: prefix, suffix: suffix)
    case "BPE":
      guard normalizer == nil, !(model.ignore_merges ?? false), let merges = model.merges,
        let preTokenizer = pre_tokenizer?.byteLevel
      else { return nil }
      return TokenizerDescription(
        model: .byteLevelBPE(merges: merges.lines, preTokenizer: preTokenizer),
        vocabulary: vocabulary, normalizer: nil, prefix: prefix, suffix: suffix)
    default: return nil
    }
  }

  /// Tokens by id, added ones included; nil where ids have gaps.
  private var vocabulary: [String]? {
    var tokens = Dictionary(model.vocab.map { ($0.value, $0.key) }) { first, _ in first }
    for token in added_tokens ?? [] { tokens[token.id] = token.content }
    let ordered = (0..<tokens.count).compactMap { tokens[$0] }
    return ordered.count == tokens.count ? ordered : nil
  }

  private var cleaning: TokenizerDescription.Normalizer? {
    normalizer.map {
      let lowercase = $0.lowercase ?? true
      return TokenizerDescription.Normalizer(
        lowercase: lowercase,
        // BERT's own rule: what is put into lower case loses its accents unless told otherwise.
        stripAccents: $0.strip_accents ?? lowercase,
        separateChinese: $0.handle_chinese_chars ?? true, cleanText: $0.clean_text ?? true)
    }
  }

  /// Ids put before and after every text; nil for a post-processor that is not supported.
  private var additions: ([Int], [Int])? {
    guard let post_processor, post_processor.type != "ByteLevel" else { return ([], []) }
    guard post_processor.type == "TemplateProcessing", let pieces = post_processor.single,
      let place = pieces.firstIndex(where: { $0.Sequence != nil })
    else { return nil }
    func ids(_ pieces: ArraySlice<PostProcessor.Piece>) -> [Int]? {
      let found = pieces.map { piece in
        piece.SpecialToken.flatMap { post_processor.special_tokens?[$0.id]?.ids }
      }
      return found.contains { $0 == nil } ? nil : found.flatMap { $0 ?? [] }
    }
    guard let prefix = ids(pieces[..<place]), let suffix = ids(pieces[(place + 1)...]) else {
      return nil
    }
    return (prefix, suffix)
  }
}

extension TokenizerJSON.PreTokenizer {
  /// The way of cutting text, if it is byte-level and of a known kind.
  var byteLevel: TokenizerDescription.PreTokenizer? {
    switch type {
    case "ByteLevel":
      return !(add_prefix_space ?? true) && (use_regex ?? true) ? .gpt2 : nil
    case "Sequence":
      guard let parts = pretokenizers, parts.count == 2, parts[0].type == "Digits",
        parts[0].individual_digits ?? false, parts[1].byteLevel == .gpt2
      else { return nil }
      return .smollm
    default: return nil
    }
  }
}
