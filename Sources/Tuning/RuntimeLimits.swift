internal import Export
internal import Quantization
internal import Study
internal import Vocabulary

/// What a runtime's profile means for a plan: formats that groups must not take, and groups that must
/// take one format because the runtime computes them as one layer.
struct RuntimeLimits {
  /// By the group's index in the table.
  private(set) var exclusions: [Int: [String]] = [:]
  /// Names of groups.
  private(set) var ties: [[String]] = []

  /// - Throws: `UserError` when a group has no candidate that the runtime loads, with what it would.
  init(_ profile: RuntimeProfile, on source: PlanningSource) throws {
    let table = source.table
    let known = Dictionary((source.header?.layers ?? []).map { ($0.name, $0) }) { first, _ in first
    }
    for (index, group) in table.groups.enumerated() {
      var reason: String?
      let refused = try group.candidates.filter { candidate in
        let setting = try Setting.named(candidate.name)
        return group.layers.contains { name in
          let why = profile.refusal(
            of: setting, for: known[name]?.kind ?? .linear, shape: known[name]?.shape)
          reason = why ?? reason
          return why != nil
        }
      }
      guard refused.count < group.candidates.count else {
        let kind = known[group.layers.first ?? ""]?.kind ?? .linear
        let loaded = try Formats.all.map { try Setting.named($0.name) }.filter {
          profile.refusal(of: $0, for: kind, shape: known[group.layers.first ?? ""]?.shape) == nil
        }
        throw UserError(
          .failed,
          "'\(group.name)' has no candidate that \(profile.name) loads (\(reason ?? "none")); measure "
            + "it in one of: \(loaded.map(\.name).prefix(12).joined(separator: ", "))")
      }
      if !refused.isEmpty { exclusions[index] = refused.map(\.name) }
    }
    var group: [String: String] = [:]
    for item in table.groups { for layer in item.layers { group[layer] = item.name } }
    let layers = table.groups.flatMap(\.layers)
    ties = profile.fused(among: layers).map { set in
      set.members.compactMap { group[layers[$0]] }
    }
  }
}
