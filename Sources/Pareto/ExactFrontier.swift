public import Vocabulary

extension Frontier {
  /// Every non-dominated policy of the additive model.
  ///
  /// A dynamic programme over the groups that keeps the partial policies no other beats. Their number
  /// is at most the range of the bytes over the bytes' common divisor: some thousands for a network
  /// of regular layers, without bound for one of irregular ones. Pins and ties as for
  /// ``hull(of:model:pins:)``.
  ///
  /// Source: Nemhauser and Ullmann, "Discrete dynamic programming and capital allocation", 1969.
  ///
  /// - Parameters:
  ///   - table: The losses and bytes of every group.
  ///   - model: The model's name, for titles.
  ///   - pins: The format that a group must take, by the group's index.
  ///   - maximumStates: How many partial policies may be kept over all groups, 24 bytes each.
  /// - Throws: `UserError` when pins or ties leave nothing to choose, a loss is not finite, or the
  ///   curve has too many points; the hull is there for any table.
  public static func exact(
    of table: SensitivityTable, model: String, pins: [Int: String] = [:],
    maximumStates: Int = 20_000_000
  ) throws -> Frontier {
    let merged = try table.merged(pins: pins)
    var stages = [[PartialPolicy(bytes: 0, loss: 0, parent: 0, candidate: 0)]]
    var kept = 1
    let unit = byteUnit(merged.groups)
    for group in merged.groups {
      if let bad = group.candidates.first(where: { !$0.loss.isFinite }) {
        throw UserError(.failed, "'\(group.name)' has a loss of \(bad.loss) in '\(bad.format)'")
      }
      let previous = stages[stages.count - 1]
      guard previous.count * group.candidates.count <= maximumStates else {
        throw Self.tooMany(maximumStates)
      }
      let next = unbeaten(previous, extendedBy: group.candidates, unit: unit)
      kept += next.count
      guard kept <= maximumStates else { throw Self.tooMany(maximumStates) }
      stages.append(next)
    }
    let weights = table.weights ?? 0
    var points: [Point] = []
    for end in stages[stages.count - 1] {
      var choices = [Int](repeating: 0, count: merged.groups.count)
      var state = end
      for g in choices.indices.reversed() {
        choices[g] = Int(state.candidate)
        state = stages[g][Int(state.parent)]
      }
      let point = Point(table, choices: merged.choices(choices), weights: weights)
      // Sums in another order may tie what differed by rounding.
      if points.last.map({ point.loss < $0.loss }) ?? true { points.append(point) }
    }
    return Frontier(
      table, model: model, kind: .exact, points: points,
      baselines: UniformPolicy.all(of: table, pins: pins).map(\.baseline))
  }

  private static func tooMany(_ limit: Int) -> UserError {
    UserError(
      .failed,
      "the exact frontier needs more than \(limit) partial policies; take the hull instead")
  }
}

private struct PartialPolicy {
  var bytes: Int
  var loss: Double
  var parent: Int32
  var candidate: Int32
}

/// The largest number of bytes of which all differences between a group's candidates are multiples.
private func byteUnit(_ groups: [GroupSensitivity]) -> Int {
  var unit = 0
  for group in groups {
    for candidate in group.candidates {
      var (a, b) = (unit, abs(candidate.bytes - group.candidates[0].bytes))
      while b != 0 { (a, b) = (b, a % b) }
      unit = a
    }
  }
  return max(1, unit)
}

/// The policies of one more group that no other beats, rising in bytes and falling in loss.
///
/// Where the sizes that there can be are no more than the policies to compare, one pass keeps the
/// best of each size; otherwise they are sorted.
private func unbeaten(
  _ policies: [PartialPolicy], extendedBy candidates: [Candidate], unit: Int
) -> [PartialPolicy] {
  let sizes = candidates.map(\.bytes)
  let least = policies[0].bytes + (sizes.min() ?? 0)
  let most = policies[policies.count - 1].bytes + (sizes.max() ?? 0)
  var extended: [PartialPolicy]
  if (most - least) / unit < 2 * policies.count * candidates.count {
    extended = bestOfEachSize(
      policies, extendedBy: candidates, unit: unit, sizes: least...most)
  } else {
    extended = []
    extended.reserveCapacity(policies.count * candidates.count)
    for (parent, policy) in policies.enumerated() {
      for (index, candidate) in candidates.enumerated() {
        extended.append(
          PartialPolicy(
            bytes: policy.bytes + candidate.bytes, loss: policy.loss + candidate.loss,
            parent: Int32(parent), candidate: Int32(index)))
      }
    }
    extended.sort {
      ($0.bytes, $0.loss, $0.parent, $0.candidate) < ($1.bytes, $1.loss, $1.parent, $1.candidate)
    }
  }
  var kept: [PartialPolicy] = []
  for policy in extended {
    if let last = kept.last, policy.loss >= last.loss { continue }
    kept.append(policy)
  }
  return kept
}

/// For each size the policy of the smallest loss, of equal ones that of the first parent and
/// candidate; rising in bytes.
private func bestOfEachSize(
  _ policies: [PartialPolicy], extendedBy candidates: [Candidate], unit: Int,
  sizes: ClosedRange<Int>
) -> [PartialPolicy] {
  let nobody = PartialPolicy(bytes: 0, loss: .infinity, parent: -1, candidate: 0)
  let count = (sizes.upperBound - sizes.lowerBound) / unit + 1
  var best = [PartialPolicy](repeating: nobody, count: count)
  for (index, candidate) in candidates.enumerated() {
    let (bytes, loss) = (candidate.bytes, candidate.loss)
    for (parent, policy) in policies.enumerated() {
      let policy = PartialPolicy(
        bytes: policy.bytes + bytes, loss: policy.loss + loss, parent: Int32(parent),
        candidate: Int32(index))
      let place = (policy.bytes - sizes.lowerBound) / unit
      let other = best[place]
      if other.parent < 0 || policy.loss < other.loss
        || (policy.loss == other.loss && policy.parent < other.parent)
      {
        best[place] = policy
      }
    }
  }
  return best.filter { $0.parent >= 0 }
}
