public import Vocabulary

/// What each step along a curve costs, saves and changes.
public enum FrontierStepsTable {
  /// A row for every step; of long lists of changes the first few are told.
  ///
  /// - Parameters:
  ///   - unit: The unit of the losses, e.g. `nats/token`.
  ///   - changes: How many changed groups a row names at most.
  public static func render(_ steps: [FrontierStep], unit: String, changes limit: Int = 3)
    -> String
  {
    guard !steps.isEmpty else { return "one policy and no steps\n" }
    var table = TextTable([
      ("from", .right), ("bpw", .right), ("costs", .right), ("saves (\(unit))", .right),
      ("saved per MB", .right), ("changes", .left),
    ])
    for step in steps {
      let named = step.changes.prefix(max(1, limit)).map { "\($0.group): \($0.from) → \($0.to)" }
      let rest = step.changes.count - named.count
      table.rows.append([
        shortSize(step.bytes), fixed(step.bpw, digits: 3), shortSize(step.extraBytes),
        significant(step.saved), significant(step.savedPerMegabyte),
        (named + (rest > 0 ? ["\(rest) more"] : [])).joined(separator: ", "),
      ])
    }
    return table.lines.map { $0 + "\n" }.joined()
  }
}
