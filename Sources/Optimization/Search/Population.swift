import Vocabulary

/// What population searches share: a memory of every trial, and children that were never measured.
struct Population {
  let problem: SearchProblem
  let size: Int
  private let variation: Variation
  private let pool: CandidatePool
  /// Every trial in the order of its telling.
  private(set) var trials: [Trial] = []
  private(set) var taken: Set<[Int]> = []

  /// - Throws: `UserError` for a malformed problem and one without a feasible point.
  init(_ problem: SearchProblem, size: Int, strategy: String) throws {
    try problem.requireWellFormed(for: strategy)
    self.problem = problem
    self.size = size
    variation = Variation(knobs: problem.knobs)
    pool = try CandidatePool(problem)
  }

  mutating func record(_ new: [Trial]) {
    for trial in new where taken.insert(trial.choices).inserted { trials.append(trial) }
  }

  /// The first points: the feasible seeds, well spread over their list, at most half of the
  /// population (all of it where there are few), and random ones.
  func founders(_ count: Int, using random: inout SplitMix64) -> [[Int]] {
    let seeds = spreadSeeds(atMost: max(1, (count + 1) / 2))
    let others = pool.points(without: Set(seeds), parents: feasibleSeeds, using: &random)
    return Array((seeds + others).prefix(count))
  }

  /// The first points of a search for a trade-off: at most `most` of the feasible seeds, well spread
  /// over their list, both ends of the knobs' levels and what is between them evenly, then random ones.
  func founders(
    _ count: Int, seeds most: Int, along levels: ChoiceLevels, using random: inout SplitMix64
  ) -> [[Int]] {
    var points = spreadSeeds(atMost: min(most, count))
    var seen = Set(points)
    let steps = count - points.count
    for step in 0..<steps {
      let isEnd = step == 0 || step == steps - 1
      let point = levels.point(
        at: steps > 1 ? Double(step) / Double(steps - 1) : 0.5, spread: isEnd ? 0 : 0.3,
        knobs: problem.knobs, using: &random)
      if let kept = pool.repaired(point, using: &random), seen.insert(kept).inserted {
        points.append(kept)
      }
    }
    points += pool.points(without: seen, parents: feasibleSeeds, using: &random)
    return Array(points.prefix(count))
  }

  /// The distinct seeds that keep the bounds.
  private var feasibleSeeds: [[Int]] {
    var seen: Set<[Int]> = []
    return problem.seeds.filter { problem.isFeasible($0) && seen.insert($0).inserted }
  }

  private func spreadSeeds(atMost most: Int) -> [[Int]] {
    let seeds = feasibleSeeds
    let share = min(seeds.count, most)
    return (0..<share).map { seeds[share > 1 ? $0 * (seeds.count - 1) / (share - 1) : 0] }
  }

  /// Children of the parents that `select` draws, feasible and never measured; random points where
  /// the parents have no new ones.
  func children(
    _ count: Int, using random: inout SplitMix64, select: (inout SplitMix64) -> [Int]
  ) -> [[Int]] {
    var children: [[Int]] = []
    var seen = taken
    let rate = 1 / Double(problem.knobs.count)
    for _ in 0..<20 * count where children.count < count {
      let (a, b) = (select(&random), select(&random))
      let child = variation.mutated(
        variation.crossed(a, b, using: &random), rate: rate, using: &random)
      guard let kept = pool.repaired(child, using: &random), seen.insert(kept).inserted else {
        continue
      }
      children.append(kept)
    }
    if children.count < count {
      let others = pool.points(without: seen, parents: trials.map(\.choices), using: &random)
      children += others.prefix(count - children.count)
    }
    return children
  }
}
