/// Pieces of the pages.
enum Markdown {
  /// A table; all columns but the first are numbers.
  static func table(_ titles: [String], _ rows: [[String]]) -> String {
    let rule = titles.indices.map { $0 == 0 ? "---" : "---:" }
    return ([titles, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |" }
      .joined(separator: "\n")
  }

  /// Lines as code.
  static func code(_ lines: [String]) -> String {
    (["```"] + lines + ["```"]).joined(separator: "\n")
  }
}
