public import Vocabulary

/// A solved ``PlanningProblem``.
public struct Plan: Sendable, Equatable {
  /// Candidate index per group of the table.
  public var choices: [Int]
  /// The predicted loss.
  public var loss: Double
  /// No policy within the budgets has a smaller predicted loss; with a loss budget, none of at
  /// most this size.
  public var lowerBound: Double
  /// Whether the choice is proven to be the best there is.
  public var isOptimal: Bool
}

extension PlanningProblem {
  /// The best policy.
  ///
  /// With a loss budget: the smallest that keeps it, and of those of that size the one that loses
  /// least.
  ///
  /// - Throws: `UserError` of kind infeasible, naming the smallest possible, when nothing fits;
  ///   what the optimizer throws.
  public func solved(by optimizer: any Optimizer, timeLimit: Double) throws -> Plan {
    let outcome = try optimizer.solve(problem, timeLimit: timeLimit)
    if let error = infeasibility(outcome) { throw error }
    guard minimisesBytes else { return try plan(outcome, bytesProven: true) }
    var smallest = false
    if case .optimal = outcome { smallest = true }
    guard let size = outcome.assignment?.objective else {
      return try plan(outcome, bytesProven: false)
    }
    var second = problem
    second.objective = groups.groups.map { $0.candidates.map(\.loss) }
    second.constraints.removeAll { $0.kind == .loss || isBytes($0.kind) }
    second.constraints.append(.init(kind: .bytes, cost: problem.objective, limit: size))
    return try plan(optimizer.solve(second, timeLimit: timeLimit), bytesProven: smallest)
  }

  private func plan(_ outcome: Outcome, bytesProven: Bool) throws -> Plan {
    guard let assignment = outcome.assignment else {
      throw UserError(.failed, "the optimizer lost a policy that it had found")
    }
    var proven = bytesProven
    if case .feasible = outcome { proven = false }
    return Plan(
      choices: choices(assignment), loss: assignment.objective,
      lowerBound: assignment.lowerBound, isOptimal: proven)
  }

  /// What to tell the user when nothing fits; nil for the other outcomes.
  public func infeasibility(_ outcome: Outcome) -> UserError? {
    guard case .infeasible(let kind, let smallest) = outcome else { return nil }
    // Of several budgets on the cost the tightest one is the culprit.
    let budget =
      budgets.filter { $0.kind == kind }.min { $0.limit < $1.limit } ?? Budget(kind, smallest)
    let alone = problem.constraints.first { $0.kind == kind }?.smallestPossible ?? smallest
    let condition = smallest > alone ? " while the other budgets are kept" : ""
    let least =
      switch kind {
      case .bytes: size(smallest)
      case .bpw:
        [bitsPerWeight(smallest), size(smallest)].compactMap(\.self).joined(separator: ", ")
      case .latency, .bops: "\(Budget(kind, smallest))"
      case .loss: "\(significant(smallest, digits: 6)) \(table.unit)"
      }
    let limit =
      kind == .bytes ? "\(ByteCount(Int(min(budget.limit, 9e18))))" : "\(budget)"
    return UserError(
      .infeasible,
      "no policy keeps the budget of \(limit); the smallest possible\(condition) is \(least)")
  }

  /// The whole model's size, so exact that it can be given as the next budget.
  private func size(_ groupBytes: Double) -> String {
    let bytes = Int(groupBytes) + (table.fixedBytes ?? 0)
    let exact = "\(ByteCount(bytes)), \(bytes) bytes for the whole model"
    guard let bits = bitsPerWeight(groupBytes) else { return exact }
    return "\(exact), \(bits)"
  }

  /// Rounded up, so that it can be given as the next budget.
  private func bitsPerWeight(_ groupBytes: Double) -> String? {
    guard let weights = table.weights, weights > 0 else { return nil }
    let bits = (8 * groupBytes / Double(weights) * 1e4).rounded(.up) / 1e4
    return "\(fixed(bits, digits: 4)) bpw"
  }
}
