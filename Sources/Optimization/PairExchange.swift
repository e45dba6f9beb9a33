import Vocabulary

/// Improves a policy under an ``InteractionModel`` by moves of one or two groups that keep the
/// budgets.
struct PairExchange {
  private let model: any InteractionModel
  private let constraints: [AssignmentProblem.Constraint]
  private let counts: [Int]
  private let deadline: ContinuousClock.Instant
  private var now: any PolicyEvaluation
  /// Where the double moves of every policy are too many, this many are drawn.
  private let drawnMoves = 200_000
  private(set) var best: [Int]
  private var value: Double

  init(
    _ model: any InteractionModel, constraints: [AssignmentProblem.Constraint],
    from start: [Int], until deadline: ContinuousClock.Instant
  ) {
    self.model = model
    self.constraints = constraints
    self.deadline = deadline
    counts = model.candidateCounts
    now = model.evaluation(of: start)
    best = start
    value = model.loss(of: start)
  }

  private var isLate: Bool { ContinuousClock.now > deadline }

  /// Descends from the start, then from `restarts` disturbances of the best policy.
  mutating func run(restarts: Int, seed: UInt64) {
    for round in 0...max(0, restarts) where !counts.isEmpty {
      var random = SplitMix64(seed: seed, job: round)
      if round > 0 {
        now = model.evaluation(of: best)
        for _ in 0..<max(2, counts.count / 8) { disturb(&random) }
      }
      descend(&random)
      let loss = model.loss(of: now.choices)
      if loss < value { (best, value) = (now.choices, loss) }
      if isLate { return }
    }
  }

  private typealias Move = (group: Int, candidate: Int)

  private func fits(_ moves: Move...) -> Bool {
    var choices = now.choices
    for move in moves { choices[move.group] = move.candidate }
    return constraints.allSatisfy { $0.total(of: choices) <= $0.limit }
  }

  private func drawn(_ random: inout SplitMix64) -> Move {
    let g = Int(random.next() % UInt64(counts.count))
    return (g, Int(random.next() % UInt64(counts[g])))
  }

  /// One random move of one or two groups that keeps the budgets, if a few draws find it.
  private mutating func disturb(_ random: inout SplitMix64) {
    for _ in 0..<20 {
      let (a, b) = (drawn(&random), drawn(&random))
      guard a.group != b.group, fits(a, b) else { continue }
      now.set(a.group, to: a.candidate)
      now.set(b.group, to: b.candidate)
      return
    }
  }

  private mutating func descend(_ random: inout SplitMix64) {
    while !isLate {
      if takeSingle() { continue }
      guard takeDouble(&random) else { return }
    }
  }

  /// Changes smaller than this are rounding.
  private var rounding: Double { -1e-12 * max(abs(now.loss), abs(value)) }

  private mutating func takeSingle() -> Bool {
    var best: (change: Double, move: Move) = (rounding, (-1, 0))
    for g in counts.indices {
      for a in 0..<counts[g] where a != now.choices[g] {
        let change = now.change(of: g, to: a)
        if change < best.change, fits((g, a)) { best = (change, (g, a)) }
      }
    }
    guard best.move.group >= 0 else { return false }
    now.set(best.move.group, to: best.move.candidate)
    return true
  }

  /// The best double move where all can be looked at, otherwise the first good one drawn.
  private mutating func takeDouble(_ random: inout SplitMix64) -> Bool {
    let singles = counts.indices.map { g in (0..<counts[g]).map { now.change(of: g, to: $0) } }
    func change(_ m: Move, _ n: Move) -> Double {
      let (x, y) = (now.choices[m.group], now.choices[n.group])
      return singles[m.group][m.candidate] + singles[n.group][n.candidate]
        + model.cross(m.group, m.candidate, n.group, n.candidate)
        - model.cross(m.group, x, n.group, n.candidate)
        - model.cross(m.group, m.candidate, n.group, y) + model.cross(m.group, x, n.group, y)
    }
    var best: (change: Double, first: Move, second: Move) = (rounding, (-1, 0), (-1, 0))
    let total = counts.reduce(0, +)
    if total * total / 2 <= drawnMoves {
      for g in counts.indices {
        for h in counts.indices.dropFirst(g + 1) {
          for a in 0..<counts[g] where a != now.choices[g] {
            for b in 0..<counts[h] where b != now.choices[h] {
              let change = change((g, a), (h, b))
              if change < best.change, fits((g, a), (h, b)) { best = (change, (g, a), (h, b)) }
            }
          }
        }
      }
    } else {
      for draw in 0..<drawnMoves {
        if draw % 256 == 0, isLate { return false }
        let (m, n) = (drawn(&random), drawn(&random))
        guard m.group != n.group else { continue }
        let change = change(m, n)
        if change < best.change, fits(m, n) {
          best = (change, m, n)
          break
        }
      }
    }
    guard best.first.group >= 0 else { return false }
    now.set(best.first.group, to: best.first.candidate)
    now.set(best.second.group, to: best.second.candidate)
    return true
  }
}
