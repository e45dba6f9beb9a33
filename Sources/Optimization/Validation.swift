public import Vocabulary

extension AssignmentProblem {
  /// Checks shapes and numbers, so that solvers need not.
  ///
  /// - Throws: `UserError` naming the first culprit.
  public func validate() throws {
    for (g, losses) in objective.enumerated() {
      guard !losses.isEmpty else {
        throw UserError(.failed, "group \(g) of the problem has no candidates")
      }
      for (j, loss) in losses.enumerated() where !loss.isFinite {
        throw UserError(.failed, "candidate \(j) of group \(g) has a loss of \(loss)")
      }
    }
    for constraint in constraints {
      let kind = constraint.kind.rawValue
      guard !constraint.limit.isNaN, constraint.limit != -.infinity else {
        throw UserError(.failed, "the limit on \(kind) is \(constraint.limit)")
      }
      guard constraint.cost.map(\.count) == objective.map(\.count) else {
        throw UserError(.failed, "\(kind) is not given for every candidate of the problem")
      }
      for (g, costs) in constraint.cost.enumerated() {
        for (j, cost) in costs.enumerated() where !cost.isFinite {
          throw UserError(.failed, "candidate \(j) of group \(g) has \(kind) of \(cost)")
        }
      }
    }
  }

  /// The sum that is minimised, in the order of the groups.
  public func objective(of choices: [Int]) -> Double {
    zip(objective, choices).reduce(0) { $0 + $1.0[$1.1] }
  }

  /// Whether the costs of `choices`, added in the order of the groups, keep every limit.
  public func isFeasible(_ choices: [Int]) -> Bool {
    constraints.allSatisfy { $0.total(of: choices) <= $0.limit }
  }
}

extension AssignmentProblem.Constraint {
  /// The sum that is bounded, in the order of the groups.
  public func total(of choices: [Int]) -> Double {
    zip(cost, choices).reduce(0) { $0 + $1.0[$1.1] }
  }

  /// The least that the costs can add up to.
  public var smallestPossible: Double {
    cost.reduce(0) { $0 + ($1.min() ?? 0) }
  }
}
