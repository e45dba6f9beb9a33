/// One format that a group may take, with what it would cost and how much it is predicted to hurt.
public struct Candidate: Hashable, Codable, Sendable {
  /// The format's name, such as `int4-g64`.
  public var format: String
  /// Predicted loss increase, in the table's unit, after repair (monotone in bytes, never negative).
  public var loss: Double
  /// Standard error of the mean over the calibration samples; nil when it was not measured.
  public var standardError: Double?
  /// The loss as it was measured, where repair changed it.
  public var rawLoss: Double?
  /// Bytes of the group's weights in this format.
  public var bytes: Int
  /// Multiply-accumulates times bits, per sample.
  public var bops: Double?
  /// Milliseconds, per sample.
  public var latency: Double?

  /// A candidate with its predicted loss and its costs.
  public init(
    format: String, loss: Double, standardError: Double? = nil, rawLoss: Double? = nil, bytes: Int,
    bops: Double? = nil, latency: Double? = nil
  ) {
    self.format = format
    self.loss = loss
    self.standardError = standardError
    self.rawLoss = rawLoss
    self.bytes = bytes
    self.bops = bops
    self.latency = latency
  }

  /// The candidate's cost of a kind that is a sum over groups.
  public func cost(_ kind: CostKind) -> Double? {
    switch kind {
    case .bytes, .bpw: Double(bytes)
    case .bops: bops
    case .latency: latency
    case .loss: loss
    }
  }
}

/// The candidates of one group: layers that must share a format.
public struct GroupSensitivity: Hashable, Codable, Sendable {
  /// The group's name: its first layer's.
  public var name: String
  /// Names of the layers that share the format.
  public var layers: [String]
  /// The number of weights; nil in tables that come from elsewhere.
  public var weights: Int?
  /// What may be chosen, in the order in which it was measured.
  public var candidates: [Candidate]

  /// A group of layers with its candidates.
  public init(name: String, layers: [String], weights: Int?, candidates: [Candidate]) {
    self.name = name
    self.layers = layers
    self.weights = weights
    self.candidates = candidates
  }
}

/// How much every group suffers under every format: the artefact that is measured once and planned
/// from many times.
public struct SensitivityTable: Hashable, Codable, Sendable {
  /// The format of the file.
  public static let schema = "bitbudget.table/1"

  /// Always ``schema``.
  public var schema: String
  /// The unit of every loss, such as `nats/token`.
  public var unit: String
  /// The costs that every candidate carries.
  public var costs: [String]
  /// The groups, in the model's order.
  public var groups: [GroupSensitivity]
  /// Names of groups that must take equal formats beyond their own layers.
  public var ties: [[String]]?
  /// Bytes of everything that is not quantized, which every policy pays.
  public var fixedBytes: Int?

  /// A table of `groups` whose losses are in `unit`.
  public init(
    unit: String, costs: [String] = ["bytes"], groups: [GroupSensitivity], ties: [[String]]? = nil,
    fixedBytes: Int? = nil
  ) {
    schema = SensitivityTable.schema
    self.unit = unit
    self.costs = costs
    self.groups = groups
    self.ties = ties
    self.fixedBytes = fixedBytes
  }

  /// The number of quantizable weights, when every group knows its own.
  public var weights: Int? {
    groups.reduce(0 as Int?) { sum, group in sum.flatMap { s in group.weights.map { s + $0 } } }
  }
}
