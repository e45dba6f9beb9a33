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
  /// A group without the format (a shape that it refuses) takes the same width per channel,
  /// `int4-channel` for `int4-g64`; where that is not there either, the format makes no policy.
  /// Pinned groups keep their pin.
  ///
  /// - Parameter pins: The format that a group must take, by the group's index.
  public static func all(
    of table: SensitivityTable, pins: [Int: String] = [:]
  ) -> [UniformPolicy] {
    var seen: Set<String> = []
    let formats = table.groups.flatMap { $0.candidates.map(\.name) }.filter {
      seen.insert($0).inserted
    }
    var found: Set<[Int]> = []
    return formats.compactMap { format in
      var choices: [Int] = []
      for (g, group) in table.groups.enumerated() {
        let wanted = pins[g] ?? format
        // A group whose input cannot be rounded (a table) has the weight's format alone.
        let names = [wanted, standIn(wanted)].flatMap { [$0, weightFormat($0)] }
        let found = names.lazy.compactMap { name in
          group.candidates.firstIndex { $0.name == name }
        }.first
        guard let choice = found else { return nil }
        choices.append(choice)
      }
      // Names that come to the same choices (one of them refused everywhere) are one policy.
      guard found.insert(choices).inserted else { return nil }
      let point = Frontier.Point(table, choices: choices)
      return UniformPolicy(
        format: format, choices: choices,
        baseline: Frontier.Baseline(
          name: "uniform \(format)", bytes: point.bytes, bpw: point.bpw, loss: point.loss))
    }
  }

  /// The format that takes the place of a refused one: the same width and symmetry per channel.
  private static func standIn(_ format: String) -> String {
    let weight = weightFormat(format)
    let parts = weight.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count > 1 else { return format }
    return ([parts[0], "channel"] + parts.dropFirst(2)).joined(separator: "-")
      + format.dropFirst(weight.count)
  }

  /// The part of a candidate's name that is the weight's.
  private static func weightFormat(_ name: String) -> String {
    String(name.prefix { $0 != "/" })
  }
}
