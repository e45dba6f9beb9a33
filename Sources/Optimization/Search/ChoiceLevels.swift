package import Vocabulary

/// Where each choice of a knob stands between the knob's extremes.
package struct ChoiceLevels {
  /// `[knob][choice]`: from −0.5 for the first to 0.5 for the last; zero where there is no order.
  package let levels: [[Double]]
  /// `[knob]`: the choices from the first level to the last; empty where there is no order.
  package let orders: [[Int]]

  /// By the first cost that is an objective, otherwise by the index of ordered knobs.
  package init(_ problem: SearchProblem) {
    let cost = problem.objectives.lazy.compactMap { objective -> SearchProblem.Cost? in
      guard case .cost(let index) = objective else { return nil }
      return problem.costs[index]
    }.first
    orders = problem.knobs.indices.map { k in
      let choices = problem.knobs[k].choices.indices
      if let cost {
        return choices.sorted { (cost.values[k][$0], $0) < (cost.values[k][$1], $1) }
      }
      return problem.knobs[k].isOrdered ? Array(choices) : []
    }
    levels = zip(problem.knobs, orders).map { knob, order in
      var levels = [Double](repeating: 0, count: knob.choices.count)
      guard order.count > 1 else { return levels }
      for (place, choice) in order.enumerated() {
        levels[choice] = Double(place) / Double(order.count - 1) - 0.5
      }
      return levels
    }
  }

  /// A point whose knobs all stand near one level: good points of a trade-off do, random ones do not.
  ///
  /// - Parameters:
  ///   - level: From 0 to 1.
  ///   - spread: How far a knob may be away; 0 for none.
  package func point(
    at level: Double, spread: Double, knobs: [SearchProblem.Knob], using random: inout SplitMix64
  ) -> [Int] {
    zip(knobs, orders).map { knob, order in
      let count = knob.choices.count
      guard !order.isEmpty else { return Int.random(in: 0..<count, using: &random) }
      let place = level + spread * (2 * random.uniform() - 1)
      return order[min(max(Int((place * Double(count - 1)).rounded()), 0), count - 1)]
    }
  }
}
