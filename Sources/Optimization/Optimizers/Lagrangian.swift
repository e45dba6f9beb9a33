public import Vocabulary

/// Prices on the budgets, then what is left of the budgets is filled.
///
/// With one budget the price is the slope of the groups' lower convex hulls at which it runs out;
/// with several, prices come from cutting planes. The minimisers at those prices are moved within
/// the budgets, the least dear move first, and single moves that fit use up the rest. The bound is
/// the Lagrangian one, which equals that of the linear relaxation; the answer is `.optimal` only
/// where it meets the bound. Choices off the hulls are reached by filling alone.
///
/// Source: Everett, "Generalized Lagrange multiplier method", Operations Research 11, 1963; Sinha and
/// Zoltners, "The multiple-choice knapsack problem", Operations Research 27, 1979.
public struct Lagrangian: Optimizer {
  /// `lagrangian`.
  public static let id = "lagrangian"
  /// One line for `list`.
  public static let summary = "heuristic with a bound: prices from convex hulls, then filling"
  /// Not proven in general.
  public static let isExact = false

  /// The optimizer; it has no settings.
  public init() {}

  /// A choice within the budgets and the Lagrangian bound; see ``Optimizer``.
  public func solve(_ problem: AssignmentProblem, timeLimit: Double) throws -> Outcome {
    try HeuristicSearch.solve(problem, timeLimit: timeLimit) { search in
      for relaxation in search.relaxations.prefix(8) {
        var local = LocalSearch(
          search.reduction, from: relaxation.chosen, until: search.deadline)
        guard local.repair(relaxation.reducedCosts(search.reduction)) else { continue }
        local.fill()
        search.offer(local.chosen)
      }
    } improve: { search, chosen in
      var local = LocalSearch(search.reduction, from: chosen, until: search.deadline)
      local.fill()
      search.offer(local.chosen)
    }
  }
}
