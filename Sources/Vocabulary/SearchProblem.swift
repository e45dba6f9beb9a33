/// A space of discrete choices, of which whole points are evaluated for real.
///
/// A point is one choice index per knob. Costs that are known beforehand (bytes, milliseconds from a
/// table) are sums over the knobs; what only an evaluation tells is measured.
public struct SearchProblem: Sendable, Codable, Equatable {
  /// One thing to decide: the format of a group, a calibration size, a scheme.
  public struct Knob: Sendable, Codable, Hashable {
    /// The knob's name, unique in its space.
    public var name: String
    /// What it may be, at least one.
    public var choices: [String]
    /// Whether neighbouring choices are alike (bit-widths), so that small steps make sense.
    public var isOrdered: Bool

    /// A knob with its choices.
    public init(name: String, choices: [String], isOrdered: Bool) {
      self.name = name
      self.choices = choices
      self.isOrdered = isOrdered
    }
  }

  /// A cost that is a sum over the knobs.
  public struct Cost: Sendable, Codable, Equatable {
    /// What it counts.
    public var kind: CostKind
    /// `[knob][choice]`.
    public var values: [[Double]]
    /// What every point pays beyond its knobs.
    public var fixed: Double
    /// The most that a point may cost, `fixed` included; nil for no bound.
    public var limit: Double?

    /// A cost with its bound.
    public init(kind: CostKind, values: [[Double]], fixed: Double = 0, limit: Double? = nil) {
      self.kind = kind
      self.values = values
      self.fixed = fixed
      self.limit = limit
    }

    /// What `choices` cost, added in the knobs' order.
    public func total(of choices: [Int]) -> Double {
      zip(values, choices).reduce(fixed) { $0 + $1.0[$1.1] }
    }
  }

  /// Something to make small.
  public enum Objective: Sendable, Codable, Hashable {
    /// A known cost, by its index in ``SearchProblem/costs``.
    case cost(Int)
    /// A measured value, by its index in ``Trial/values``.
    case measured(Int)
  }

  /// The knobs.
  public var knobs: [Knob]
  /// The known costs.
  public var costs: [Cost]
  /// What is minimised: one for a best point, two or three for a frontier.
  public var objectives: [Objective]
  /// A predicted loss, `[knob][choice]`, where a sensitivity table was measured.
  public var prior: [[Double]]?
  /// Points to start from, the best guess first.
  public var seeds: [[Int]]
  /// The samples that there are to evaluate on; a proposal may ask for a part of them.
  public var samples: Int
  /// Trials of the same knobs with other models, measured in the same unit; what they tell is a
  /// prior, never a result.
  public var transfer: [Trial] = []

  /// A space with its costs and objectives.
  public init(
    knobs: [Knob], costs: [Cost] = [], objectives: [Objective] = [.measured(0)],
    prior: [[Double]]? = nil, seeds: [[Int]] = [], samples: Int = 1,
    transfer: [Trial] = []
  ) {
    self.knobs = knobs
    self.costs = costs
    self.objectives = objectives
    self.prior = prior
    self.seeds = seeds
    self.samples = samples
    self.transfer = transfer
  }

  /// A stored problem; one that was stored without ``transfer`` has none.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    knobs = try fields.decode([Knob].self, forKey: .knobs)
    costs = try fields.decode([Cost].self, forKey: .costs)
    objectives = try fields.decode([Objective].self, forKey: .objectives)
    prior = try fields.decodeIfPresent([[Double]].self, forKey: .prior)
    seeds = try fields.decode([[Int]].self, forKey: .seeds)
    samples = try fields.decode(Int.self, forKey: .samples)
    transfer = try fields.decodeIfPresent([Trial].self, forKey: .transfer) ?? []
  }

  /// Whether every bounded cost is kept.
  public func isFeasible(_ choices: [Int]) -> Bool {
    costs.allSatisfy { cost in cost.limit.map { cost.total(of: choices) <= $0 } ?? true }
  }

  /// By how much the bounds are broken, each relative to its limit; zero when all are kept.
  public func violation(_ choices: [Int]) -> Double {
    costs.reduce(0) { sum, cost in
      guard let limit = cost.limit else { return sum }
      return sum + max(0, cost.total(of: choices) - limit) / max(abs(limit), 1e-300)
    }
  }

  /// The objectives of a trial, in their order.
  public func values(of trial: Trial) -> [Double] {
    objectives.map { objective in
      switch objective {
      case .cost(let k): costs[k].total(of: trial.choices)
      case .measured(let k): trial.values[k]
      }
    }
  }

  /// The number of points, or nil when it does not fit an `Int`.
  public var pointCount: Int? {
    knobs.reduce(1 as Int?) { product, knob in
      product.flatMap {
        let (value, overflow) = $0.multipliedReportingOverflow(by: knob.choices.count)
        return overflow ? nil : value
      }
    }
  }
}

/// A point to evaluate, on all samples or some.
public struct Proposal: Sendable, Codable, Hashable {
  /// Choice index per knob.
  public var choices: [Int]
  /// The samples to evaluate on, a part of `0 ..< SearchProblem.samples`.
  public var samples: Range<Int>

  /// A point and where to evaluate it.
  public init(_ choices: [Int], samples: Range<Int>) {
    self.choices = choices
    self.samples = samples
  }
}

/// An evaluated ``Proposal``.
public struct Trial: Sendable, Codable, Hashable {
  /// What was evaluated.
  public var proposal: Proposal
  /// The measured values (means over the samples), small is good.
  public var values: [Double]
  /// The first value sample by sample, for intervals and paired comparisons; may be empty.
  public var perSample: [Double]

  /// An evaluation.
  public init(_ proposal: Proposal, values: [Double], perSample: [Double] = []) {
    self.proposal = proposal
    self.values = values
    self.perSample = perSample
  }

  /// Choice index per knob.
  public var choices: [Int] { proposal.choices }
}
