public import Vocabulary

/// A dominance dynamic programme on what Lagrange multipliers leave open; no solver is involved.
///
/// Bounds, first policy and fixing are those of ``IntegerProgramming``. Then the groups are taken one
/// after the other; a partial choice is dropped when another costs no more and loses no more, when
/// the cheapest rest breaks a budget, or when its reduced costs lift the bound above the best policy
/// known. Few partial choices survive where byte counts share a large divisor or the gap is small.
///
/// Source: Dyer, Riha and Walker, "A hybrid dynamic programming/branch-and-bound algorithm for the
/// multiple-choice knapsack problem", 1995; Pisinger, "A minimal algorithm for the multiple-choice
/// knapsack problem", 1995.
public struct DynamicProgramming: Optimizer {
  /// `exact`.
  public static let id = "exact"
  /// One line for `list`.
  public static let summary =
    "exact, quick for one budget: Lagrangian bounds, then a dominance dynamic programme"

  /// The optimizer; it has no settings.
  public init() {}

  /// The best choice of one candidate per group; see ``Optimizer``.
  public func solve(_ problem: AssignmentProblem, timeLimit: Double) throws -> Outcome {
    try GapSearch.solve(problem, by: .dynamicProgramme, timeLimit: timeLimit)
  }
}
