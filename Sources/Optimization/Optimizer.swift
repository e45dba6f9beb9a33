public import Vocabulary

/// A way to solve an ``AssignmentProblem``.
///
/// Whatever the method, an assignment keeps every budget when its costs are added up in the order of
/// the groups in `Double`, and its objective is the sum in that order.
public protocol Optimizer: Sendable {
  /// The name on the command line.
  static var id: String { get }
  /// One line for `list`.
  static var summary: String { get }
  /// Whether it proves the optimum when it is given the time; true unless a type says otherwise.
  static var isExact: Bool { get }
  /// The most combinations of candidates that it accepts; infinite unless a type says otherwise.
  static var largestCombinationCount: Double { get }

  /// The best choice of one candidate per group.
  ///
  /// `.optimal` is proven, to a relative gap of 1e-9; otherwise the answer is `.feasible` with the
  /// bound that was reached.
  ///
  /// - Parameters:
  ///   - problem: Finite numbers; every group has a candidate; limits may be infinite.
  ///   - timeLimit: Seconds.
  /// - Throws: `UserError` for a malformed problem, and when time ran out with nothing found.
  func solve(_ problem: AssignmentProblem, timeLimit: Double) throws -> Outcome
}

extension Optimizer {
  /// True: what is listed is held to the strictest tests unless it says otherwise.
  public static var isExact: Bool { true }
  /// Infinite.
  public static var largestCombinationCount: Double { .infinity }
}

/// The optimizers there are.
public enum Optimizers {
  /// Every optimizer, the default first.
  public static let all: [any Optimizer] = [
    IntegerProgramming(), DynamicProgramming(),
    Lagrangian(),
    Greedy(),
    Exhaustive(),
  ]

  /// The optimizer of that name.
  ///
  /// - Throws: `UserError` with the nearest known name.
  public static func named(_ id: String) throws -> any Optimizer {
    guard let optimizer = all.first(where: { type(of: $0).id == id }) else {
      throw UserError.unknown(
        id, "optimizer", known: all.map { type(of: $0).id } + [QuadraticOptimizer.id])
    }
    return optimizer
  }
}
