/// The groups of a table after those that are chosen together became one, and pins and exclusions
/// removed what may not be chosen.
public struct MergedGroups: Sendable, Equatable {
  /// What may be chosen independently, in the order of their first members.
  ///
  /// A merged group is named after its first member; its losses and costs are its members' sums, or
  /// those of the kernels that compute several of them.
  public let groups: [GroupSensitivity]
  /// For every merged group, the indices of the table's groups in it, rising.
  public let members: [[Int]]
  /// `[merged group][candidate][member]`: the candidate's index among that member's own.
  public let candidates: [[[Int]]]
  /// `[merged group][candidate]`: the sets of the table's groups that one kernel computes.
  public let kernels: [[[[Int]]]]

  /// One candidate index per group of the table, from one per merged group.
  ///
  /// - Parameter merged: Candidate index per merged group.
  public func choices(_ merged: [Int]) -> [Int] {
    guard merged.count == groups.count else {
      fatalError("choices for \(groups.count) merged groups expected, got \(merged.count)")
    }
    var result = [Int](repeating: 0, count: members.reduce(0) { $0 + $1.count })
    for (g, choice) in merged.enumerated() {
      for (member, candidate) in zip(members[g], candidates[g][choice]) {
        result[member] = candidate
      }
    }
    return result
  }

  /// The sets of the table's groups that share a kernel under one candidate index per merged group.
  public func fused(_ merged: [Int]) -> [[Int]] {
    zip(kernels, merged).flatMap { $0[$1] }
  }
}

extension SensitivityTable {
  /// Makes one group of every set of groups that are chosen together.
  ///
  /// Tied groups have the candidates that all have. Groups with a ``Fusion`` have every combination
  /// of their candidates and kernels, since what one of them takes decides what the kernels cost:
  /// the problem stays a choice of one candidate per group, for every optimizer.
  ///
  /// Losses, bytes and the other costs add up; standard errors add in squares, as of independent
  /// means. A tie that shares a group with another tie joins it.
  ///
  /// - Parameters:
  ///   - pins: The format that a group must take, by the group's index.
  ///   - exclusions: Formats that a group must not take, by the group's index.
  /// - Throws: `UserError` when a tie, fusion or pin names what is not there, or leaves nothing to
  ///   choose.
  /// - Complexity: O(candidates · formats per group); a fusion of m groups with F formats has Fᵐ
  ///   combinations, of which at most 100 000 are taken.
  public func merged(
    pins: [Int: String] = [:], exclusions: [Int: [String]] = [:]
  ) throws -> MergedGroups {
    for index in (Array(pins.keys) + exclusions.keys).sorted() where !groups.indices.contains(index)
    {
      fatalError("a pin or an exclusion on group \(index) of \(groups.count)")
    }
    let index = try groupIndices()
    let sets = try tiedSets(index).map {
      ChoiceSet(self, $0, candidates: try permitted(of: $0, pins, exclusions))
    }
    let fused = try FusedSets(fusions ?? [], sets, index)
    return MergedGroups(
      groups: fused.merged.map(\.group), members: fused.merged.map(\.members),
      candidates: fused.merged.map(\.candidates), kernels: fused.merged.map(\.kernels))
  }

  private func groupIndices() throws -> [String: Int] {
    var index: [String: Int] = [:]
    for (g, group) in groups.enumerated() {
      guard index.updateValue(g, forKey: group.name) == nil else {
        throw UserError(.failed, "the table has two groups named '\(group.name)'")
      }
    }
    return index
  }

  /// The sets of groups that the ties join, each rising, in the order of their first members.
  private func tiedSets(_ index: [String: Int]) throws -> [[Int]] {
    var joined = DisjointSets(count: groups.count)
    for tie in ties ?? [] {
      let members = try tie.map { name in
        guard let g = index[name] else {
          throw UserError(.failed, "the table ties '\(name)', which is none of its groups")
        }
        return g
      }
      joined.join(members)
    }
    return joined.sets
  }

  /// The names of the candidates that all members have and that pins and exclusions leave.
  private func permitted(
    of set: [Int], _ pins: [Int: String], _ exclusions: [Int: [String]]
  ) throws -> [String] {
    let members = set.map { groups[$0] }
    var names = try commonCandidates(of: members)
    for (index, member) in zip(set, members) {
      guard let pin = pins[index] else { continue }
      let meant = member.candidates.filter { $0.answers(to: pin) }.map(\.name)
      guard !meant.isEmpty else {
        throw UserError(
          .usage,
          "'\(member.name)' cannot be pinned to '\(pin)'; it has: "
            + member.candidates.map(\.name).joined(separator: ", "))
      }
      let left = names.filter(meant.contains)
      guard !left.isEmpty else {
        throw UserError(
          .usage,
          "'\(member.name)' cannot be pinned to '\(pin)' because it is tied to "
            + members.filter { $0.name != member.name }.map { "'\($0.name)'" }
            .joined(separator: ", ") + ", which may only take: "
            + names.joined(separator: ", "))
      }
      names = left
    }
    for (index, member) in zip(set, members) {
      let excluded = exclusions[index] ?? []
      let left = names.filter { name in
        !member.candidates.contains { $0.name == name && excluded.contains(where: $0.answers) }
      }
      guard !left.isEmpty else {
        throw UserError(
          .usage,
          "excluding \(excluded.joined(separator: ", ")) leaves '\(member.name)' nothing; it may take: "
            + names.joined(separator: ", "))
      }
      names = left
    }
    return names
  }

  private func commonCandidates(of members: [GroupSensitivity]) throws -> [String] {
    for member in members {
      let names = member.candidates.map(\.name)
      guard Set(names).count == names.count else {
        throw UserError(.failed, "group '\(member.name)' has a format twice in the table")
      }
      // Small enough that no sum over a table overflows, and that bytes are exact as `Double`.
      for candidate in member.candidates where !(0..<1 << 48).contains(candidate.bytes) {
        throw UserError(
          .failed,
          "\(candidate.bytes) bytes is no size for '\(member.name)' in '\(candidate.name)'")
      }
    }
    let names = members[0].candidates.map(\.name).filter { name in
      members.dropFirst().allSatisfy { $0.candidates.contains { $0.name == name } }
    }
    guard !names.isEmpty else {
      let tied = members.map { "'\($0.name)'" }.joined(separator: ", ")
      throw UserError(
        .failed,
        members.count == 1
          ? "group \(tied) has no candidates in the table"
          : "the tied groups \(tied) have no format in common")
    }
    return names
  }
}
