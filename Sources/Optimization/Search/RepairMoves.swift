import Vocabulary

/// Steps from a point to cheaper ones, the most promising first: one knob a level down, or one up and
/// another down.
struct RepairMoves {
  /// By how much the prediction exceeds the headroom, and the change of the cost: small is good.
  private struct Score {
    var excess: Double
    var cost: Double
  }

  private var moves: [(knobs: [(knob: Int, choice: Int)], score: Score)]
  private var next = 0
  /// The steps up and down that are paired at most.
  private static let swapped = 64
  private let point: [Int]

  /// The moves from `point` that make the cost smaller.
  ///
  /// - Parameter headroom: The predicted loss that may be added.
  /// - Complexity: O(min(knobs, 64)²) swaps.
  init(
    from point: [Int], problem: SearchProblem, levels: BisectionLevels, cost: Int, headroom: Double
  ) {
    self.point = point
    let values = problem.costs[cost].values
    func step(_ k: Int, _ choice: Int) -> (cost: Double, loss: Double) {
      let loss = problem.prior.map { $0[k][choice] - $0[k][point[k]] } ?? 0
      return (values[k][choice] - values[k][point[k]], loss)
    }
    var downs: [(knob: Int, choice: Int, cost: Double, loss: Double)] = []
    var ups: [(knob: Int, choice: Int, cost: Double, loss: Double)] = []
    for k in levels.order {
      let ladder = levels.ladder[k]
      let here = values[k][point[k]]
      if let down = ladder.first(where: { values[k][$0] < here }) {
        let step = step(k, down)
        downs.append((k, down, step.cost, step.loss))
      }
      if let up = ladder.last(where: { values[k][$0] > here }) {
        let step = step(k, up)
        ups.append((k, up, step.cost, step.loss))
      }
    }
    // First what the prediction allows, the largest saving first; then what exceeds it least.
    func score(_ loss: Double, _ cost: Double) -> Score {
      loss > headroom ? Score(excess: loss - headroom, cost: cost) : Score(excess: 0, cost: cost)
    }
    let singles = downs.map {
      (knobs: [(knob: $0.knob, choice: $0.choice)], score: score($0.loss, $0.cost))
    }
    var swaps: [(knobs: [(knob: Int, choice: Int)], score: Score)] = []
    let nearest = Self.swapped
    ups = Array(ups.sorted { $0.loss < $1.loss }.prefix(nearest))
    let lowest = downs.sorted { $0.loss / -$0.cost < $1.loss / -$1.cost }.prefix(nearest)
    for up in ups {
      for down in lowest where down.knob != up.knob && up.cost + down.cost < 0 {
        swaps.append(
          (
            [(up.knob, up.choice), (down.knob, down.choice)],
            score(up.loss + down.loss, up.cost + down.cost)
          ))
      }
    }
    // Without a prediction single steps come first, in the order of the knobs.
    moves = singles + swaps
    if problem.prior != nil { Self.sort(&moves) }
  }

  private static func sort(_ moves: inout [(knobs: [(knob: Int, choice: Int)], score: Score)]) {
    let order = moves.indices.sorted {
      (moves[$0].score.excess, moves[$0].score.cost, $0)
        < (moves[$1].score.excess, moves[$1].score.cost, $1)
    }
    moves = order.map { [moves] in moves[$0] }
  }

  /// The next point, or nil when all moves are tried.
  mutating func pop() -> [Int]? {
    guard next < moves.count else { return nil }
    defer { next += 1 }
    var moved = point
    for (knob, choice) in moves[next].knobs { moved[knob] = choice }
    return moved
  }
}
