public import Vocabulary

/// Looks at every choice: the oracle for small problems.
public struct Exhaustive: Optimizer {
  /// `exhaustive`.
  public static let id = "exhaustive"
  /// One line for `list`.
  public static let summary = "exact, small problems only: every one of up to 2 million choices"
  /// Two million.
  public static let largestCombinationCount = 2e6

  /// The optimizer; it has no settings.
  public init() {}

  /// The best choice, the first in lexicographic order among equals; see ``Optimizer``.
  ///
  /// - Throws: `UserError` also for more than ``largestCombinationCount`` choices.
  /// - Complexity: O(choices · constraints), whatever the time limit.
  public func solve(_ problem: AssignmentProblem, timeLimit: Double) throws -> Outcome {
    try problem.validate()
    guard timeLimit > 0 else {
      throw UserError(.usage, "the time limit of \(timeLimit) s leaves no time")
    }
    let combinations = problem.objective.reduce(1.0) { $0 * Double($1.count) }
    guard combinations <= Self.largestCombinationCount else {
      throw UserError(
        .failed,
        "the problem has \(combinations) choices, and 'exhaustive' looks at 2 million at most; "
          + "use 'ilp' or 'exact'")
    }
    for constraint in problem.constraints where constraint.smallestPossible > constraint.limit {
      return .infeasible(kind: constraint.kind, smallestPossible: constraint.smallestPossible)
    }
    if let best = best(problem.objective, problem.constraints[...]) {
      return .optimal(
        Assignment(choices: best.choices, objective: best.value, lowerBound: best.value))
    }
    // The budgets clash: the first that cannot be kept along with those before it.
    for (k, culprit) in problem.constraints.enumerated() {
      if let least = best(culprit.cost, problem.constraints[..<k]), least.value > culprit.limit {
        return .infeasible(kind: culprit.kind, smallestPossible: least.value)
      }
    }
    throw UserError(.failed, "the budgets exclude each other by rounding; loosen one")
  }

  private func best(
    _ objective: [[Double]], _ constraints: ArraySlice<AssignmentProblem.Constraint>
  ) -> (choices: [Int], value: Double)? {
    let constraints = Array(constraints)
    let width = constraints.count
    let depth = objective.count
    // Sums over the first groups, so that every sum is added up in the order of the groups.
    var values = [Double](repeating: 0, count: depth + 1)
    var totals = [Double](repeating: 0, count: (depth + 1) * width)
    var choices = [Int](repeating: 0, count: depth)
    var best: (choices: [Int], value: Double)?
    func visit(_ g: Int) {
      guard g < depth else {
        for k in 0..<width where totals[g * width + k] > constraints[k].limit { return }
        if best.map({ values[g] < $0.value }) ?? true { best = (choices, values[g]) }
        return
      }
      for a in objective[g].indices {
        choices[g] = a
        values[g + 1] = values[g] + objective[g][a]
        for k in 0..<width {
          totals[(g + 1) * width + k] = totals[g * width + k] + constraints[k].cost[g][a]
        }
        visit(g + 1)
      }
    }
    visit(0)
    return best
  }
}
