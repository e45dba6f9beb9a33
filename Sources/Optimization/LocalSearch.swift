/// Finds and improves choices that keep the budgets, one or two groups at a time.
struct LocalSearch {
  let reduction: Reduction
  private(set) var chosen: [Int]
  private var totals: [Double]
  /// When to stop with what there is; nil never stops early.
  private let deadline: ContinuousClock.Instant?

  init(_ reduction: Reduction, from chosen: [Int], until deadline: ContinuousClock.Instant? = nil) {
    self.reduction = reduction
    self.deadline = deadline
    self.chosen = chosen
    totals = reduction.totals(chosen)
  }

  private var isOver: Bool { deadline.map { ContinuousClock.now >= $0 } ?? false }

  private var isFeasible: Bool {
    for k in totals.indices where totals[k] > reduction.limits[k] { return false }
    return true
  }

  private mutating func move(to i: Int) {
    chosen[reduction.group[i]] = i
    // Summed anew: differences of fractional costs would drift.
    totals = reduction.totals(chosen)
  }

  /// Moves single groups towards the budgets, the least dear per relieved excess first.
  ///
  /// - Parameter reducedCosts: What a candidate costs beyond its group's best at the multipliers.
  /// - Returns: Whether every budget is kept in the end.
  mutating func repair(_ reducedCosts: [Double]) -> Bool {
    let scale = totals.indices.map { max(reduction.costSpread($0), .leastNormalMagnitude) }
    func excess(_ totals: [Double]) -> Double {
      var sum = 0.0
      for k in totals.indices { sum += max(0, totals[k] - reduction.limits[k]) / scale[k] }
      return sum
    }
    var now = excess(totals)
    while now > 0, !isOver {
      var best: (price: Double, candidate: Int)?
      var moved = totals
      for i in 0..<reduction.count {
        let old = chosen[reduction.group[i]]
        guard i != old else { continue }
        for k in totals.indices {
          moved[k] = totals[k] + reduction.cost(i, k) - reduction.cost(old, k)
        }
        let relief = now - excess(moved)
        guard relief > 0 else { continue }
        let price = (reducedCosts[i] - reducedCosts[old]) / min(relief, now)
        if best.map({ price < $0.price }) ?? true { best = (price, i) }
      }
      guard let best else { return false }
      move(to: best.candidate)
      let next = excess(totals)
      guard next < now else { return isFeasible }
      now = next
    }
    return isFeasible
  }

  /// Takes the single move that lowers the objective most and fits, until there is none.
  mutating func fill() {
    while !isOver {
      var best: (gain: Double, candidate: Int) = (0, -1)
      for i in 0..<reduction.count {
        let old = chosen[reduction.group[i]]
        let gain = reduction.objective[old] - reduction.objective[i]
        guard gain > best.gain, fits(i, in: old) else { continue }
        best = (gain, i)
      }
      guard best.candidate >= 0 else { return }
      let before = chosen
      move(to: best.candidate)
      guard isFeasible else {
        chosen = before
        totals = reduction.totals(chosen)
        return
      }
    }
  }

  private func fits(_ i: Int, in old: Int) -> Bool {
    for k in totals.indices {
      let sum = totals[k] + reduction.cost(i, k) - reduction.cost(old, k)
      if sum > reduction.limits[k] { return false }
    }
    return true
  }

  /// Takes the double move (two groups at once) that lowers the objective most and fits, until
  /// there is none.
  ///
  /// - Complexity: O(candidates² · constraints) per round, at most `rounds` of them.
  mutating func exchange(rounds: Int) {
    let width = reduction.width
    for _ in 0..<rounds {
      var best: (gain: Double, first: Int, second: Int) = (0, -1, -1)
      // What each candidate gains and costs against its group's present choice.
      let gains = (0..<reduction.count).map {
        reduction.objective[chosen[reduction.group[$0]]] - reduction.objective[$0]
      }
      let extra = (0..<reduction.count).map { i in
        (0..<width).map { reduction.cost(i, $0) - reduction.cost(chosen[reduction.group[i]], $0) }
      }
      let slack = (0..<width).map { reduction.limits[$0] - totals[$0] }
      for i in 0..<reduction.count where gains[i] > 0 {
        for j in 0..<reduction.count {
          guard gains[i] + gains[j] > best.gain, reduction.group[i] != reduction.group[j] else {
            continue
          }
          var fits = true
          for k in 0..<width where extra[i][k] + extra[j][k] > slack[k] { fits = false }
          if fits { best = (gains[i] + gains[j], i, j) }
        }
      }
      guard best.first >= 0 else { return }
      let before = chosen
      chosen[reduction.group[best.second]] = best.second
      move(to: best.first)
      guard isFeasible else {
        chosen = before
        totals = reduction.totals(chosen)
        return
      }
      fill()
    }
  }
}
