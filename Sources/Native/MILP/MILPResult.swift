/// What came of solving an ``IntegerProgram``.
public struct MILPResult: Sendable, Equatable {
  /// How much is known.
  public enum Status: Sendable, Equatable {
    /// ``MILPResult/values`` is the minimum.
    case optimal
    /// ``MILPResult/values`` keeps every row; no better value than ``MILPResult/bound`` exists.
    case feasible
    /// No point keeps every row.
    case infeasible
    /// Time ran out before a point was found.
    case noSolution
  }

  /// How much is known.
  public var status: Status
  /// One number per column, binary ones exactly 0 or 1; empty when there is no solution.
  public var values: [Double]
  /// The value of the objective; infinite when there is no solution.
  public var objective: Double
  /// The objective is nowhere smaller than this.
  public var bound: Double
}

/// Why an ``IntegerProgram`` was not solved.
public enum MILPError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The program is malformed.
  case invalid(String)
  /// The objective falls without end.
  case unbounded
  /// The solver gave up.
  case failed(String)

  /// One sentence.
  public var description: String {
    switch self {
    case .invalid(let reason): "the integer program is malformed: \(reason)"
    case .unbounded: "the integer program has no smallest value"
    case .failed(let reason): "the integer program was not solved: \(reason)"
    }
  }
}
