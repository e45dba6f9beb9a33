public import Vocabulary

/// What a table and a user's wishes come to as an ``AssignmentProblem``, and the way back.
///
/// The loss is minimised within the budgets, or any cost: with a loss budget the bytes, unless
/// another is named ("the fastest that loses at most this").
public struct PlanningProblem: Sendable {
  /// The table as it was given.
  public let table: SensitivityTable
  /// The budgets as they were given.
  public let budgets: [Budget]
  /// The groups that are chosen independently.
  public let groups: MergedGroups
  /// What a solver sees: one group per merged group, one constraint per kind of cost.
  public let problem: AssignmentProblem
  /// What is minimised.
  public let objective: CostKind
  /// The most formats that the policy may have; nil for any number.
  public let formatLimit: Int?

  /// The problem of choosing a format for every group of `table` within `budgets`.
  ///
  /// A `bytes` budget bounds the whole model, the table's fixed bytes included. A `bpw` budget bounds
  /// the groups: `⌊limit · weights / 8⌋` bytes. Of two budgets on one cost the tighter counts.
  ///
  /// - Parameters:
  ///   - table: The losses and costs.
  ///   - budgets: What bounds them.
  ///   - objective: What is minimised; nil for the bytes when the loss is bounded, else the loss.
  ///   - pins: The format that a group must take, by the group's index in the table.
  ///   - exclusions: Formats that a group must not take, by the group's index in the table.
  ///   - formatLimit: The most weight formats that the policy may have; nil for any number.
  /// - Throws: `UserError` when a pin names a format that is not there, when ties exclude each
  ///   other, or when the table lacks a cost that is bounded or minimised.
  public init(
    _ table: SensitivityTable, budgets: [Budget], minimising objective: CostKind? = nil,
    pins: [Int: String] = [:], exclusions: [Int: [String]] = [:], formatLimit: Int? = nil
  ) throws {
    guard formatLimit ?? 1 > 0 else {
      throw UserError(.usage, "a policy of \(formatLimit ?? 0) formats is none")
    }
    self.table = table
    self.budgets = budgets
    self.formatLimit = formatLimit
    self.objective =
      objective ?? (budgets.contains { $0.kind == .loss } ? .bytes : .loss)
    groups = try table.merged(pins: pins, exclusions: exclusions)
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
    problem = AssignmentProblem(
      objective: try Self.costs(self.objective, groups, "it cannot be minimised"),
      constraints: constraints)
  }

  /// The costs of every candidate of the merged groups.
  private static func costs(
    _ kind: CostKind, _ groups: MergedGroups, _ consequence: String
  ) throws -> [[Double]] {
    try groups.groups.map { group in
      try group.candidates.map { candidate in
        guard let cost = candidate.cost(kind) else {
          throw UserError(
            .usage,
            "the table has no \(kind.rawValue) for '\(group.name)' in '\(candidate.name)', so "
              + consequence)
        }
        return cost
      }
    }
  }

  private static func constraint(
    _ budget: Budget, _ table: SensitivityTable, _ groups: MergedGroups
  ) throws -> AssignmentProblem.Constraint {
    let kind = budget.kind
    guard kind != .changes else {
      throw UserError(
        .usage,
        "changed answers are measured, not predicted; `search` takes the budget of \(budget)")
    }
    let costs = try costs(kind, groups, "the budget of \(budget) cannot be kept")
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
    case .bits:
      guard let weights = table.weights else {
        throw UserError(.usage, "the table does not say how many weights its groups have")
      }
      limit *= Double(weights)
    case .latency, .bops, .resident, .energy: limit -= table.fixedCost(kind)
    case .loss, .changes: break
    }
    return .init(kind: kind, cost: costs, limit: limit)
  }

  /// One candidate index per group of the table.
  public func choices(_ assignment: Assignment) -> [Int] { groups.choices(assignment.choices) }

  /// The names of the layers that share a kernel; nil where the table has no fusions.
  public func fused(_ assignment: Assignment) -> [[String]]? {
    table.fusions.map { _ in
      groups.fused(assignment.choices).map { $0.flatMap { table.groups[$0].layers } }
    }
  }

  /// What the budgets' costs come to when every group runs by itself.
  ///
  /// - Parameter choices: Candidate index per group of the table.
  public func spending(of choices: [Int]) -> [Policy.Spending] {
    spent(zip(table.groups, choices).map { $0.candidates[$1] })
  }

  /// What the budgets' costs come to under an assignment, shared kernels counted once.
  public func spending(_ assignment: Assignment) -> [Policy.Spending] {
    spent(zip(groups.groups, assignment.choices).map { $0.candidates[$1] })
  }

  private func spent(_ chosen: [Candidate]) -> [Policy.Spending] {
    budgets.map { budget in
      var used = chosen.reduce(0) { $0 + ($1.cost(budget.kind) ?? 0) }
      switch budget.kind {
      case .bytes: used += Double(table.fixedBytes ?? 0)
      case .bpw: used = 8 * used / Double(max(table.weights ?? 1, 1))
      case .bits: used /= Double(max(table.weights ?? 1, 1))
      case .latency, .bops, .resident, .energy: used += table.fixedCost(budget.kind)
      case .loss, .changes: break
      }
      return Policy.Spending(kind: budget.kind, limit: budget.limit, used: used)
    }
  }
}

/// Whether a budget of this kind bounds the bytes of the groups.
func isBytes(_ kind: CostKind) -> Bool { kind == .bytes || kind == .bpw }
