public import Vocabulary

/// What a table and a user's wishes come to as an ``AssignmentProblem``, and the way back.
///
/// The loss is minimised within the budgets. With a loss budget the problem is turned round: the
/// bytes are minimised subject to the loss.
public struct PlanningProblem: Sendable {
  /// The table as it was given.
  public let table: SensitivityTable
  /// The budgets as they were given.
  public let budgets: [Budget]
  /// The groups that are chosen independently.
  public let groups: MergedGroups
  /// What a solver sees: one group per merged group, one constraint per kind of cost.
  public let problem: AssignmentProblem

  /// Whether bytes are minimised instead of loss.
  public var minimisesBytes: Bool { budgets.contains { $0.kind == .loss } }

  /// The problem of choosing a format for every group of `table` within `budgets`.
  ///
  /// A `bytes` budget bounds the whole model, the table's fixed bytes included. A `bpw` budget bounds
  /// the groups: `⌊limit · weights / 8⌋` bytes. Of two budgets on one cost the tighter counts.
  ///
  /// - Parameter pins: The format that a group must take, by the group's index in the table.
  /// - Throws: `UserError` when a pin names a format that is not there, when ties exclude each
  ///   other, or when the table lacks a cost that is bounded.
  public init(
    _ table: SensitivityTable, budgets: [Budget], pins: [Int: String] = [:]
  ) throws {
    self.table = table
    self.budgets = budgets
    groups = try table.merged(pins: pins)
    var constraints: [AssignmentProblem.Constraint] = []
    for budget in budgets {
      let constraint = try Self.constraint(budget, table, groups)
      // Bytes and bits per weight are one sum.
      let same = constraints.firstIndex { isBytes($0.kind) && isBytes(budget.kind) }
      if let twin = same ?? constraints.firstIndex(where: { $0.kind == budget.kind }) {
        if constraint.limit < constraints[twin].limit { constraints[twin] = constraint }
      } else {
        constraints.append(constraint)
      }
    }
    let turned = budgets.contains { $0.kind == .loss }
    problem = AssignmentProblem(
      objective: groups.groups.map { group in
        group.candidates.map { turned ? Double($0.bytes) : $0.loss }
      },
      constraints: constraints)
  }

  private static func constraint(
    _ budget: Budget, _ table: SensitivityTable, _ groups: MergedGroups
  ) throws -> AssignmentProblem.Constraint {
    let kind = budget.kind
    let costs = try groups.groups.map { group in
      try group.candidates.map { candidate in
        guard let cost = candidate.cost(kind) else {
          throw UserError(
            .usage,
            "the table has no \(kind.rawValue) for '\(group.name)' in '\(candidate.format)', so "
              + "the budget of \(budget) cannot be kept")
        }
        return cost
      }
    }
    var limit = budget.limit
    switch kind {
    case .bytes:
      limit = limit.rounded(.down) - Double(table.fixedBytes ?? 0)
    case .bpw:
      guard let weights = table.weights else {
        throw UserError(
          .usage,
          "the table does not say how many weights its groups have; give the budget in bytes")
      }
      limit = (limit * Double(weights) / 8).rounded(.down)
    case .latency, .bops, .loss: break
    }
    return .init(kind: kind, cost: costs, limit: limit)
  }

  /// One candidate index per group of the table.
  public func choices(_ assignment: Assignment) -> [Int] { groups.choices(assignment.choices) }

  /// What the budgets' costs come to under `choices`.
  ///
  /// - Parameter choices: Candidate index per group of the table.
  public func spending(_ choices: [Int]) -> [Policy.Spending] {
    budgets.map { budget in
      let chosen = zip(table.groups, choices).map { $0.candidates[$1] }
      var used = chosen.reduce(0) { $0 + ($1.cost(budget.kind) ?? 0) }
      switch budget.kind {
      case .bytes: used += Double(table.fixedBytes ?? 0)
      case .bpw: used = 8 * used / Double(max(table.weights ?? 1, 1))
      case .latency, .bops, .loss: break
      }
      return Policy.Spending(kind: budget.kind, limit: budget.limit, used: used)
    }
  }
}

/// Whether a budget of this kind bounds the bytes of the groups.
func isBytes(_ kind: CostKind) -> Bool { kind == .bytes || kind == .bpw }
