public import Vocabulary

extension MergedGroups {
  /// The interactions between merged groups: what their members add alone and together.
  ///
  /// - Parameter model: Of the table's groups and candidates, before merging.
  /// - Complexity: O(candidates²) questions to `model`.
  public func interactions(of model: any InteractionModel) -> InteractionMatrix {
    let singles = members.indices.map { g in
      candidates[g].map { chosen in
        var loss = 0.0
        for (i, (member, candidate)) in zip(members[g], chosen).enumerated() {
          loss += model.single(member, candidate)
          for (other, theirs) in zip(members[g], chosen).dropFirst(i + 1) {
            loss += model.cross(member, candidate, other, theirs)
          }
        }
        return loss
      }
    }
    return InteractionMatrix(singles: singles) { g, a, h, b in
      var sum = 0.0
      for (mine, candidate) in zip(members[g], candidates[g][a]) {
        for (theirs, other) in zip(members[h], candidates[h][b]) {
          sum += model.cross(mine, candidate, theirs, other)
        }
      }
      return sum
    }
  }
}

extension PlanningProblem {
  /// The policy whose loss under `model`, cross terms included, is the smallest that was found.
  ///
  /// - Parameter model: Of the table's groups and candidates.
  /// - Throws: `UserError` with a loss budget, another objective or a limit on the formats, which
  ///   this optimizer does not take, and of kind infeasible when nothing fits.
  public func solved(
    by optimizer: QuadraticOptimizer, with model: any InteractionModel, timeLimit: Double
  ) throws -> Plan {
    guard objective == .loss, !budgets.contains(where: { $0.kind == .loss }) else {
      throw UserError(
        .usage, "\(QuadraticOptimizer.id) makes the loss small; for anything else take ilp")
    }
    guard formatLimit == nil else {
      throw UserError(
        .usage, "\(QuadraticOptimizer.id) takes any number of formats; to limit it take ilp")
    }
    let outcome = try optimizer.solve(
      groups.interactions(of: model), constraints: problem.constraints, timeLimit: timeLimit)
    if let error = infeasibility(outcome) { throw error }
    guard let assignment = outcome.assignment else {
      throw UserError(.failed, "the optimizer lost a policy that it had found")
    }
    var isProven = false
    if case .optimal = outcome { isProven = true }
    var plan = plan(assignment, lowerBound: assignment.lowerBound, isProven: isProven)
    // With the cross terms, which the sum over groups does not know.
    (plan.loss, plan.lowerBound) = (assignment.objective, assignment.lowerBound)
    return plan
  }
}
