import Vocabulary

extension GapSearch {
  /// The whole way from a problem to its outcome, for the optimizers that differ in the last step.
  static func solve(
    _ problem: AssignmentProblem, by method: Method, timeLimit: Double
  ) throws -> Outcome {
    try problem.validate()
    guard timeLimit > 0 else {
      throw UserError(.usage, "the time limit of \(timeLimit) s leaves no time")
    }
    let deadline = ContinuousClock.now + .seconds(min(timeLimit, 1e9))
    return try solve(problem, by: method, until: deadline)
  }

  private static func solve(
    _ problem: AssignmentProblem, by method: Method, until deadline: ContinuousClock.Instant
  ) throws -> Outcome {
    for constraint in problem.constraints where constraint.smallestPossible > constraint.limit {
      return .infeasible(kind: constraint.kind, smallestPossible: constraint.smallestPossible)
    }
    var search = GapSearch(problem)
    let end = try search.run(by: method, until: deadline)
    if case .infeasible = end { return try explain(problem, by: method, until: deadline) }
    guard let choices = search.incumbent else {
      throw UserError(
        .failed, "no policy within the budgets was found in the time given; give it more")
    }
    let objective = problem.objective(of: choices)
    switch end {
    case .bounded(let bound):
      return .feasible(
        Assignment(choices: choices, objective: objective, lowerBound: min(bound, objective)))
    case .optimal, .infeasible:
      return .optimal(
        Assignment(choices: choices, objective: objective, lowerBound: objective))
    }
  }

  /// The budgets exclude each other: the first that cannot be kept along with those before it,
  /// and the least it could be if they are.
  private static func explain(
    _ problem: AssignmentProblem, by method: Method, until deadline: ContinuousClock.Instant
  ) throws -> Outcome {
    for k in problem.constraints.indices.dropFirst() {
      let culprit = problem.constraints[k]
      let smaller = AssignmentProblem(
        objective: culprit.cost, constraints: Array(problem.constraints[..<k]))
      guard let least = try solve(smaller, by: method, until: deadline).assignment else { continue }
      if least.objective > culprit.limit {
        return .infeasible(kind: culprit.kind, smallestPossible: least.objective)
      }
    }
    throw UserError(
      .failed, "the budgets exclude each other, but not by more than rounding; loosen one")
  }
}
