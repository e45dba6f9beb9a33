import Vocabulary

/// A choice problem whose answer may use only so many formats: each is a kernel to ship, or a
/// configuration to keep.
///
/// Best-first branch and bound over which formats are allowed. A node allows all formats that it does
/// not exclude; without the limit that is an ``AssignmentProblem``, whose Lagrangian bound is the
/// node's. It branches on the format that the relaxation uses most: with it for certain, or without
/// it. Where no more are allowed than the limit, the optimizer solves what is left.
///
/// - Complexity: at most C(formats, limit) solves and twice as many bounds; the bounds leave few.
struct FormatLimit {
  private let problem: AssignmentProblem
  /// `[group][candidate]`: the formats it uses, as indices into the formats' names.
  private let formats: [[[Int]]]
  private let names: [String]
  private let limit: Int

  private struct Node {
    var included: [Bool]
    var excluded: [Bool]
    var bound: Double
    var used: [Int]
  }

  /// - Parameter formats: `[group][candidate]`: the names of the formats that it uses.
  init(_ problem: AssignmentProblem, formats: [[[String]]], atMost limit: Int) {
    var index: [String: Int] = [:]
    var names: [String] = []
    self.problem = problem
    self.limit = limit
    self.formats = formats.map { group in
      group.map { used in
        used.map { name in
          if let known = index[name] { return known }
          index[name] = names.count
          names.append(name)
          return names.count - 1
        }
      }
    }
    self.names = names
  }

  /// The best choice of one candidate per group that uses at most the limit's number of formats.
  ///
  /// - Throws: `UserError` of kind infeasible when no so few formats keep the budgets, though more
  ///   would; what the optimizer throws.
  func solved(by optimizer: any Optimizer, timeLimit: Double) throws -> Outcome {
    try problem.validate()
    guard limit < names.count else { return try optimizer.solve(problem, timeLimit: timeLimit) }
    let deadline = ContinuousClock.now + .seconds(min(timeLimit, 1e9))
    var best: Assignment?
    // The least that is still possible in the nodes that were given up unproven.
    var unproven = Double.infinity
    let none = [Bool](repeating: false, count: names.count)
    var open = try node(none, none).map { [$0] } ?? []
    while let next = open.indices.min(by: { open[$0].bound < open[$1].bound }) {
      let node = open.remove(at: next)
      if let best, node.bound >= best.objective - rounding(best) { break }
      let left = (deadline - ContinuousClock.now) / .seconds(1)
      guard left > 0 else {
        unproven = min(unproven, node.bound)
        break
      }
      let allowed = names.indices.filter { !node.excluded[$0] }
      let isLeaf = allowed.count <= limit
      // An inner node's most used formats are where a good choice may be: something to prune with.
      let tried = isLeaf ? allowed : mostUsed(node)
      if let found = try leaf(tried, optimizer, left) {
        if best.map({ found.assignment.objective < $0.objective }) ?? true {
          best = found.assignment
        }
        if isLeaf, !found.isProven { unproven = min(unproven, found.assignment.lowerBound) }
      }
      if !isLeaf { open += try children(node) }
    }
    guard var best else {
      if unproven < .infinity {
        throw UserError(
          .failed, "no policy of \(limit) formats was found in the time given; give it more")
      }
      return try explain(optimizer, timeLimit)
    }
    best.lowerBound = min(best.objective, unproven)
    return best.lowerBound < best.objective - rounding(best)
      ? .feasible(best)
      : .optimal(
        Assignment(choices: best.choices, objective: best.objective, lowerBound: best.objective))
  }

  private func rounding(_ best: Assignment) -> Double {
    1e-12 * zip(problem.objective, best.choices).reduce(0) { $0 + abs($1.0[$1.1]) }
  }

  /// A node with its bound; nil when nothing in it keeps the budgets.
  private func node(_ included: [Bool], _ excluded: [Bool]) throws -> Node? {
    guard let restricted = restricted(to: excluded.map { !$0 }) else { return nil }
    for constraint in restricted.problem.constraints
    where constraint.smallestPossible > constraint.limit { return nil }
    let reduction = Reduction(restricted.problem)
    guard let relaxation = try Relaxation.best(reduction).first,
      relaxation.bound <= reduction.largestValue
    else { return nil }
    var used = [Int](repeating: 0, count: names.count)
    for (g, choice) in reduction.choices(relaxation.chosen).enumerated() {
      for format in formats[g][restricted.kept[g][choice]] { used[format] += 1 }
    }
    return Node(included: included, excluded: excluded, bound: relaxation.bound, used: used)
  }

  private func mostUsed(_ node: Node) -> [Int] {
    let order = names.indices.filter { !node.excluded[$0] }.sorted { a, b in
      if node.included[a] != node.included[b] { return node.included[a] }
      return (node.used[b], a) < (node.used[a], b)
    }
    return Array(order.prefix(limit))
  }

  private func children(_ node: Node) throws -> [Node] {
    let free = names.indices.filter { !node.included[$0] && !node.excluded[$0] }
    guard let format = free.max(by: { (node.used[$0], $1) < (node.used[$1], $0) }) else {
      return []
    }
    var with = node
    with.included[format] = true
    if with.included.filter(\.self).count == limit { with.excluded = with.included.map { !$0 } }
    var without = node
    without.excluded[format] = true
    return try [with, without].compactMap { try self.node($0.included, $0.excluded) }
  }

  private func leaf(
    _ allowed: [Int], _ optimizer: any Optimizer, _ timeLimit: Double
  ) throws -> (assignment: Assignment, isProven: Bool)? {
    let isAllowed = names.indices.map(allowed.contains)
    guard let restricted = restricted(to: isAllowed) else { return nil }
    let outcome = try optimizer.solve(restricted.problem, timeLimit: timeLimit)
    guard var found = outcome.assignment else { return nil }
    found.choices = zip(restricted.kept, found.choices).map { $0[$1] }
    if case .optimal = outcome { return (found, true) }
    return (found, false)
  }

  /// What is left when only some formats are allowed; nil when a group has nothing left.
  private func restricted(
    to isAllowed: [Bool]
  ) -> (problem: AssignmentProblem, kept: [[Int]])? {
    let kept = formats.map { group in
      group.indices.filter { j in group[j].allSatisfy { isAllowed[$0] } }
    }
    guard kept.allSatisfy({ !$0.isEmpty }) else { return nil }
    func part(_ values: [[Double]]) -> [[Double]] {
      zip(values, kept).map { values, kept in kept.map { values[$0] } }
    }
    return (
      AssignmentProblem(
        objective: part(problem.objective),
        constraints: problem.constraints.map {
          .init(kind: $0.kind, cost: part($0.cost), limit: $0.limit)
        }), kept
    )
  }

  /// Why there is no answer: the least that the first budget can be with so few formats.
  private func explain(_ optimizer: any Optimizer, _ timeLimit: Double) throws -> Outcome {
    for constraint in problem.constraints {
      let smaller = FormatLimit(
        AssignmentProblem(objective: constraint.cost, constraints: []), like: self)
      guard let least = try? smaller.solved(by: optimizer, timeLimit: timeLimit).assignment else {
        break
      }
      if least.objective > constraint.limit {
        return .infeasible(kind: constraint.kind, smallestPossible: least.objective)
      }
    }
    throw UserError(
      .infeasible,
      "no policy of at most \(limit) formats keeps the budgets; allow more formats or loosen a budget"
    )
  }

  private init(_ problem: AssignmentProblem, like other: FormatLimit) {
    self.problem = problem
    (formats, names, limit) = (other.formats, other.names, other.limit)
  }
}
