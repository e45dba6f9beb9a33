public import Vocabulary

/// Turns text into the ids that a model was trained on.
public protocol Tokenizer: Sendable {
  /// The ids of `text`, with the tokenizer's prefix and suffix around them.
  ///
  /// Text that looks like a special token is plain text.
  /// - Complexity: O(`text.utf8.count`) but for single words of unusual length.
  func encode(_ text: String) -> [Int]
}

/// The tokenizer that a model's own data describe.
///
/// - Throws: `UserError` when the data contradict themselves.
public func makeTokenizer(_ description: TokenizerDescription) throws -> any Tokenizer {
  switch description.model {
  case .wordPiece(let unknown, let prefix, let maximumWordLength):
    try WordPieceTokenizer(
      description, unknown: unknown, continuation: prefix, maximumWordLength: maximumWordLength)
  case .byteLevelBPE(let merges, let preTokenizer):
    try BytePairTokenizer(description, merges: merges, preTokenizer: preTokenizer)
  }
}
