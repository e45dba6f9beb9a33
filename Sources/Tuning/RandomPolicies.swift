internal import Vocabulary

/// Policies that say nothing: random formats, made to use up a budget.
struct RandomPolicies {
  private let table: SensitivityTable
  private let limit: Int

  /// - Throws: `UserError` of kind infeasible when even the smallest formats are beyond the budget.
  init(_ table: SensitivityTable, bitsPerWeight: Double) throws {
    self.table = table
    limit = Int(bitsPerWeight * Double(table.weights ?? 0) / 8)
    let smallest = table.groups.reduce(0) { $0 + ($1.candidates.map(\.bytes).min() ?? 0) }
    guard smallest <= limit else {
      throw UserError(
        .infeasible,
        "no policy keeps \(significant(bitsPerWeight)) bpw; the smallest possible is "
          + "\(fixed(8 * Double(smallest) / Double(max(1, table.weights ?? 1)), digits: 3)) bpw")
    }
  }

  /// `count` policies within the budget: a random format for every group, then random groups a size down
  /// until it fits, then random groups a size up as long as it fits.
  ///
  /// - Returns: Candidate indices per group.
  func policies(_ count: Int, using generator: inout SplitMix64) throws -> [[Int]] {
    let order = table.groups.map { group in
      group.candidates.indices.sorted { group.candidates[$0].bytes < group.candidates[$1].bytes }
    }
    return (0..<count).map { _ in
      var ranks = order.map { Int(generator.next() % UInt64($0.count)) }
      func size(_ group: Int, _ rank: Int) -> Int {
        table.groups[group].candidates[order[group][rank]].bytes
      }
      var bytes = ranks.indices.reduce(0) { $0 + size($1, ranks[$1]) }
      while bytes > limit {
        let movable = ranks.indices.filter { ranks[$0] > 0 }
        let group = movable[Int(generator.next() % UInt64(movable.count))]
        bytes += size(group, ranks[group] - 1) - size(group, ranks[group])
        ranks[group] -= 1
      }
      var groups = Array(ranks.indices)
      groups.shuffle(using: &generator)
      for group in groups where ranks[group] + 1 < order[group].count {
        let more = size(group, ranks[group] + 1) - size(group, ranks[group])
        guard bytes + more <= limit else { continue }
        bytes += more
        ranks[group] += 1
      }
      return zip(order, ranks).map { $0[$1] }
    }
  }
}
