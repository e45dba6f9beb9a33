/// What a layer does with its weight; formats and estimators differ by it.
public enum LayerKind: String, Codable, Sendable, CaseIterable {
  /// `y = x Wᵀ + b`, weight `[outputs, inputs]`.
  case linear
  /// An n-dimensional convolution, weight `[outputs, inputs / groups, kernel...]`.
  case convolution
  /// A table of rows looked up by index, weight `[entries, width]`.
  case embedding
}

/// The shape of a weight as a quantizer sees it: rows that are output channels, columns that are
/// summed over.
///
/// Groups of weights that share a scale run along a row. A convolution `[o, i, h, w]` has `o` rows of
/// `i · h · w` columns.
public struct WeightShape: Hashable, Codable, Sendable {
  /// Output channels (or entries of an embedding).
  public var rows: Int
  /// Weights per output channel.
  public var columns: Int

  /// A weight of `rows` output channels with `columns` weights each.
  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  /// The number of weights.
  public var count: Int { rows * columns }
}

/// One quantizable weight of a network.
///
/// A weight that is used in several places (an embedding tied to the output head) is one layer.
public struct Layer: Hashable, Codable, Sendable {
  /// The module's name in the model's own words, such as `model.layers.0.self_attn.q_proj`.
  public var name: String
  /// The stored tensor's name, such as `model.layers.0.self_attn.q_proj.weight`.
  public var tensor: String
  /// What the layer computes.
  public var kind: LayerKind
  /// The weight's shape for quantization.
  public var shape: WeightShape

  /// A layer with the given names, kind and shape.
  public init(name: String, tensor: String, kind: LayerKind, shape: WeightShape) {
    self.name = name
    self.tensor = tensor
    self.kind = kind
    self.shape = shape
  }
}

/// A tensor that stays as it is, and why.
public struct SkippedTensor: Hashable, Codable, Sendable {
  /// The stored tensor's name.
  public var tensor: String
  /// The number of weights.
  public var count: Int
  /// Bytes that it takes in the written model.
  public var bytes: Int
  /// One clause, such as "a normalisation scale".
  public var reason: String

  /// A tensor of `count` weights taking `bytes` bytes that is left alone for `reason`.
  public init(tensor: String, count: Int, bytes: Int, reason: String) {
    self.tensor = tensor
    self.count = count
    self.bytes = bytes
    self.reason = reason
  }
}
