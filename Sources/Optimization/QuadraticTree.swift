import Vocabulary

/// Depth-first branch and bound over the groups of an ``InteractionModel``, in their order.
struct QuadraticTree {
  private let model: any InteractionModel
  private let pairs: PairBounds
  private let constraints: [AssignmentProblem.Constraint]
  private let counts: [Int]
  private let nodeLimit: Int
  private let deadline: ContinuousClock.Instant
  /// The least that groups from `g` on can cost, `[constraint][g]`.
  private let rest: [[Double]]
  private var choices: [Int]
  private var value: Double
  private var nodes = 0
  private(set) var best: [Int]

  init(
    _ model: any InteractionModel, pairs: PairBounds,
    constraints: [AssignmentProblem.Constraint], from best: [Int], nodeLimit: Int,
    until deadline: ContinuousClock.Instant
  ) {
    self.model = model
    self.pairs = pairs
    self.constraints = constraints
    self.best = best
    self.nodeLimit = nodeLimit
    self.deadline = deadline
    counts = model.candidateCounts
    choices = best
    value = model.loss(of: best)
    rest = constraints.map { constraint in
      var sums = [Double](repeating: 0, count: constraint.cost.count + 1)
      for g in constraint.cost.indices.reversed() {
        sums[g] = sums[g + 1] + (constraint.cost[g].min() ?? 0)
      }
      return sums
    }
  }

  /// Searches; whether it came to an end, so that ``best`` is the optimum.
  mutating func run() -> Bool {
    let fields = counts.indices.map { g in (0..<counts[g]).map { model.single(g, $0) } }
    return visit(
      0, loss: 0, fields: fields, totals: [Double](repeating: 0, count: constraints.count))
  }

  /// - Parameter fields: What each candidate adds to the groups that are decided.
  private mutating func visit(
    _ g: Int, loss: Double, fields: [[Double]], totals: [Double]
  ) -> Bool {
    guard g < counts.count else {
      let feasible = constraints.allSatisfy { $0.total(of: choices) <= $0.limit }
      let exact = model.loss(of: choices)
      if feasible, exact < value { (best, value) = (choices, exact) }
      return true
    }
    nodes += 1
    if nodes > nodeLimit { return false }
    if nodes % 256 == 0, ContinuousClock.now > deadline { return false }
    var open = 0.0
    for h in counts.indices.dropFirst(g + 1) {
      var least = Double.infinity
      for b in 0..<counts[h] { least = min(least, fields[h][b] + pairs.later[h][b]) }
      open += least
    }
    // The most promising candidate first.
    let order = (0..<counts[g]).sorted {
      (fields[g][$0] + pairs.later[g][$0], $0) < (fields[g][$1] + pairs.later[g][$1], $1)
    }
    for a in order {
      guard loss + fields[g][a] + pairs.later[g][a] + open < value else { continue }
      var sums = totals
      var fits = true
      for k in constraints.indices {
        sums[k] += constraints[k].cost[g][a]
        // Sums in another order than the answer's: the leaf decides what is only rounding.
        let slack = 1e-9 * (abs(constraints[k].limit) + abs(sums[k]))
        if sums[k] + rest[k][g + 1] > constraints[k].limit + slack { fits = false }
      }
      guard fits else { continue }
      choices[g] = a
      var below = fields
      for h in counts.indices.dropFirst(g + 1) {
        for b in 0..<counts[h] { below[h][b] += model.cross(g, a, h, b) }
      }
      guard visit(g + 1, loss: loss + fields[g][a], fields: below, totals: sums) else {
        return false
      }
    }
    return true
  }
}
