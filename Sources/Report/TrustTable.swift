public import Vocabulary

/// A ``TrustReport`` for people.
public enum TrustTable {
  /// What the columns are called, and the cells of every row.
  private static func cells(_ report: TrustReport) -> (titles: [String], rows: [[String]]) {
    func correlation(_ value: Double?) -> String { value.map { fixed($0, digits: 3) } ?? "-" }
    let titles =
      ["estimator", "forward passes", "ρ singles", "τ singles", "ρ in a format", "ρ policies"]
      + report.budgets.map { "loss at \(significant($0)) bpw" } + ["regret"]
    let rows = report.rows.map { row -> [String] in
      var cells = [row.estimator, significant(row.forwardPasses, digits: 3)]
      cells.append(correlation(row.spearman))
      cells.append(correlation(row.kendall))
      cells.append(correlation(row.spearmanWithinFormats))
      cells.append(correlation(row.policySpearmanWithinBudgets))
      for (loss, excess) in zip(row.losses, row.excess) {
        // A star: the best found, or not surely worse than it.
        cells.append(significant(loss, digits: 3) + (excess.low <= 0 ? " *" : ""))
      }
      cells.append(fixed(row.meanRegret, digits: 2) + " x")
      return cells
    }
    return (titles, rows)
  }

  /// Lines of text: what was done, and a row for every estimator, the least regret first.
  public static func render(_ report: TrustReport) -> String {
    let (titles, rows) = cells(report)
    var table = TextTable(titles.enumerated().map { ($1, $0 == 0 ? .left : .right) })
    table.rows = rows
    return ([heading(report), ""] + table.lines + ["", legend(report)])
      .joined(separator: "\n")
  }

  /// The same in Markdown.
  public static func markdown(_ report: TrustReport) -> String {
    let (titles, rows) = cells(report)
    let rule = titles.indices.map { $0 == 0 ? "---" : "---:" }
    let lines = ([titles, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |" }
    return ([heading(report), ""] + lines + ["", legend(report)]).joined(separator: "\n") + "\n"
  }

  private static func heading(_ report: TrustReport) -> String {
    "\(report.model): \(report.rows.count) ways to score, against \(report.policies) random policies "
      + "and the best policy under each, on \(report.samples) held-out samples."
  }

  private static func legend(_ report: TrustReport) -> String {
    "ρ, τ: rank correlation (Spearman, Kendall) with \(report.reference) over groups and formats; over "
      + "groups at one format (mean); of predicted with measured loss among random policies of one budget "
      + "(mean). Losses in \(report.unit), of the best policy under the scores; * not surely worse than the "
      + "least found. Regret: loss over the least found, mean over the budgets."
  }
}
