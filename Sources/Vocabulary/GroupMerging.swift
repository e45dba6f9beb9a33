/// The groups of a table after tied groups became one and pins removed what was not chosen.
public struct MergedGroups: Sendable, Equatable {
  /// What may be chosen independently, in the order of their first members.
  ///
  /// A merged group is named after its first member; its losses and costs are its members' sums.
  public let groups: [GroupSensitivity]
  /// For every merged group, the indices of the table's groups in it, rising.
  public let members: [[Int]]
  /// `[merged group][candidate][member]`: the candidate's index among that member's own.
  public let candidates: [[[Int]]]

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
}

extension SensitivityTable {
  /// Makes one group of every set of tied groups, with the formats that all its members have.
  ///
  /// Losses, bytes and the other costs add up; standard errors add in squares, as of independent
  /// means. A tie that shares a group with another tie joins it.
  ///
  /// - Parameter pins: The format that a group must take, by the group's index.
  /// - Throws: `UserError` when a tie or pin names what is not there, or leaves nothing to choose.
  /// - Complexity: O(candidates · formats per group).
  public func merged(pins: [Int: String] = [:]) throws -> MergedGroups {
    let sets = try tiedSets()
    var merged: [GroupSensitivity] = []
    var candidates: [[[Int]]] = []
    for set in sets {
      let members = set.map { groups[$0] }
      var formats = try commonFormats(of: members)
      for (index, member) in zip(set, members) {
        guard let pin = pins[index] else { continue }
        guard member.candidates.contains(where: { $0.format == pin }) else {
          throw UserError(
            .usage,
            "'\(member.name)' cannot be pinned to '\(pin)'; it has: "
              + member.candidates.map(\.format).joined(separator: ", "))
        }
        let left = formats.filter { $0 == pin }
        guard !left.isEmpty else {
          throw UserError(
            .usage,
            "'\(member.name)' cannot be pinned to '\(pin)' because it is tied to "
              + members.filter { $0.name != member.name }.map { "'\($0.name)'" }
              .joined(separator: ", ") + ", which may only take: "
              + formats.joined(separator: ", "))
        }
        formats = left
      }
      let indices = formats.map { format in
        members.map { $0.candidates.firstIndex { $0.format == format } ?? 0 }
      }
      let sums = zip(formats, indices).map { format, index in
        Candidate(format: format, summing: zip(members, index).map { $0.candidates[$1] })
      }
      merged.append(
        GroupSensitivity(
          name: members[0].name, layers: members.flatMap(\.layers),
          weights: sum(members.map(\.weights)), candidates: sums))
      candidates.append(indices)
    }
    for index in pins.keys.sorted() where !groups.indices.contains(index) {
      fatalError("a pin on group \(index) of \(groups.count)")
    }
    return MergedGroups(groups: merged, members: sets, candidates: candidates)
  }

  /// The sets of groups that the ties join, each rising, in the order of their first members.
  private func tiedSets() throws -> [[Int]] {
    var index: [String: Int] = [:]
    for (g, group) in groups.enumerated() {
      guard index.updateValue(g, forKey: group.name) == nil else {
        throw UserError(.failed, "the table has two groups named '\(group.name)'")
      }
    }
    var parent = Array(groups.indices)
    func root(_ g: Int) -> Int {
      var g = g
      while parent[g] != g { g = parent[g] }
      return g
    }
    for tie in ties ?? [] {
      let members = try tie.map { name in
        guard let g = index[name] else {
          throw UserError(.failed, "the table ties '\(name)', which is none of its groups")
        }
        return root(g)
      }
      guard let first = members.min() else { continue }
      for member in members { parent[root(member)] = root(first) }
    }
    // The smallest index of a set need not be its root.
    var position: [Int: Int] = [:]
    var sets: [[Int]] = []
    for g in groups.indices {
      let r = root(g)
      if let p = position[r] {
        sets[p].append(g)
      } else {
        position[r] = sets.count
        sets.append([g])
      }
    }
    return sets
  }

  private func commonFormats(of members: [GroupSensitivity]) throws -> [String] {
    for member in members {
      let names = member.candidates.map(\.format)
      guard Set(names).count == names.count else {
        throw UserError(.failed, "group '\(member.name)' has a format twice in the table")
      }
      // Small enough that no sum over a table overflows, and that bytes are exact as `Double`.
      for candidate in member.candidates where !(0..<1 << 48).contains(candidate.bytes) {
        throw UserError(
          .failed,
          "\(candidate.bytes) bytes is no size for '\(member.name)' in '\(candidate.format)'")
      }
    }
    let formats = members[0].candidates.map(\.format).filter { format in
      members.dropFirst().allSatisfy { $0.candidates.contains { $0.format == format } }
    }
    guard !formats.isEmpty else {
      let names = members.map { "'\($0.name)'" }.joined(separator: ", ")
      throw UserError(
        .failed,
        members.count == 1
          ? "group \(names) has no candidates in the table"
          : "the tied groups \(names) have no format in common")
    }
    return formats
  }
}

extension Candidate {
  /// The candidate that stands for `parts` taken together.
  fileprivate init(format: String, summing parts: [Candidate]) {
    let errors = sum(parts.map { $0.standardError.map { $0 * $0 } })
    let raw =
      parts.contains { $0.rawLoss != nil }
      ? parts.reduce(0) { $0 + ($1.rawLoss ?? $1.loss) } : nil
    self.init(
      format: format, loss: parts.reduce(0) { $0 + $1.loss },
      standardError: parts.count == 1 ? parts[0].standardError : errors?.squareRoot(),
      rawLoss: raw, bytes: parts.reduce(0) { $0 + $1.bytes }, bops: sum(parts.map(\.bops)),
      latency: sum(parts.map(\.latency)))
  }
}

/// The sum, when every part is known.
private func sum<Number: AdditiveArithmetic>(_ parts: [Number?]) -> Number? {
  parts.reduce(.zero as Number?) { total, part in
    total.flatMap { total in part.map { total + $0 } }
  }
}
