public import Vocabulary

/// From the cheapest choice upwards: always the step with the most loss saved per cost.
///
/// A step moves one group to any of its candidates that fits; with several budgets its cost is the
/// sum of what it adds to each, in units of how far that cost can vary. Optimal where every group's
/// losses are convex in steps of one size. The bound is that of the linear relaxation.
public struct Greedy: Optimizer {
  /// `greedy`.
  public static let id = "greedy"
  /// One line for `list`.
  public static let summary = "heuristic with a bound: the most loss saved per cost, step by step"
  /// Not proven in general.
  public static let isExact = false

  /// The optimizer; it has no settings.
  public init() {}

  /// A choice within the budgets and the bound of the linear relaxation; see ``Optimizer``.
  ///
  /// - Complexity: O(candidates · steps · constraints).
  public func solve(_ problem: AssignmentProblem, timeLimit: Double) throws -> Outcome {
    try HeuristicSearch.solve(problem, timeLimit: timeLimit) { search in
      var local = LocalSearch(search.reduction, from: search.cheapest(), until: search.deadline)
      let free = [Double](repeating: 0, count: search.reduction.count)
      guard local.repair(free) else { return }
      climb(&search, from: local.chosen)
    } improve: { search, chosen in
      climb(&search, from: chosen)
    }
  }

  private func climb(_ search: inout HeuristicSearch, from start: [Int]) {
    let reduction = search.reduction
    let width = reduction.width
    let units = (0..<width).map { max(reduction.costSpread($0), .leastNormalMagnitude) }
    var chosen = start
    var totals = reduction.totals(chosen)
    search.offer(chosen)
    while !search.isOver {
      var best: (rate: Double, gain: Double, candidate: Int) = (0, 0, -1)
      for i in 0..<reduction.count {
        let old = chosen[reduction.group[i]]
        let gain = reduction.objective[old] - reduction.objective[i]
        guard gain > 0 else { continue }
        var price = 0.0
        var fits = true
        for k in 0..<width {
          let step = reduction.cost(i, k) - reduction.cost(old, k)
          if totals[k] + step > reduction.limits[k] { fits = false }
          price += step / units[k]
        }
        guard fits else { continue }
        let rate = price > 0 ? gain / price : .infinity
        if (rate, gain) > (best.rate, best.gain) { best = (rate, gain, i) }
      }
      guard best.candidate >= 0 else { return }
      chosen[reduction.group[best.candidate]] = best.candidate
      totals = reduction.totals(chosen)
      search.offer(chosen)
    }
  }
}
