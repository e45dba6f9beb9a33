/// The trade-off curve between size and loss, or the surface between the loss and several costs.
///
/// - Invariant: where the axes are bytes and loss, bytes strictly rise and losses strictly fall along
///   ``points``; with other axes no point dominates another, and they are in the order of their values.
public struct Frontier: Codable, Hashable, Sendable {
  /// The format of the file.
  public static let schema = "bitbudget.frontier/1"

  /// Which curve this is; they are not the same thing.
  public enum Kind: String, Codable, Sendable {
    /// The lower convex hull: what a Lagrangian can reach.
    case hull
    /// Every non-dominated policy of the additive model.
    case exact
    /// Policies that were evaluated on data.
    case measured
  }

  /// One policy on the curve.
  public struct Point: Codable, Hashable, Sendable {
    /// Bytes of the whole model.
    public var bytes: Int
    /// Bits per weight of the quantizable layers.
    public var bpw: Double
    /// Milliseconds, where known.
    public var latency: Double?
    /// Predicted loss; in a curve of kind ``Kind/measured``, the measured one.
    public var loss: Double
    /// Held-out loss, where measured.
    public var measured: Double?
    /// Lower end of the measured loss's 95 % interval.
    public var low: Double?
    /// Upper end of the measured loss's 95 % interval.
    public var high: Double?
    /// Whether another measured policy, uniform ones among them, is no larger and loses less, or is
    /// smaller and loses no more; nil where it was not measured.
    public var dominated: Bool?
    /// Costs that are axes and have no field of their own, by their names.
    public var costs: [String: Double]?
    /// Candidate index per group.
    public var choices: [Int]

    /// Where the point is on an axis; nil where that is not known.
    public func value(on axis: String) -> Double? {
      switch axis {
      case "bytes": Double(bytes)
      case "bpw": bpw
      case "latency": latency
      case "loss": loss
      default: costs?[axis]
      }
    }

    /// A policy on the curve.
    public init(
      bytes: Int, bpw: Double, latency: Double? = nil, loss: Double, measured: Double? = nil,
      low: Double? = nil, high: Double? = nil, dominated: Bool? = nil, choices: [Int]
    ) {
      self.bytes = bytes
      self.bpw = bpw
      self.latency = latency
      self.loss = loss
      self.measured = measured
      self.low = low
      self.high = high
      self.dominated = dominated
      self.choices = choices
    }
  }

  /// A uniform policy to compare with.
  public struct Baseline: Codable, Hashable, Sendable {
    /// Such as `uniform int4-g64`.
    public var name: String
    /// Bytes of the whole model.
    public var bytes: Int
    /// Bits per weight of the quantizable layers.
    public var bpw: Double
    /// Predicted loss.
    public var loss: Double
    /// Held-out loss, where measured.
    public var measured: Double?
    /// Lower end of the measured loss's 95 % interval.
    public var low: Double?
    /// Upper end of the measured loss's 95 % interval.
    public var high: Double?
    /// Costs that are axes and have no field of their own, by their names.
    public var costs: [String: Double]?

    /// Where the policy is on an axis; nil where that is not known.
    public func value(on axis: String) -> Double? {
      switch axis {
      case "bytes": Double(bytes)
      case "bpw": bpw
      case "loss": loss
      default: costs?[axis]
      }
    }

    /// A named policy off the curve.
    public init(
      name: String, bytes: Int, bpw: Double, loss: Double, measured: Double? = nil,
      low: Double? = nil, high: Double? = nil, costs: [String: Double]? = nil
    ) {
      self.costs = costs
      self.name = name
      self.bytes = bytes
      self.bpw = bpw
      self.loss = loss
      self.measured = measured
      self.low = low
      self.high = high
    }
  }

  /// How far the prediction's order is that of the measurement.
  public struct Agreement: Codable, Hashable, Sendable {
    /// The number of measured points.
    public var count: Int
    /// Spearman's ρ of predicted against measured over the points; nil where nothing can be said.
    public var spearman: Double?
    /// Kendall's τ-b of the same.
    public var kendall: Double?
    /// Spearman's ρ over the points and the measured baselines together.
    public var spearmanWithBaselines: Double?
    /// The number of measured points that another measured policy dominates.
    public var dominated: Int

    /// Rank correlations, and how many points turned out to be dominated.
    public init(
      count: Int, spearman: Double?, kendall: Double?, spearmanWithBaselines: Double?,
      dominated: Int
    ) {
      self.count = count
      self.spearman = spearman
      self.kendall = kendall
      self.spearmanWithBaselines = spearmanWithBaselines
      self.dominated = dominated
    }
  }

  /// Always ``schema``.
  public var schema: String
  /// The model's name, for titles.
  public var model: String
  /// What the points trade, each better when smaller: the loss and one or more costs.
  public var axes: [String]
  /// The loss's unit.
  public var unit: String
  /// Which curve.
  public var kind: Kind
  /// Group names, in the order of the points' choices.
  public var groups: [String]
  /// Format names per group, in the order of the choices' indices.
  public var formats: [[String]]
  /// The curve, smallest first.
  public var points: [Point]
  /// Uniform policies to compare with.
  public var baselines: [Baseline]
  /// Index of the knee in ``points``.
  public var knee: Int?
  /// The reference point of the hypervolume: bytes and loss.
  public var reference: [Double]
  /// Area dominated by the curve within the reference point.
  public var hypervolume: Double
  /// Predicted against measured, where points were measured.
  public var agreement: Agreement?

  /// A curve with its baselines and its summary figures.
  public init(
    model: String, axes: [String] = ["bytes", "loss"], unit: String, kind: Kind, groups: [String],
    formats: [[String]], points: [Point], baselines: [Baseline], knee: Int?, reference: [Double],
    hypervolume: Double, agreement: Agreement? = nil
  ) {
    schema = Frontier.schema
    self.model = model
    self.axes = axes
    self.unit = unit
    self.kind = kind
    self.groups = groups
    self.formats = formats
    self.points = points
    self.baselines = baselines
    self.knee = knee
    self.reference = reference
    self.hypervolume = hypervolume
    self.agreement = agreement
  }
}
