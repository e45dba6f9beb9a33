import Vocabulary

/// Random swaps that keep every bounded cost: some knobs go up in level, others down.
struct ExchangeMoves {
  private let space: FeasibleStart
  /// `[knob][choice]`: the place of a choice in the knob's levels.
  private let rank: [[Int]]

  init(_ space: FeasibleStart) {
    self.space = space
    rank = space.levels.map { order in
      var rank = Array(repeating: 0, count: order.count)
      for (place, choice) in order.enumerated() { rank[choice] = place }
      return rank
    }
  }

  /// A neighbour of `parent`: the smaller of two draws from 1...3 tells the number of swaps.
  ///
  /// - Precondition: `parent` keeps all bounds; so does the child, which may be the parent itself.
  func child(of parent: [Int], using random: inout SplitMix64) -> [Int] {
    let swaps = min(Int.random(in: 1...3, using: &random), Int.random(in: 1...3, using: &random))
    var child = parent
    for _ in 0..<swaps {
      let before = child
      let swapped =
        Bool.random(using: &random)
        ? raiseFirst(&child, using: &random) : lowerFirst(&child, using: &random)
      if !swapped { child = before }
    }
    return child
  }

  /// One knob goes up; others go down one level at a time until the bounds are kept; what that leaves
  /// over is given out again.
  private func raiseFirst(_ child: inout [Int], using random: inout SplitMix64) -> Bool {
    let open = child.indices.filter { rank[$0][child[$0]] + 1 < rank[$0].count }
    guard let raised = open.randomElement(using: &random) else { return false }
    let from = rank[raised][child[raised]]
    child[raised] =
      space.levels[raised][
        from + jump(upTo: rank[raised].count - 1 - from, using: &random)]
    var touched: Set<Int> = [raised]
    var lowered = 0
    while !space.problem.isFeasible(child) {
      let open = child.indices.filter { $0 != raised && rank[$0][child[$0]] > 0 }
      guard let k = open.randomElement(using: &random) else { return false }
      child[k] = space.levels[k][rank[k][child[k]] - 1]
      touched.insert(k)
      lowered += 1
    }
    fill(&child, levels: lowered, except: touched, using: &random)
    return true
  }

  /// One knob goes down and others take what it frees; without bounds nothing is freed.
  private func lowerFirst(_ child: inout [Int], using random: inout SplitMix64) -> Bool {
    let open = child.indices.filter { rank[$0][child[$0]] > 0 }
    guard let lowered = open.randomElement(using: &random) else { return false }
    let from = rank[lowered][child[lowered]]
    let down = jump(upTo: from, using: &random)
    child[lowered] = space.levels[lowered][from - down]
    if space.isBounded { fill(&child, levels: down, except: [lowered], using: &random) }
    // With several bounds a lower level can cost more of one of them.
    return space.problem.isFeasible(child)
  }

  /// Raises random knobs by one level each, `levels` times or until nothing fits.
  private func fill(
    _ child: inout [Int], levels: Int, except: Set<Int>, using random: inout SplitMix64
  ) {
    guard space.problem.isFeasible(child) else { return }
    var left = levels
    var totals = space.totals(of: child)
    while left > 0 {
      let before = left
      for k in child.indices.shuffled(using: &random) where left > 0 && !except.contains(k) {
        let place = rank[k][child[k]] + 1
        guard place < rank[k].count else { continue }
        let choice = space.levels[k][place]
        guard space.fits(child, totals: totals, knob: k, choice: choice) else { continue }
        child[k] = choice
        totals = space.totals(of: child)
        left -= 1
      }
      if left == before { return }
    }
  }

  /// One level three times of four, otherwise any number of them.
  private func jump(upTo most: Int, using random: inout SplitMix64) -> Int {
    Int.random(in: 0..<4, using: &random) > 0 ? 1 : Int.random(in: 1...most, using: &random)
  }
}
