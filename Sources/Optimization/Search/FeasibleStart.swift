import Vocabulary

/// Finds points within all bounds, and moves that stay there.
struct FeasibleStart {
  let problem: SearchProblem
  /// The costs that have a bound.
  private let bounded: [(cost: SearchProblem.Cost, limit: Double)]
  /// `[knob][choice]`: the bounded costs of a choice, each relative to its spread, added.
  let weight: [[Double]]
  /// `[knob]`: the choices in ascending order of ``weight``; ties go to the larger predicted loss.
  let levels: [[Int]]

  init(_ problem: SearchProblem) {
    self.problem = problem
    let bounded = problem.costs.compactMap { cost in cost.limit.map { (cost: cost, limit: $0) } }
    let spreads = bounded.map { entry in
      entry.cost.values.reduce(0.0) { $0 + (($1.max() ?? 0) - ($1.min() ?? 0)) }
    }
    let weight = problem.knobs.indices.map { k in
      problem.knobs[k].choices.indices.map { c in
        zip(bounded, spreads).reduce(0.0) { sum, entry in
          sum + entry.0.cost.values[k][c] / (entry.1 > 0 ? entry.1 : 1)
        }
      }
    }
    self.bounded = bounded
    self.weight = weight
    levels = problem.knobs.indices.map { k in
      problem.knobs[k].choices.indices.sorted { a, b in
        if weight[k][a] != weight[k][b] { return weight[k][a] < weight[k][b] }
        if let prior = problem.prior, prior[k][a] != prior[k][b] {
          return prior[k][a] > prior[k][b]
        }
        return a < b
      }
    }
  }

  /// Whether any cost is bounded.
  var isBounded: Bool { !bounded.isEmpty }

  /// Whether `choices` stays within all bounds when `knob` takes `choice`.
  ///
  /// - Parameter totals: The bounded costs of `choices`, of ``totals(of:)``; they refuse most moves
  ///   without adding up the whole point.
  func fits(_ choices: [Int], totals: [Double], knob: Int, choice: Int) -> Bool {
    for (entry, total) in zip(bounded, totals) {
      let values = entry.cost.values[knob]
      let moved = total + values[choice] - values[choices[knob]]
      if moved > entry.limit + 1e-9 * (abs(entry.limit) + abs(total)) { return false }
    }
    var moved = choices
    moved[knob] = choice
    return problem.isFeasible(moved)
  }

  /// The bounded costs of a point.
  func totals(of choices: [Int]) -> [Double] { bounded.map { $0.cost.total(of: choices) } }

  /// The first feasible seed, otherwise ``greedy(for:)``.
  func start(for strategy: String) throws -> [Int] {
    try problem.seeds.first { problem.isFeasible($0) } ?? greedy(for: strategy)
  }

  /// A point that uses what the bounds allow: from the cheapest one upwards, always the move with the
  /// largest predicted gain for its cost, or the cheapest move where nothing is predicted.
  ///
  /// - Throws: `UserError` when no point keeps the bounds, or none was found.
  /// - Complexity: O(moves · knobs · choices).
  func greedy(for strategy: String) throws -> [Int] {
    var point = try cheapest(for: strategy)
    while true {
      let totals = totals(of: point)
      var best: (knob: Int, choice: Int, gain: Double)?
      for k in point.indices {
        for c in levels[k] where c != point[k] {
          let price = weight[k][c] - weight[k][point[k]]
          let gain: Double
          if let prior = problem.prior {
            let lowered = prior[k][point[k]] - prior[k][c]
            guard lowered > 0 else { continue }
            gain = price > 0 ? lowered / price : .infinity
          } else {
            guard price > 0 else { continue }
            gain = 1 / price
          }
          guard gain > best?.gain ?? -1 else { continue }
          if fits(point, totals: totals, knob: k, choice: c) { best = (k, c, gain) }
        }
      }
      guard let best else { return point }
      point[best.knob] = best.choice
    }
  }

  /// The cheapest point by ``weight`` that keeps all bounds: exact for one bound; for several a
  /// depth-first search that gives up after 100 000 steps.
  func cheapest(for strategy: String) throws -> [Int] {
    let count = problem.knobs.count
    // The least that the knobs from `k` on can cost, per bound.
    var rest = Array(repeating: Array(repeating: 0.0, count: bounded.count), count: count + 1)
    for k in (0..<count).reversed() {
      for b in bounded.indices {
        rest[k][b] = rest[k + 1][b] + (bounded[b].cost.values[k].min() ?? 0)
      }
    }
    var point = levels.map { $0[0] }
    if problem.isFeasible(point) { return point }
    var next = Array(repeating: 0, count: count)
    var paid = Array(repeating: bounded.map { $0.cost.fixed }, count: count + 1)
    var depth = 0
    var steps = 0
    while depth >= 0, steps < 100_000 {
      steps += 1
      if depth == count {
        if problem.isFeasible(point) { return point }
        depth -= 1
        continue
      }
      guard next[depth] < levels[depth].count else {
        next[depth] = 0
        depth -= 1
        continue
      }
      let choice = levels[depth][next[depth]]
      next[depth] += 1
      point[depth] = choice
      var isPossible = true
      for b in bounded.indices {
        paid[depth + 1][b] = paid[depth][b] + bounded[b].cost.values[depth][choice]
        let limit = bounded[b].limit
        let least = paid[depth + 1][b] + rest[depth + 1][b]
        if least > limit + 1e-9 * (abs(limit) + abs(least)) { isPossible = false }
      }
      if isPossible { depth += 1 }
    }
    throw UserError(
      .infeasible, "\(strategy) found no point that keeps every bound; raise the budget")
  }
}
