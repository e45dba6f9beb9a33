public import Vocabulary

/// Why a runtime would not load what a policy asks for.
public struct RuntimeConflict: Codable, Hashable, Sendable {
  /// The layer, or the fused ones.
  public var layers: [String]
  /// Their formats, in the same order.
  public var formats: [String]
  /// Why, as one clause.
  public var reason: String
  /// The nearest format that the runtime loads for them, where there is one.
  public var nearest: String?

  /// One sentence.
  public var sentence: String {
    let named = zip(layers, formats).map { "\($0) (\($1))" }.joined(separator: ", ")
    return "\(named): \(reason)" + (nearest.map { "; the nearest that it loads is \($0)" } ?? "")
  }
}

extension RuntimeProfile {
  /// What stands between a policy and the runtime: single layers first, then fused ones.
  ///
  /// - Parameters:
  ///   - policy: Any policy.
  ///   - shapes: The layers' shapes by name; layers without one are not held to divisibility.
  /// - Throws: `UserError` when the policy names an unknown format.
  public func conflicts(in policy: Policy, shapes: [String: WeightShape] = [:]) throws
    -> [RuntimeConflict]
  {
    let settings = try policy.layers.map { try Setting.named($0.format) }
    let single = zip(policy.layers, settings).compactMap { layer, setting -> RuntimeConflict? in
      let shape = shapes[layer.name]
      guard let reason = refusal(of: setting, for: layer.kind, shape: shape) else { return nil }
      let nearest = setting.nearest { refusal(of: $0, for: layer.kind, shape: shape) == nil }
      return RuntimeConflict(
        layers: [layer.name], formats: [setting.name], reason: reason, nearest: nearest?.name)
    }
    let sets = fused(among: policy.layers.map(\.name)).filter { set in
      Set(set.members.map { settings[$0] }).count > 1
    }
    let mixed = sets.map { set in
      RuntimeConflict(
        layers: set.members.map { policy.layers[$0].name },
        formats: set.members.map { settings[$0].name },
        reason: "\(name) computes them as one layer, which has one format",
        nearest: common(set.members.map { (policy.layers[$0], settings[$0]) }, shapes)?.name)
    }
    return single + mixed
  }

  /// The widest of the members' own settings that all of them can have.
  private func common(
    _ members: [(layer: Policy.LayerChoice, setting: Setting)], _ shapes: [String: WeightShape]
  ) -> Setting? {
    members.map(\.setting).sorted { ($1.bits, $0.name) < ($0.bits, $1.name) }.first { setting in
      members.allSatisfy {
        refusal(of: setting, for: $0.layer.kind, shape: shapes[$0.layer.name]) == nil
      }
    }
  }
}
