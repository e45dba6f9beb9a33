import Foundation
import Models
import TestSupport
import Testing
import Vocabulary

/// Tokenizers of real models.
enum Examples {
  /// The tokenizer of all-MiniLM-L6-v2, out of its `tokenizer.json`.
  static func minilm() throws -> TokenizerDescription {
    struct File: Decodable {
      struct Model: Decodable { var vocab: [String: Int] }
      var model: Model
    }
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("minilm/tokenizer.json")))
    let vocabulary = try JSONDecoder().decode(File.self, from: data).model.vocab
    return TokenizerDescription(
      model: .wordPiece(unknown: "[UNK]", prefix: "##", maximumWordLength: 100),
      vocabulary: vocabulary.sorted { $0.value < $1.value }.map(\.key),
      normalizer: .init(lowercase: true, stripAccents: true, separateChinese: true, cleanText: true),
      prefix: [101], suffix: [102])
  }

  /// The tokenizer of SmolLM2, out of its GGUF metadata.
  static func smollm() throws -> TokenizerDescription {
    try #require(try GGUFModel.load(try Fixtures.path("smollm2/original.gguf")).tokenizer)
  }
}
