public import Vocabulary

/// Layers that must share a format, as a study remembers them.
public struct StudyGroup: Codable, Hashable, Sendable {
  /// The group's name: its first layer's.
  public var name: String
  /// Names of the layers that share the format.
  public var layers: [String]
  /// The number of weights.
  public var weights: Int

  /// A group of layers.
  public init(name: String, layers: [String], weights: Int) {
    self.name = name
    self.layers = layers
    self.weights = weights
  }
}

/// What a study is about: everything that `plan` and `frontier` must know of the model, so that they
/// never open it.
public struct StudyHeader: Codable, Hashable, Sendable {
  /// The model.
  public var model: Policy.Model
  /// The tool and its version.
  public var tool: String
  /// Versions of the libraries that compute the scores.
  public var libraries: [String: String]
  /// Every quantizable layer, in the model's order.
  public var layers: [Layer]
  /// The groups, in the order in which scores and candidates count them.
  public var groups: [StudyGroup]
  /// The tensors that stay as they are.
  public var skipped: [SkippedTensor]
  /// Bytes of everything that is not quantized.
  public var fixedBytes: Int
  /// When the study began, as the caller writes it (ISO 8601).
  public var created: String

  /// A study's subject.
  public init(
    model: Policy.Model, tool: String, libraries: [String: String], layers: [Layer],
    groups: [StudyGroup], skipped: [SkippedTensor], fixedBytes: Int, created: String
  ) {
    self.model = model
    self.tool = tool
    self.libraries = libraries
    self.layers = layers
    self.groups = groups
    self.skipped = skipped
    self.fixedBytes = fixedBytes
    self.created = created
  }
}
