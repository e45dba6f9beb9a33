/// Rows of figures as they are printed.
enum BenchTable {
  /// Columns as wide as their widest cell, two spaces apart.
  static func render(_ rows: [BenchRow]) -> String {
    let titles = ["benchmark", "what", "measured", "target", "", "peak memory"]
    let cells = [titles] + rows.map(cells)
    let widths = titles.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { line in
      var text = zip(line, widths).map { cell, width in
        cell + String(repeating: " ", count: width - cell.count)
      }.joined(separator: "  ")
      while text.hasSuffix(" ") { text.removeLast() }
      return text
    }.joined(separator: "\n")
  }

  private static func cells(_ row: BenchRow) -> [String] {
    [
      row.benchmark, row.what, row.text(row.value), row.target.map { "<= \(row.text($0))" } ?? "",
      row.met.map { $0 ? "met" : "MISSED" } ?? "", row.peakBytes.map(size) ?? "",
    ]
  }
}
