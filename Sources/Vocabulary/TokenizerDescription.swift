/// Everything a tokenizer needs, wherever a model keeps it (`tokenizer.json`, GGUF metadata).
public struct TokenizerDescription: Sendable, Equatable {
  /// The algorithm.
  public enum Model: Sendable, Equatable {
    /// Greedy longest match first within a word; continuations carry `prefix`.
    case wordPiece(unknown: String, prefix: String, maximumWordLength: Int)
    /// Byte-level pair encoding; merges in order of rank.
    case byteLevelBPE(merges: [String], preTokenizer: PreTokenizer)
  }

  /// How byte-level BPE cuts text into words.
  public enum PreTokenizer: String, Sendable, Equatable {
    /// The pattern of GPT-2.
    case gpt2
    /// Every digit alone, then the pattern of GPT-2 (SmolLM).
    case smollm
  }

  /// How WordPiece cleans its text (BERT's normaliser).
  public struct Normalizer: Sendable, Equatable {
    /// Lower case.
    public var lowercase: Bool
    /// Accents off.
    public var stripAccents: Bool
    /// Spaces around CJK characters.
    public var separateChinese: Bool
    /// Control characters dropped, white space unified.
    public var cleanText: Bool

    /// A choice of the four steps.
    public init(lowercase: Bool, stripAccents: Bool, separateChinese: Bool, cleanText: Bool) {
      self.lowercase = lowercase
      self.stripAccents = stripAccents
      self.separateChinese = separateChinese
      self.cleanText = cleanText
    }
  }

  /// The algorithm with its data.
  public var model: Model
  /// Tokens by id.
  public var vocabulary: [String]
  /// Cleaning before WordPiece; nil leaves the text alone.
  public var normalizer: Normalizer?
  /// Ids put before every text, such as `[CLS]`.
  public var prefix: [Int]
  /// Ids put after every text, such as `[SEP]`.
  public var suffix: [Int]

  /// A tokenizer's data.
  public init(
    model: Model, vocabulary: [String], normalizer: Normalizer?, prefix: [Int], suffix: [Int]
  ) {
    self.model = model
    self.vocabulary = vocabulary
    self.normalizer = normalizer
    self.prefix = prefix
    self.suffix = suffix
  }
}
