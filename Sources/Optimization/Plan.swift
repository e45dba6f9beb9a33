public import Vocabulary

/// A solved ``PlanningProblem``.
public struct Plan: Sendable, Equatable {
  /// Candidate index per group of the table.
  public var choices: [Int]
  /// The predicted loss.
  public var loss: Double
  /// No policy within the budgets has a smaller predicted loss; where something else is minimised,
  /// none that is as good in that.
  public var lowerBound: Double
  /// What the budgets' costs come to.
  public var spending: [Policy.Spending]
  /// The layers that share a kernel; nil where the table has no fusions.
  public var fused: [[String]]?
  /// Whether the choice is proven to be the best there is.
  public var isOptimal: Bool
}

extension PlanningProblem {
  /// The best policy.
  ///
  /// Where something else than the loss is minimised: of the policies that are best in that, the
  /// one that loses least.
  ///
  /// - Throws: `UserError` of kind infeasible, naming the smallest possible, when nothing fits;
  ///   what the optimizer throws.
  public func solved(by optimizer: any Optimizer, timeLimit: Double) throws -> Plan {
    let outcome = try answer(problem, optimizer, timeLimit)
    if let error = infeasibility(outcome) { throw error }
    guard let best = outcome.assignment else {
      throw UserError(.failed, "the optimizer lost a policy that it had found")
    }
    var isProven = false
    if case .optimal = outcome { isProven = true }
    guard objective != .loss else {
      return plan(best, lowerBound: best.lowerBound, isProven: isProven)
    }
    var second = problem
    second.objective = groups.groups.map { $0.candidates.map(\.loss) }
    second.constraints.removeAll {
      $0.kind == .loss || $0.kind == objective || (isBytes($0.kind) && isBytes(objective))
    }
    second.constraints.append(
      .init(kind: objective, cost: problem.objective, limit: best.objective))
    // Sums of fractions may leave a solver no room at all; then the first answer stands.
    guard let refined = try? answer(second, optimizer, timeLimit), let least = refined.assignment,
      problem.isFeasible(least.choices)
    else { return plan(best, lowerBound: -.infinity, isProven: false) }
    if case .feasible = refined { isProven = false }
    return plan(least, lowerBound: least.lowerBound, isProven: isProven)
  }

  private func answer(
    _ problem: AssignmentProblem, _ optimizer: any Optimizer, _ timeLimit: Double
  ) throws -> Outcome {
    guard let formatLimit else { return try optimizer.solve(problem, timeLimit: timeLimit) }
    let formats = groups.groups.indices.map { g in
      groups.candidates[g].map { choice in
        zip(groups.members[g], choice).map { table.groups[$0].candidates[$1].format }
      }
    }
    return try FormatLimit(problem, formats: formats, atMost: formatLimit)
      .solved(by: optimizer, timeLimit: timeLimit)
  }

  /// The plan of an assignment; its loss is summed anew, whatever was minimised.
  func plan(_ assignment: Assignment, lowerBound: Double, isProven: Bool) -> Plan {
    let loss = zip(groups.groups, assignment.choices).reduce(0) { $0 + $1.0.candidates[$1.1].loss }
    return Plan(
      choices: choices(assignment), loss: loss, lowerBound: min(lowerBound, loss),
      spending: spending(assignment), fused: fused(assignment), isOptimal: isProven)
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
      case .latency, .bops, .resident, .energy, .changes:
        "\(Budget(kind, Self.roundedUp(smallest + table.fixedCost(kind))))"
      case .bits: "\(Budget(.bits, smallest / Double(max(table.weights ?? 1, 1))))"
      case .loss: "\(significant(smallest, digits: 6)) \(table.unit)"
      }
    let limit =
      kind == .bytes ? "\(ByteCount(Int(min(budget.limit, 9e18))))" : "\(budget)"
    return UserError(
      .infeasible,
      "no policy keeps the budget of \(limit); the smallest possible\(condition) is \(least)")
  }

  /// To six digits and no less than the value, so that it can be given as the next budget.
  private static func roundedUp(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return value }
    var unit = 1.0
    while value / unit >= 1e6 { unit *= 10 }
    while value / unit < 1e5 { unit /= 10 }
    let rounded = (value / unit).rounded(.up)
    return unit < 1 ? rounded / (1 / unit).rounded() : rounded * unit
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
