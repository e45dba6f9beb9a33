/// Sibling modules that a runtime computes as one matrix, which then has one format.
public struct FusedParts: Hashable, Sendable {
  /// The last component of the siblings' names.
  public var parts: [String]
  /// The last component of the whole's name.
  public var whole: String

  /// `parts` that become `whole`.
  public init(parts: [String], whole: String) {
    self.parts = parts
    self.whole = whole
  }

  /// What vLLM fuses in decoders, with its Mixtral names.
  static let vLLM = [
    FusedParts(parts: ["q_proj", "k_proj", "v_proj"], whole: "qkv_proj"),
    FusedParts(parts: ["gate_proj", "up_proj"], whole: "gate_up_proj"),
    FusedParts(parts: ["w1", "w3"], whole: "w13"),
  ]
}

/// Layers that are fused.
public struct FusedLayers: Hashable, Sendable {
  /// The whole's full name.
  public var whole: String
  /// Indices of the siblings, two or more, in the order of the names.
  public var members: [Int]
}

extension [FusedParts] {
  /// The sets of siblings among layers, in the order of their first members.
  public func fused(among names: [String]) -> [FusedLayers] {
    var sets: [FusedLayers] = []
    var known: [String: Int] = [:]
    for (index, name) in names.enumerated() {
      let dot = name.lastIndex(of: ".").map { name.index(after: $0) } ?? name.startIndex
      let last = String(name[dot...])
      guard let parts = first(where: { $0.parts.contains(last) }) else { continue }
      let whole = name[..<dot] + parts.whole
      if let set = known[String(whole)] {
        sets[set].members.append(index)
      } else {
        known[String(whole)] = sets.count
        sets.append(FusedLayers(whole: String(whole), members: [index]))
      }
    }
    return sets.filter { $0.members.count > 1 }
  }
}
