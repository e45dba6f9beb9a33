import Models
import TestSupport
import Testing
import Vocabulary

/// Tokenizers of real models.
enum Examples {
  /// The tokenizer of all-MiniLM-L6-v2, out of its `tokenizer.json`.
  static func minilm() throws -> TokenizerDescription {
    try #require(try HuggingFaceModel.load(try Fixtures.path("minilm")).tokenizer)
  }

  /// The tokenizer of SmolLM2, out of its GGUF metadata.
  static func smollm() throws -> TokenizerDescription {
    try #require(try GGUFModel.load(try Fixtures.path("smollm2/original.gguf")).tokenizer)
  }
}
