public import Vocabulary

/// Branch and bound through GLPK, on what Lagrange multipliers leave open.
///
/// 1. Candidates that another of their group beats are dropped, and limits lowered to sums that
///    can be reached.
/// 2. Multipliers on the budgets give a bound; a greedy choice with single and double moves gives
///    a policy. A candidate whose reduced cost lifts the bound above that policy is dropped.
/// 3. GLPK minimises over the rest what the bound does not cover: `Σ reduced cost + λ · slack`, in
///    units of the gap. Its absolute tolerances so become 1e-7 of the gap, whatever the scale of
///    the losses. A group's minimiser is what is left when none of its other columns is 1.
/// 4. What GLPK returns is added up anew; a choice that breaks a budget by rounding is cut off and
///    the search repeated.
///
/// Source: Ingargiola and Korsh, "Reduction algorithm for zero-one single knapsack problems", 1973
/// (reduced-cost fixing); Sinha and Zoltners, "The multiple-choice knapsack problem", 1979.
public struct IntegerProgramming: Optimizer {
  /// `ilp`.
  public static let id = "ilp"
  /// One line for `list`.
  public static let summary =
    "exact, any number of budgets: Lagrangian bounds, then branch and bound (GLPK)"

  /// The optimizer; it has no settings.
  public init() {}

  /// The best choice of one candidate per group; see ``Optimizer``.
  public func solve(_ problem: AssignmentProblem, timeLimit: Double) throws -> Outcome {
    try GapSearch.solve(problem, by: .branchAndBound, timeLimit: timeLimit)
  }
}
