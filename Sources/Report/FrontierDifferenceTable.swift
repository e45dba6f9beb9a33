public import Vocabulary

/// Two curves of one model side by side.
public enum FrontierDifferenceTable {
  /// The losses at some sizes, spread evenly over the rows, and who is ahead in all.
  ///
  /// - Parameters:
  ///   - first: What the first curve is called.
  ///   - second: What the second curve is called.
  ///   - limit: How many sizes are told at most, at least 2.
  public static func render(
    _ difference: FrontierDifference, first: String, second: String, rows limit: Int = 16
  ) -> String {
    let rows = difference.rows
    let shown =
      rows.count <= max(2, limit)
      ? Array(rows.indices)
      : (0..<max(2, limit)).map { $0 * (rows.count - 1) / (max(2, limit) - 1) }
    var table = TextTable([
      ("size", .right), ("first", .right), ("second", .right), ("second − first", .right),
      ("better", .left),
    ])
    for row in shown.map({ rows[$0] }) {
      let better = row.difference > 0 ? "first" : row.difference < 0 ? "second" : "equal"
      table.rows.append([
        shortSize(row.bytes), significant(row.first), significant(row.second),
        significant(row.difference),
        row.overlaps == true && row.difference != 0 ? "\(better), intervals overlap" : better,
      ])
    }
    let equal = rows.count - difference.firstBetter - difference.secondBetter
    var lines = [
      "\(difference.model): \(difference.measured ? "measured" : "predicted") loss in "
        + difference.unit,
      "first: \(first)", "second: \(second)",
    ]
    lines += table.lines
    lines.append(
      "of \(rows.count) sizes the first is better at \(difference.firstBetter), "
        + "the second at \(difference.secondBetter), equal at \(equal)")
    let change =
      difference.firstHypervolume > 0
      ? " (\(percent(difference.hypervolumeDifference / difference.firstHypervolume)))" : ""
    lines.append(
      "hypervolume: \(significant(difference.firstHypervolume, digits: 4)) and "
        + "\(significant(difference.secondHypervolume, digits: 4))\(change)")
    if let disagreement = difference.disagreement {
      lines.append("careful, these are different measurements: \(disagreement)")
    }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func percent(_ share: Double) -> String {
    let text = "\(significant(100 * share)) %"
    return share > 0 ? "+" + text : text
  }
}
