/// Which estimator to believe: what each predicts, against what whole policies really lose.
public struct TrustReport: Codable, Hashable, Sendable {
  /// One estimator, or one estimator with its interactions.
  public struct Row: Codable, Hashable, Sendable {
    /// The estimator; `output-delta + pairs` where its cross terms are counted too.
    public var estimator: String
    /// Work of the measurement over that of one forward pass of its samples, times the samples.
    public var forwardPasses: Double
    /// Spearman's ρ of its scores with the reference's, over all groups and formats.
    public var spearman: Double?
    /// Kendall's τ-b of the same.
    public var kendall: Double?
    /// Mean over the formats of Spearman's ρ among the groups: the widths do not help it.
    public var spearmanWithinFormats: Double?
    /// Spearman's ρ of predicted with measured losses over all random policies.
    public var policySpearman: Double?
    /// Mean over the budgets of the same among the policies of one budget: what a planner needs.
    public var policySpearmanWithinBudgets: Double?
    /// Held-out loss of the best policy under its scores, per budget.
    public var losses: [Double]
    /// `losses` over the least that any policy of this table lost, per budget.
    public var regret: [Double]
    /// 95 % interval of the loss beyond that least one, paired by sample, per budget.
    public var excess: [Interval]

    /// A row with its figures.
    public init(
      estimator: String, forwardPasses: Double, spearman: Double?, kendall: Double?,
      spearmanWithinFormats: Double?, policySpearman: Double?,
      policySpearmanWithinBudgets: Double?, losses: [Double], regret: [Double],
      excess: [Interval]
    ) {
      self.estimator = estimator
      self.forwardPasses = forwardPasses
      self.spearman = spearman
      self.kendall = kendall
      self.spearmanWithinFormats = spearmanWithinFormats
      self.policySpearman = policySpearman
      self.policySpearmanWithinBudgets = policySpearmanWithinBudgets
      self.losses = losses
      self.regret = regret
      self.excess = excess
    }

    /// The mean of the regrets: 1 is the best there is.
    public var meanRegret: Double {
      regret.reduce(0, +) / Double(max(1, regret.count))
    }
  }

  /// The model's name.
  public var model: String
  /// The loss's unit.
  public var unit: String
  /// Whose scores are the truth about single groups.
  public var reference: String
  /// Bits per weight of the budgets.
  public var budgets: [Double]
  /// Random policies that were measured, over all budgets.
  public var policies: Int
  /// Held-out samples that policies were measured on.
  public var samples: Int
  /// Digest of those samples.
  public var data: String
  /// Decides the random policies and the intervals.
  public var seed: UInt64
  /// The estimators, the least regret first.
  public var rows: [Row]

  /// A table of trust.
  public init(
    model: String, unit: String, reference: String, budgets: [Double], policies: Int, samples: Int,
    data: String, seed: UInt64, rows: [Row]
  ) {
    self.model = model
    self.unit = unit
    self.reference = reference
    self.budgets = budgets
    self.policies = policies
    self.samples = samples
    self.data = data
    self.seed = seed
    self.rows = rows
  }
}
