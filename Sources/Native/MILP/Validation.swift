extension IntegerProgram {
  /// Everything GLPK would abort over, said beforehand.
  func validate(
    timeLimit: Double, relativeGap: Double, start: [Double]?
  ) throws(MILPError) {
    guard timeLimit > 0 else { throw .invalid("the time limit is \(timeLimit) s") }
    guard relativeGap >= 0, relativeGap.isFinite else {
      throw .invalid("the relative gap is \(relativeGap)")
    }
    for (c, column) in columns.enumerated() {
      guard objective[c].isFinite else {
        throw .invalid("the cost of column \(c) is \(objective[c])")
      }
      if case .continuous(let lower, let upper) = column {
        try validateBounds(lower, upper, of: "column \(c)")
      }
    }
    // GLPK's own limits on problem size.
    guard columns.count <= 100_000_000, rows.count <= 100_000_000,
      rows.reduce(0, { $0 + $1.terms.count }) <= 500_000_000
    else { throw .invalid("more rows, columns or terms than GLPK takes") }
    var lastRow = [Int](repeating: -1, count: columns.count)
    for (r, row) in rows.enumerated() {
      try validateBounds(row.lower, row.upper, of: "row \(r)")
      for term in row.terms {
        guard columns.indices.contains(term.column) else {
          throw .invalid("row \(r) names column \(term.column) of \(columns.count)")
        }
        guard term.coefficient.isFinite else {
          throw .invalid("row \(r) has coefficient \(term.coefficient)")
        }
        guard lastRow[term.column] != r else {
          throw .invalid("row \(r) names column \(term.column) twice")
        }
        lastRow[term.column] = r
      }
    }
    if let start {
      guard start.count == columns.count, start.allSatisfy(\.isFinite) else {
        throw .invalid("the start has \(start.count) values for \(columns.count) columns")
      }
      for (c, column) in columns.enumerated() where column == .binary {
        guard start[c] == 0 || start[c] == 1 else {
          throw .invalid("the start gives binary column \(c) the value \(start[c])")
        }
      }
    }
  }

  private func validateBounds(
    _ lower: Double, _ upper: Double, of owner: String
  ) throws(MILPError) {
    guard lower <= upper, lower < .infinity, upper > -.infinity else {
      throw .invalid("the bounds of \(owner) are \(lower) and \(upper)")
    }
  }
}
