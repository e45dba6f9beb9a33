internal import CGLPK

/// A mixed-integer linear program: `min c·x` with `lower ≤ a·x ≤ upper` for every row.
public struct IntegerProgram: Sendable, Equatable {
  /// What values a column may take.
  public enum Column: Sendable, Equatable {
    /// 0 or 1.
    case binary
    /// Any number from `lower` to `upper`, which may be infinite.
    case continuous(lower: Double, upper: Double)
  }

  /// One coefficient of a row.
  public struct Term: Sendable, Equatable {
    /// The column's index.
    public var column: Int
    /// The factor of that column.
    public var coefficient: Double

    /// `coefficient · x[column]`.
    public init(_ column: Int, _ coefficient: Double) {
      self.column = column
      self.coefficient = coefficient
    }
  }

  /// A linear constraint: `lower ≤ Σ coefficient · x[column] ≤ upper`.
  public struct Row: Sendable, Equatable {
    /// The sum, each column at most once.
    public var terms: [Term]
    /// The least the sum may be; `-.infinity` for no limit.
    public var lower: Double
    /// The most the sum may be; `.infinity` for no limit.
    public var upper: Double

    /// A bound on a sum.
    public init(_ terms: [Term], lower: Double = -.infinity, upper: Double = .infinity) {
      self.terms = terms
      self.lower = lower
      self.upper = upper
    }
  }

  /// What each column may be.
  public private(set) var columns: [Column] = []
  /// The cost of one unit of each column.
  public private(set) var objective: [Double] = []
  /// The constraints.
  public private(set) var rows: [Row] = []

  /// A program without columns and rows.
  public init() {}

  /// Adds a column and returns its index.
  @discardableResult
  public mutating func addColumn(_ column: Column, cost: Double) -> Int {
    columns.append(column)
    objective.append(cost)
    return columns.count - 1
  }

  /// Adds a constraint.
  public mutating func addRow(_ row: Row) { rows.append(row) }

  /// The minimum, by GLPK's branch-and-bound method; safe to call from several threads at once.
  ///
  /// The proof of optimality is as good as GLPK's arithmetic: reduced costs and bounds hold within
  /// about 1e-7 of the largest coefficient, so scale objective and rows to the differences that
  /// matter.
  ///
  /// - Parameters:
  ///   - timeLimit: Seconds after which the best so far is returned; `.infinity` for no limit.
  ///   - relativeGap: The search stops at a solution that is proven this close to the optimum.
  ///   - start: A point that keeps every row, to prune with; not checked against the rows.
  /// - Throws: `MILPError` when the program is malformed, is unbounded or defeats the solver.
  public func solved(
    timeLimit: Double = .infinity, relativeGap: Double = 0, start: [Double]? = nil
  ) throws(MILPError) -> MILPResult {
    try validate(timeLimit: timeLimit, relativeGap: relativeGap, start: start)
    return try solvedUnchecked(timeLimit: timeLimit, relativeGap: relativeGap, start: start)
  }

  /// The same without a look at the program first: shows that the guard in C holds by itself.
  package func solvedUnchecked(
    timeLimit: Double = .infinity, relativeGap: Double = 0, start: [Double]? = nil
  ) throws(MILPError) -> MILPResult {
    var lower: [Double] = []
    var upper: [Double] = []
    var integral: [UInt8] = []
    for column in columns {
      switch column {
      case .binary:
        lower.append(0)
        upper.append(1)
        integral.append(1)
      case .continuous(let low, let high):
        lower.append(low)
        upper.append(high)
        integral.append(0)
      }
    }
    let entries = rows.enumerated().flatMap { row, content in
      content.terms.map { (row: Int32(row), column: Int32($0.column), value: $0.coefficient) }
    }
    var values = [Double](repeating: 0, count: columns.count)
    var result = cglpk_result()
    // GLPK copies all of these into its own problem during the call.
    let rowLower = rows.map(\.lower)
    let rowUpper = rows.map(\.upper)
    let entryRows = entries.map(\.row)
    let entryColumns = entries.map(\.column)
    let entryValues = entries.map(\.value)
    let milliseconds = Int32(min(max(timeLimit * 1000, 1), Double(Int32.max)))
    withPointers(objective, lower, upper, rowLower, rowUpper, entryValues) { p in
      integral.withUnsafeBufferPointer { integral in
        entryRows.withUnsafeBufferPointer { entryRows in
          entryColumns.withUnsafeBufferPointer { entryColumns in
            (start ?? []).withUnsafeBufferPointer { begin in
              var problem = cglpk_problem(
                columns: Int32(columns.count), rows: Int32(rows.count),
                entries: Int32(entries.count), objective: p[0], lower: p[1], upper: p[2],
                integral: integral.baseAddress, row_lower: p[3], row_upper: p[4],
                entry_row: entryRows.baseAddress, entry_column: entryColumns.baseAddress,
                entry_value: p[5], start: start == nil ? nil : begin.baseAddress,
                time_limit_milliseconds: milliseconds, relative_gap: relativeGap)
              values.withUnsafeMutableBufferPointer {
                cglpk_solve(&problem, $0.baseAddress, &result)
              }
            }
          }
        }
      }
    }
    return try interpret(result, values: values)
  }

  private func interpret(
    _ result: cglpk_result, values: [Double]
  ) throws(MILPError) -> MILPResult {
    let status = cglpk_status(rawValue: UInt32(max(0, result.status)))
    switch status {
    case CGLPK_OPTIMAL, CGLPK_FEASIBLE:
      var values = values
      for (c, column) in columns.enumerated() where column == .binary {
        values[c] = values[c].rounded()
      }
      return MILPResult(
        status: status == CGLPK_OPTIMAL ? .optimal : .feasible, values: values,
        objective: result.objective, bound: result.bound)
    case CGLPK_INFEASIBLE:
      return MILPResult(
        status: .infeasible, values: [], objective: .infinity, bound: .infinity)
    case CGLPK_NO_SOLUTION:
      return MILPResult(
        status: .noSolution, values: [], objective: .infinity, bound: result.bound)
    case CGLPK_UNBOUNDED:
      throw .unbounded
    default:
      throw .failed(
        withUnsafeBytes(of: result.error) { bytes in
          String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
  }
}

/// The version of GLPK in use, for provenance.
public let glpkVersion = String(cString: cglpk_version())

/// Calls `body` with the addresses of several arrays, all alive for that call.
private func withPointers(
  _ arrays: [Double]..., body: ([UnsafePointer<Double>?]) -> Void
) {
  func descend(_ index: Int, _ found: [UnsafePointer<Double>?]) {
    guard index < arrays.count else { return body(found) }
    arrays[index].withUnsafeBufferPointer { descend(index + 1, found + [$0.baseAddress]) }
  }
  descend(0, [])
}
