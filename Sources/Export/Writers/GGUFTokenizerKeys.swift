import Foundation
import Vocabulary

/// A Hugging Face directory's tokenizer as keys of a GGUF file.
///
/// Byte-level BPE with the patterns of GPT-2 or SmolLM; a directory without a tokenizer gives a file
/// without one, which llama.cpp loads for work on token ids.
struct GGUFTokenizerKeys {
  /// The directory.
  var directory: String
  /// The number of the model's tokens, which may be more than the tokenizer's.
  var vocabulary: Int

  private struct File: Decodable {
    struct Model: Decodable {
      var type: String?
      var vocab: [String: Int]
      var merges: Merges
      var byte_fallback: Bool?
    }
    /// `"a b"` each, or `["a", "b"]`.
    struct Merges: Decodable {
      var lines: [String]
      init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        lines =
          try (try? container.decode([String].self))
          ?? container.decode([[String]].self).map { $0.joined(separator: " ") }
      }
    }
    struct PreTokenizer: Decodable {
      var type: String
      var pretokenizers: [PreTokenizer]?
      var individual_digits: Bool?
      var add_prefix_space: Bool?
      var use_regex: Bool?
    }
    struct Added: Decodable {
      var id: Int
      var content: String
      var special: Bool?
    }
    struct PostProcessor: Decodable {
      struct Piece: Decodable {
        struct Reference: Decodable { var id: String }
        var SpecialToken: Reference?
      }
      var single: [Piece]?
    }
    var model: Model
    var normalizer: Anything?
    var pre_tokenizer: PreTokenizer?
    var post_processor: PostProcessor?
    var added_tokens: [Added]?
  }

  /// Something that is there.
  private struct Anything: Decodable {}

  /// Sets the keys.
  ///
  /// - Throws: `UserError` when the tokenizer is of another kind.
  func add(to keys: inout GGUFKeys) throws {
    let manager = FileManager.default
    guard let data = manager.contents(atPath: "\(directory)/tokenizer.json") else {
      if manager.fileExists(atPath: "\(directory)/tokenizer.model") { throw unsupported }
      keys.set("tokenizer.ggml.model", "no_vocab")
      return
    }
    guard let file = try? JSONDecoder().decode(File.self, from: data), file.model.type == "BPE",
      !(file.model.byte_fallback ?? false), file.normalizer == nil,
      let pattern = file.pre_tokenizer.flatMap(pattern)
    else { throw unsupported }
    var tokens = Dictionary(file.model.vocab.map { ($0.value, $0.key) }) { first, _ in first }
    var kinds: [Int: Int32] = [:]
    for token in file.added_tokens ?? [] {
      tokens[token.id] = token.content
      kinds[token.id] = token.special ?? false ? 3 : 4  // control, or the user's own
    }
    guard tokens.keys.allSatisfy({ (0..<vocabulary).contains($0) }) else { throw unsupported }
    keys.set("tokenizer.ggml.model", "gpt2")
    keys.set("tokenizer.ggml.pre", pattern)
    keys.set("tokenizer.ggml.tokens", (0..<vocabulary).map { tokens[$0] ?? "[PAD\($0)]" })
    let types = (0..<vocabulary).map { kinds[$0] ?? (tokens[$0] == nil ? 5 : 1) }  // unused, normal
    keys.set("tokenizer.ggml.token_type", types)
    keys.set("tokenizer.ggml.merges", file.model.merges.lines)
    addSpecialTokens(file, tokens, to: &keys)
  }

  private func addSpecialTokens(_ file: File, _ tokens: [Int: String], to keys: inout GGUFKeys) {
    let settings = object("tokenizer_config.json")
    let ids = Dictionary(tokens.map { ($0.value, $0.key) }, uniquingKeysWith: min)
    var found: [String: Int] = [:]
    for (role, key) in [
      ("bos", "bos_token_id"), ("eos", "eos_token_id"), ("unk", "unknown_token_id"),
      ("pad", "padding_token_id"),
    ] {
      let entry = settings["\(role)_token"]
      let text = entry as? String ?? (entry as? [String: Any])?["content"] as? String
      let stated = object("config.json")["\(role)_token_id"]
      let id = text.flatMap { ids[$0] } ?? stated as? Int ?? (stated as? [Int])?.first
      guard let id, (0..<vocabulary).contains(id) else { continue }
      found[role] = id
      keys.set("tokenizer.ggml.\(key)", UInt32(id))
    }
    let pieces = file.post_processor?.single ?? []
    func isAdded(_ role: String, _ piece: File.PostProcessor.Piece?) -> Bool {
      if let stated = settings["add_\(role)_token"] as? Bool { return stated }
      return piece?.SpecialToken.flatMap { ids[$0.id] } == found[role] && found[role] != nil
    }
    keys.set("tokenizer.ggml.add_bos_token", isAdded("bos", pieces.first))
    keys.set("tokenizer.ggml.add_eos_token", isAdded("eos", pieces.last))
    keys.set("tokenizer.ggml.add_space_prefix", false)
    let template =
      settings["chat_template"] as? String
      ?? FileManager.default.contents(atPath: "\(directory)/chat_template.jinja")
      .map { String(decoding: $0, as: UTF8.self) }
    if let template { keys.set("tokenizer.chat_template", template) }
  }

  /// What llama.cpp calls the way of cutting text; nil where it is not one of those that are known here.
  private func pattern(_ cutter: File.PreTokenizer) -> String? {
    switch cutter.type {
    case "ByteLevel":
      return !(cutter.add_prefix_space ?? true) && (cutter.use_regex ?? true) ? "gpt-2" : nil
    case "Sequence":
      guard let parts = cutter.pretokenizers, parts.count == 2, parts[0].type == "Digits",
        parts[0].individual_digits ?? false, pattern(parts[1]) == "gpt-2"
      else { return nil }
      return "smollm"
    default: return nil
    }
  }

  private func object(_ name: String) -> [String: Any] {
    let data = FileManager.default.contents(atPath: "\(directory)/\(name)") ?? Data()
    return (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:]
  }

  private var unsupported: UserError {
    UserError(
      .failed,
      "the tokenizer of '\(directory)' is not one that can be written here (byte-level BPE as GPT-2 or "
        + "SmolLM cut text); convert the model with llama.cpp's own script and start from that GGUF file"
    )
  }
}
