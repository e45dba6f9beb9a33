/// A choice problem: one candidate for every group, total loss as small as possible, every budget
/// kept.
///
/// Multiple-choice knapsack: `min Σ loss[g][x_g]` subject to `Σ cost_k[g][x_g] ≤ limit_k`.
public struct AssignmentProblem: Sendable, Equatable {
  /// A bound on a sum of costs.
  public struct Constraint: Sendable, Equatable {
    /// What is bounded.
    public var kind: CostKind
    /// The cost of each candidate, `[group][candidate]`.
    public var cost: [[Double]]
    /// The most that the chosen costs may add up to.
    public var limit: Double

    /// `Σ cost[g][x_g] ≤ limit`.
    public init(kind: CostKind, cost: [[Double]], limit: Double) {
      self.kind = kind
      self.cost = cost
      self.limit = limit
    }
  }

  /// What is minimised, `[group][candidate]`: usually the predicted loss.
  public var objective: [[Double]]
  /// The budgets.
  public var constraints: [Constraint]

  /// A problem over the groups and candidates of `objective`.
  public init(objective: [[Double]], constraints: [Constraint]) {
    self.objective = objective
    self.constraints = constraints
  }
}

/// One candidate for every group.
public struct Assignment: Codable, Hashable, Sendable {
  /// Candidate index per group.
  public var choices: [Int]
  /// The sum that was minimised.
  public var objective: Double
  /// A proven lower bound on the optimum.
  public var lowerBound: Double

  /// A choice per group, what it adds up to and how low it could at best be.
  public init(choices: [Int], objective: Double, lowerBound: Double) {
    self.choices = choices
    self.objective = objective
    self.lowerBound = lowerBound
  }

  /// How far from the optimum this may be, relative to the objective: `(objective − bound) / |objective|`.
  public var gap: Double {
    objective == lowerBound ? 0 : (objective - lowerBound) / max(abs(objective), 1e-300)
  }
}

/// The answer to an assignment problem.
///
/// An answer is not an error: infeasible is one.
public enum Outcome: Sendable, Equatable {
  /// The proven optimum.
  case optimal(Assignment)
  /// The best that was found in the time given, with its bound.
  case feasible(Assignment)
  /// Nothing fits; the least that the named cost can add up to (while the budgets listed before it are
  /// kept, where they only clash together).
  case infeasible(kind: CostKind, smallestPossible: Double)

  /// The assignment, when there is one.
  public var assignment: Assignment? {
    switch self {
    case .optimal(let assignment), .feasible(let assignment): assignment
    case .infeasible: nil
    }
  }
}
