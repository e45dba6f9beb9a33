/// The partial choices of a ``Reduction`` that none other beats, one group after the other.
struct PartialChoices {
  private struct State {
    /// Objective of the part.
    var value: Double
    /// Reduced costs of the part.
    var excess: Double
    /// The state of the stage before that this one continues, and the candidate it adds.
    var parent: Int32
    var candidate: Int32
  }

  private let reduction: Reduction
  private let reducedCosts: [Double]
  private let ceiling: Double
  /// Groups with a choice left, those with the most to tell apart first.
  private let order: [Int]
  private let settled: [Int]
  /// Least cost of the groups from a stage on, `[stage · constraints + constraint]`.
  private var rest: [Double]
  private var stages: [[State]] = []
  private var lastCosts: [Double] = []

  /// States kept over all stages: 24 bytes each.
  private static let capacity = 20_000_000

  /// - Parameter ceiling: Partial choices whose reduced costs reach this are of no use.
  init(_ reduction: Reduction, _ relaxation: Relaxation, below ceiling: Double) {
    self.reduction = reduction
    self.ceiling = ceiling
    let reduced = relaxation.reducedCosts(reduction)
    reducedCosts = reduced
    settled = relaxation.chosen
    let spread = (0..<reduction.groupCount).map { g in
      reduction.candidates(g).reduce(0) { $0 + reduced[$1] }
    }
    order = (0..<reduction.groupCount).filter { reduction.candidates($0).count > 1 }
      .sorted { (spread[$1], $0) < (spread[$0], $1) }
    let width = reduction.width
    rest = [Double](repeating: 0, count: (order.count + 1) * width)
    for k in 0..<width {
      for g in 0..<reduction.groupCount where reduction.candidates(g).count == 1 {
        rest[order.count * width + k] += reduction.cost(reduction.starts[g], k)
      }
      for (stage, g) in order.enumerated().reversed() {
        let least = reduction.candidates(g).map { reduction.cost($0, k) }.min() ?? 0
        rest[stage * width + k] = rest[(stage + 1) * width + k] + least
      }
    }
  }

  /// Fills the table.
  ///
  /// - Returns: Whether it was completed within time and memory.
  mutating func run(until deadline: ContinuousClock.Instant) -> Bool {
    let width = reduction.width
    stages = [[State(value: 0, excess: 0, parent: -1, candidate: -1)]]
    lastCosts = [Double](repeating: 0, count: width)
    var kept = 1
    // Sums of fractions in another order may miss a limit by rounding; the caller adds up anew.
    let limits = (0..<width).map { reduction.limits[$0] + 1e-12 * abs(reduction.limits[$0]) }
    for (stage, g) in order.enumerated() {
      guard ContinuousClock.now < deadline else { return false }
      var states: [State] = []
      var costs: [Double] = []
      for (parent, state) in stages[stage].enumerated() {
        for i in reduction.candidates(g) {
          guard state.excess + reducedCosts[i] < ceiling else { continue }
          var fits = true
          for k in 0..<width {
            let cost = lastCosts[parent * width + k] + reduction.cost(i, k)
            fits = fits && cost + rest[(stage + 1) * width + k] <= limits[k]
            costs.append(cost)
          }
          guard fits else {
            costs.removeLast(width)
            continue
          }
          states.append(
            State(
              value: state.value + reduction.objective[i], excess: state.excess + reducedCosts[i],
              parent: Int32(parent), candidate: Int32(i)))
        }
      }
      (states, lastCosts) = unbeaten(states, costs)
      stages.append(states)
      kept += states.count
      guard kept <= Self.capacity else { return false }
    }
    return true
  }

  /// Drops states that another one beats: exactly for one cost, most of them for more.
  private func unbeaten(_ states: [State], _ costs: [Double]) -> ([State], [Double]) {
    let width = reduction.width
    guard width > 0 else {
      let best = states.min { $0.value < $1.value }
      return (best.map { [$0] } ?? [], [])
    }
    let sorted = states.indices.sorted {
      (costs[$0 * width], states[$0].value, $0) < (costs[$1 * width], states[$1].value, $1)
    }
    var kept: [State] = []
    var keptCosts: [Double] = []
    for s in sorted {
      // All that are kept cost no more of the first budget. For one budget the last of them is
      // the one that loses least; for more, looking back a little drops nearly as many as looking
      // at all.
      let beaten = (max(0, kept.count - (width == 1 ? 1 : 200))..<kept.count).contains { other in
        guard kept[other].value <= states[s].value else { return false }
        for k in 1..<max(width, 1) where keptCosts[other * width + k] > costs[s * width + k] {
          return false
        }
        return true
      }
      guard !beaten else { continue }
      kept.append(states[s])
      keptCosts.append(contentsOf: costs[s * width..<(s + 1) * width])
    }
    return (kept, keptCosts)
  }

  /// Every complete choice in the table, the least objective first.
  var complete: some Sequence<[Int]> {
    let last = stages[stages.count - 1]
    return last.indices.sorted { (last[$0].value, $0) < (last[$1].value, $1) }.lazy.map { end in
      var chosen = settled
      var state = last[end]
      for stage in stride(from: order.count, to: 0, by: -1) {
        chosen[order[stage - 1]] = Int(state.candidate)
        state = stages[stage - 1][Int(state.parent)]
      }
      return chosen
    }
  }
}
