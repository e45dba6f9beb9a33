public import Vocabulary

/// What one layer computes in one run of its network.
public struct LayerGeometry: Codable, Hashable, Sendable {
  /// The layer's name.
  public var name: String
  /// One entry for every use of the weight.
  public var uses: [LayerWork]
  /// Whether nothing negative went in: codes of such a range need no zero point.
  public var isNonNegative: Bool

  /// A layer with its uses.
  public init(name: String, uses: [LayerWork], isNonNegative: Bool = false) {
    self.name = name
    self.uses = uses
    self.isNonNegative = isNonNegative
  }

  /// Multiply-accumulates of all uses.
  public var macs: Double { uses.reduce(0) { $0 + $1.macs } }
}

/// The sizes of everything that a network computes in one run, recorded from one.
///
/// Costs are told per sample: those of the run over ``samples``.
public struct ModelGeometry: Codable, Hashable, Sendable {
  /// The format of the file.
  public static let schema = "bitbudget.geometry/1"

  /// The keys and values that a language model remembers.
  public struct Cache: Codable, Hashable, Sendable {
    /// Numbers per position and sequence: keys and values of all layers.
    public var elementsPerToken: Int
    /// Positions of a sequence in the recorded run.
    public var tokens: Int

    /// A cache of so many numbers a position.
    public init(elementsPerToken: Int, tokens: Int) {
      self.elementsPerToken = elementsPerToken
      self.tokens = tokens
    }
  }

  /// Always ``schema``.
  public var schema: String
  /// The model.
  public var model: Policy.Model
  /// Samples of the recorded run.
  public var samples: Int
  /// The inputs' shapes, by name.
  public var inputs: [String: [Int]]
  /// The quantizable layers, in the model's order.
  public var layers: [LayerGeometry]
  /// Sets of layers that multiply one and the same input, in the model's order: a kernel could compute
  /// each set at once.
  public var sharedInputs: [[String]]
  /// The most bytes of activations that were alive at one time, all of them singles.
  public var workspace: Int
  /// What a language model remembers; nil for other networks.
  public var cache: Cache?

  /// A recorded run.
  public init(
    model: Policy.Model, samples: Int, inputs: [String: [Int]], layers: [LayerGeometry],
    sharedInputs: [[String]] = [], workspace: Int, cache: Cache? = nil
  ) {
    schema = Self.schema
    self.model = model
    self.samples = samples
    self.inputs = inputs
    self.layers = layers
    self.sharedInputs = sharedInputs
    self.workspace = workspace
    self.cache = cache
  }

  /// Multiply-accumulates of the quantizable layers, per sample.
  public var macs: Double {
    layers.reduce(0) { $0 + $1.macs } / Double(max(1, samples))
  }
}
