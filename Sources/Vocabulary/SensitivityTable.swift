/// One format that a group may take, with what it would cost and how much it is predicted to hurt.
public struct Candidate: Hashable, Codable, Sendable {
  /// The format's name, such as `int4-g64`.
  public var format: String
  /// The format of what goes into the layer, such as `int8-tensor`; nil leaves it alone.
  public var activation: String?
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
  /// Bytes in memory while the model runs.
  public var resident: Double?
  /// Millijoules, per sample.
  public var energy: Double?
  /// Bits of the group's codes alone: weights times nominal width.
  public var codeBits: Double?

  /// A candidate with its predicted loss and its costs.
  public init(
    format: String, activation: String? = nil, loss: Double, standardError: Double? = nil,
    rawLoss: Double? = nil, bytes: Int,
    bops: Double? = nil, latency: Double? = nil, resident: Double? = nil, energy: Double? = nil,
    codeBits: Double? = nil
  ) {
    self.format = format
    self.activation = activation
    self.loss = loss
    self.standardError = standardError
    self.rawLoss = rawLoss
    self.bytes = bytes
    self.bops = bops
    self.latency = latency
    self.resident = resident
    self.energy = energy
    self.codeBits = codeBits
  }

  /// What tells it from the group's other candidates: `int4-g64`, or `int8-channel/int8-tensor` where
  /// the activation has a format too.
  public var name: String { activation.map { "\(format)/\($0)" } ?? format }

  /// Whether a pin or an exclusion means it: by its name, or by its weight's format alone.
  public func answers(to name: String) -> Bool { name == format || name == self.name }

  /// The candidate's cost of a kind that is a sum over groups.
  public func cost(_ kind: CostKind) -> Double? {
    switch kind {
    case .bytes, .bpw: Double(bytes)
    case .bops: bops
    case .latency: latency
    case .resident: resident
    case .energy: energy
    case .bits: codeBits
    case .loss: loss
    case .changes: nil
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
  /// Groups that one kernel can compute together.
  public var fusions: [Fusion]?
  /// Bytes of everything that is not quantized, which every policy pays.
  public var fixedBytes: Int?
  /// What every policy pays beyond its groups, by the name of the cost.
  ///
  /// Milliseconds outside the layers, keys and values in memory. Bytes of the written model are
  /// ``fixedBytes``.
  public var fixedCosts: [String: Double]?

  /// A table of `groups` whose losses are in `unit`.
  public init(
    unit: String, costs: [String] = ["bytes"], groups: [GroupSensitivity], ties: [[String]]? = nil,
    fusions: [Fusion]? = nil, fixedBytes: Int? = nil
  ) {
    schema = SensitivityTable.schema
    self.unit = unit
    self.costs = costs
    self.groups = groups
    self.ties = ties
    self.fusions = fusions
    self.fixedBytes = fixedBytes
  }

  /// What every policy pays beyond its groups.
  public func fixedCost(_ kind: CostKind) -> Double {
    kind == .bytes ? Double(fixedBytes ?? 0) : fixedCosts?[kind.rawValue] ?? 0
  }

  /// The number of quantizable weights, when every group knows its own.
  public var weights: Int? {
    groups.reduce(0 as Int?) { sum, group in sum.flatMap { s in group.weights.map { s + $0 } } }
  }
}
