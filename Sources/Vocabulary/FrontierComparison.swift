/// What changes between two neighbours on a curve, and what the bytes between them buy.
public struct FrontierStep: Codable, Hashable, Sendable {
  /// One group that takes another format.
  public struct Change: Codable, Hashable, Sendable {
    /// The group's name.
    public var group: String
    /// Its format at the smaller point.
    public var from: String
    /// Its format at the larger point.
    public var to: String

    /// `group` goes from one format to another.
    public init(group: String, from: String, to: String) {
      self.group = group
      self.from = from
      self.to = to
    }
  }

  /// Index of the smaller point.
  public var point: Int
  /// Bytes of the smaller point.
  public var bytes: Int
  /// Bits per weight of the smaller point.
  public var bpw: Double
  /// Bytes that the step costs.
  public var extraBytes: Int
  /// Loss that the step saves.
  public var saved: Double
  /// Loss saved for each 10⁶ bytes.
  public var savedPerMegabyte: Double
  /// The groups that change, in the frontier's order.
  public var changes: [Change]

  /// A step from one point to the next.
  public init(
    point: Int, bytes: Int, bpw: Double, extraBytes: Int, saved: Double, changes: [Change]
  ) {
    self.point = point
    self.bytes = bytes
    self.bpw = bpw
    self.extraBytes = extraBytes
    self.saved = saved
    savedPerMegabyte = saved / (Double(extraBytes) / 1e6)
    self.changes = changes
  }
}

/// Two curves of one model side by side.
public struct FrontierDifference: Codable, Hashable, Sendable {
  /// The losses at one size: of the largest policy of each curve that fits it.
  public struct Row: Codable, Hashable, Sendable {
    /// The size.
    public var bytes: Int
    /// The first curve's loss.
    public var first: Double
    /// The second curve's loss.
    public var second: Double
    /// The second's less the first's: above zero where the first is better.
    public var difference: Double
    /// Whether the two 95 % intervals overlap; nil where there are none.
    public var overlaps: Bool?

    /// Two losses at one size.
    public init(bytes: Int, first: Double, second: Double, overlaps: Bool? = nil) {
      self.bytes = bytes
      self.first = first
      self.second = second
      difference = second - first
      self.overlaps = overlaps
    }
  }

  /// The model's name.
  public var model: String
  /// The losses' unit.
  public var unit: String
  /// Whether the losses are measured ones.
  public var measured: Bool
  /// Every size at which a curve changes and both have a policy, rising.
  public var rows: [Row]
  /// The number of rows at which the first is better.
  public var firstBetter: Int
  /// The number of rows at which the second is better.
  public var secondBetter: Int
  /// The reference point of both hypervolumes.
  public var reference: [Double]
  /// Area that the first dominates within the reference.
  public var firstHypervolume: Double
  /// Area that the second dominates within the reference.
  public var secondHypervolume: Double
  /// The second's hypervolume less the first's: above zero where the second is better.
  public var hypervolumeDifference: Double
  /// A policy to which the two curves give different losses; nil when there is none.
  ///
  /// They are of different measurements then, and the rows compare nothing.
  public var disagreement: String?

  /// Two curves at their common sizes.
  public init(
    model: String, unit: String, measured: Bool, rows: [Row], reference: [Double],
    firstHypervolume: Double, secondHypervolume: Double, disagreement: String?
  ) {
    self.model = model
    self.unit = unit
    self.measured = measured
    self.rows = rows
    firstBetter = rows.count { $0.difference > 0 }
    secondBetter = rows.count { $0.difference < 0 }
    self.reference = reference
    self.firstHypervolume = firstHypervolume
    self.secondHypervolume = secondHypervolume
    hypervolumeDifference = secondHypervolume - firstHypervolume
    self.disagreement = disagreement
  }
}
