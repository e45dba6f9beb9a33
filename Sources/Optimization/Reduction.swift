import Vocabulary

/// The candidates of a problem that may still be in the answer, stored flat.
///
/// Candidate `i` belongs to group `group[i]`; those of group `g` are `starts[g]..<starts[g + 1]`.
struct Reduction: Sendable {
  /// First candidate of every group, and the end.
  private(set) var starts: [Int] = [0]
  /// What is minimised.
  private(set) var objective: [Double] = []
  /// Costs, `[candidate · constraints + constraint]`.
  private(set) var costs: [Double] = []
  /// The candidate's index within its group of the problem.
  private(set) var original: [Int] = []
  /// The candidate's group.
  private(set) var group: [Int] = []
  /// The bounds, tightened to the costs' common divisor.
  private(set) var limits: [Double]
  /// The problem's constraints that are kept here (those with a finite limit).
  let constraints: [Int]

  var groupCount: Int { starts.count - 1 }
  var width: Int { constraints.count }
  var count: Int { objective.count }

  func candidates(_ g: Int) -> Range<Int> { starts[g]..<starts[g + 1] }
  func cost(_ i: Int, _ k: Int) -> Double { costs[i * width + k] }

  /// The candidates of `problem` that no other of their group beats.
  ///
  /// `a` beats `b` when its objective and every cost are at most as large, and one is smaller or
  /// `a` comes first: some optimum uses no beaten candidate.
  ///
  /// - Complexity: O(candidates · candidates kept per group · constraints).
  init(_ problem: AssignmentProblem) {
    constraints = problem.constraints.indices.filter { problem.constraints[$0].limit < .infinity }
    let kept = constraints.map { problem.constraints[$0] }
    limits = kept.map(\.limit)
    for (g, losses) in problem.objective.enumerated() {
      for j in Self.unbeaten(losses, kept.map { $0.cost[g] }) {
        objective.append(losses[j])
        for constraint in kept { costs.append(constraint.cost[g][j]) }
        original.append(j)
        group.append(g)
      }
      starts.append(objective.count)
    }
    for k in limits.indices { tighten(k) }
  }

  /// The candidates of one group that no other beats, rising.
  private static func unbeaten(_ losses: [Double], _ costs: [[Double]]) -> [Int] {
    func precedes(_ a: Int, _ b: Int) -> Bool {
      if losses[a] != losses[b] { return losses[a] < losses[b] }
      for cost in costs where cost[a] != cost[b] { return cost[a] < cost[b] }
      return a < b
    }
    var kept: [Int] = []
    // In this order only an earlier candidate can beat a later one, and one that is kept does if any.
    for j in losses.indices.sorted(by: precedes)
    where !kept.contains(where: { a in costs.allSatisfy { $0[a] <= $0[j] } }) {
      kept.append(j)
    }
    return kept.sorted()
  }

  /// Lowers a limit to the nearest sum that whole-numbered costs can reach.
  ///
  /// Sums of costs differ by multiples of the greatest common divisor of the differences within the
  /// groups; a limit between two multiples only weakens the bounds.
  private mutating func tighten(_ k: Int) {
    let exact = 9.007_199_254_740_992e15  // 2^53: above it Double skips whole numbers
    var base = 0.0
    var divisor = 0
    for g in 0..<groupCount {
      let first = cost(starts[g], k)
      for i in candidates(g) {
        let value = cost(i, k)
        guard value.rounded() == value, abs(value) < exact / Double(max(groupCount, 1)) else {
          return
        }
        divisor = greatestCommonDivisor(divisor, Int(abs(value - first)))
      }
      base += first
    }
    guard divisor > 0, abs(limits[k]) < exact else { return }
    limits[k] = base + ((limits[k] - base) / Double(divisor)).rounded(.down) * Double(divisor)
  }

  /// Keeps the candidates for which `keep` is true; every group must keep one.
  mutating func filter(_ keep: (Int) -> Bool) {
    var out = 0
    var newStarts = [0]
    for g in 0..<groupCount {
      for i in candidates(g) where keep(i) {
        objective[out] = objective[i]
        original[out] = original[i]
        group[out] = g
        for k in 0..<width { costs[out * width + k] = costs[i * width + k] }
        out += 1
      }
      newStarts.append(out)
    }
    objective.removeLast(objective.count - out)
    original.removeLast(original.count - out)
    group.removeLast(group.count - out)
    costs.removeLast(costs.count - out * width)
    starts = newStarts
  }

  /// Candidates of this reduction, one per group, as indices into the problem's groups.
  func choices(_ chosen: [Int]) -> [Int] { chosen.map { original[$0] } }

  /// The candidates with the given indices into the problem's groups, all of which must be kept.
  func positions(_ choices: [Int]) -> [Int] {
    choices.enumerated().map { g, choice in
      candidates(g).first { original[$0] == choice } ?? starts[g]
    }
  }

  /// The sums of the costs of `chosen`.
  func totals(_ chosen: [Int]) -> [Double] {
    var sums = [Double](repeating: 0, count: width)
    for i in chosen { for k in 0..<width { sums[k] += cost(i, k) } }
    return sums
  }

  /// The sum of the objective over `chosen`.
  func value(_ chosen: [Int]) -> Double { chosen.reduce(0) { $0 + objective[$1] } }
}

func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
  var (a, b) = (a, b)
  while b != 0 { (a, b) = (b, a % b) }
  return a
}
