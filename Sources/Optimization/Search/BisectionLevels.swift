import Vocabulary

/// Which knob goes down when, and to which choice.
struct BisectionLevels {
  /// The most precise point, from which knobs are lowered.
  let base: [Int]
  /// The knobs, the least sensitive first.
  let order: [Int]
  /// `[knob]`: the choices from the base's downwards, each cheaper than the one before.
  let ladder: [[Int]]

  /// The levels below the base.
  var count: Int { ladder.reduce(0) { max($0, $1.count - 1) } }

  /// - Parameters:
  ///   - base: The most precise point within the bounds.
  ///   - cost: The index of the cost that is made small.
  ///   - seedOrder: Orders the knobs by how far the first seed lowers them, not by the prior.
  init(_ problem: SearchProblem, base: [Int], cost: Int, seedOrder: Bool) {
    self.base = base
    let values = problem.costs[cost].values
    let prior = problem.prior
    let ladder = problem.knobs.indices.map { k -> [Int] in
      let below = values[k].indices.filter { values[k][$0] < values[k][base[k]] }
      // Of equally cheap ones the best; and none that a cheaper one beats.
      let ascending = below.sorted {
        (values[k][$0], prior?[k][$0] ?? 0, $0) < (values[k][$1], prior?[k][$1] ?? 0, $1)
      }
      var kept: [Int] = []
      for choice in ascending {
        if let last = kept.last {
          guard values[k][choice] > values[k][last] else { continue }
          if let prior, prior[k][choice] >= prior[k][last] { continue }
        }
        kept.append(choice)
      }
      return [base[k]] + kept.reversed()
    }
    self.ladder = ladder
    let scores = problem.knobs.indices.map { k -> Double in
      guard let prior, let cheapest = ladder[k].last else { return 0 }
      return prior[k][cheapest] - prior[k][base[k]]
    }
    let depths = problem.knobs.indices.map { k -> Double in
      guard seedOrder || prior == nil, let seed = problem.seeds.first else { return 0 }
      return values[k][base[k]] - values[k][seed[k]] > 0
        ? Double(ladder[k].firstIndex { values[k][$0] <= values[k][seed[k]] } ?? ladder[k].count)
        : 0
    }
    order = problem.knobs.indices.sorted {
      (-depths[$0], scores[$0], $0) < (-depths[$1], scores[$1], $1)
    }
  }

  /// The choice of `knob` at `level`, its last one if it has fewer.
  func choice(of knob: Int, at level: Int) -> Int {
    ladder[knob][min(level, ladder[knob].count - 1)]
  }

  /// `point` with the knobs of the places `range` in the order at `level`.
  func lowered(_ point: [Int], _ range: Range<Int>, to level: Int) -> [Int] {
    var point = point
    for place in range { point[order[place]] = choice(of: order[place], at: level) }
    return point
  }
}
