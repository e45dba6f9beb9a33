public import Vocabulary

/// One format for the whole model: what a policy has to beat.
public struct UniformPolicy: Sendable, Equatable {
  /// The format.
  public var format: String
  /// Candidate index per group of the table.
  public var choices: [Int]
  /// Its place in the plane, named `uniform <format>`.
  public var baseline: Frontier.Baseline

  /// The uniform policies of `table`, one per format, in the order in which formats first appear.
  ///
  /// A group without the format (a shape that it refuses) takes its first candidate of the same
  /// width, e.g. `int4-channel` for `int4-g64`; where there is none, the format makes no policy.
  /// Pinned groups keep their pin.
  ///
  /// - Parameter pins: The format that a group must take, by the group's index.
  public static func all(
    of table: SensitivityTable, pins: [Int: String] = [:]
  ) -> [UniformPolicy] {
    var seen: Set<String> = []
    let formats = table.groups.flatMap { $0.candidates.map(\.format) }.filter {
      seen.insert($0).inserted
    }
    // Names that come to the same choices are one policy, called by the name that most groups have:
    // where the first layer takes no groups of 64, int4-channel must not name what is int4-g64 else.
    var best: [[Int]: (format: String, own: Int)] = [:]
    var order: [[Int]] = []
    for format in formats {
      var choices: [Int] = []
      var own = 0
      for (g, group) in table.groups.enumerated() {
        let wanted = pins[g] ?? format
        let exact = group.candidates.firstIndex { $0.format == wanted }
        let near = group.candidates.firstIndex { width($0.format) == width(wanted) }
        guard let choice = exact ?? near else { break }
        if exact != nil { own += 1 }
        choices.append(choice)
      }
      guard choices.count == table.groups.count else { continue }
      if let known = best[choices] {
        if own > known.own { best[choices] = (format, own) }
      } else {
        best[choices] = (format, own)
        order.append(choices)
      }
    }
    return order.compactMap { choices in
      guard let format = best[choices]?.format else { return nil }
      let point = Frontier.Point(table, choices: choices)
      return UniformPolicy(
        format: format, choices: choices,
        baseline: Frontier.Baseline(
          name: "uniform \(format)", bytes: point.bytes, bpw: point.bpw, loss: point.loss))
    }
  }

  /// What comes before the first hyphen.
  private static func width(_ format: String) -> Substring { format.prefix { $0 != "-" } }
}
