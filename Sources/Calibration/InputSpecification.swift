public import Tensors
public import Vocabulary

/// What a model wants to be fed with.
public struct InputSpecification: Sendable {
  /// One named input.
  public struct Input: Sendable {
    /// The name that data is matched to.
    public var name: String
    /// Sizes of the axes where fixed; the first one counts samples.
    ///
    /// Empty when nothing is known.
    public var shape: [Int?]
    /// The element type; data is converted to it.
    public var dtype: DType

    /// An input by name, shape and element type.
    public init(name: String, shape: [Int?], dtype: DType) {
      self.name = name
      self.shape = shape
      self.dtype = dtype
    }
  }

  /// How text becomes samples.
  public enum TextMode: Sendable, Equatable {
    /// The whole text in pieces of equal length: for models that go on with a text.
    case stream
    /// Every line (or record) for itself, as long as it is: for encoders.
    case lines
  }

  /// What is fed in.
  public var inputs: [Input]
  /// The model's own tokenizer, where there is one.
  public var tokenizer: TokenizerDescription?
  /// The longest sequence that the model takes, where it has positions.
  public var maximumLength: Int?
  /// How text becomes samples.
  public var textMode: TextMode

  /// A model's inputs, and what it needs for text.
  public init(
    inputs: [Input], tokenizer: TokenizerDescription? = nil, maximumLength: Int? = nil,
    textMode: TextMode = .stream
  ) {
    self.inputs = inputs
    self.tokenizer = tokenizer
    self.maximumLength = maximumLength
    self.textMode = textMode
  }
}
