/// Rows of text in columns that are as wide as they must be.
struct TextTable {
  /// Where a column's text begins.
  enum Alignment { case left, right }

  var titles: [String]
  var alignments: [Alignment]
  var rows: [[String]] = []

  init(_ columns: [(title: String, alignment: Alignment)]) {
    titles = columns.map(\.title)
    alignments = columns.map(\.alignment)
  }

  /// The lines: titles, a rule, the rows; two spaces between columns, none at the ends.
  var lines: [String] {
    let widths = titles.indices.map { column in
      ([titles] + rows).map { $0[column].count }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      var line = cells.indices.map { column in
        padded(cells[column], to: widths[column], right: alignments[column] == .right)
      }.joined(separator: "  ")
      while line.hasSuffix(" ") { line.removeLast() }
      return line
    }
    let rule = String(repeating: "─", count: widths.reduce(0, +) + 2 * (widths.count - 1))
    return [line(titles), rule] + rows.map(line)
  }
}
