import Vocabulary

/// What the heuristics share: a Lagrangian bound, the best choice so far, and the truth about
/// budgets that they cannot keep themselves.
struct HeuristicSearch {
  let problem: AssignmentProblem
  let reduction: Reduction
  /// The relaxations that were evaluated, the highest bound first.
  let relaxations: [Relaxation]
  /// The best choice known, as indices into the problem's groups.
  private(set) var best: [Int]?
  private var value = Double.infinity
  /// When the time is over.
  let deadline: ContinuousClock.Instant

  /// Whether the time is over: what is best so far is the answer then.
  var isOver: Bool { ContinuousClock.now >= deadline }

  /// Offers what `propose` finds, and answers with the best of it and the bound.
  ///
  /// Both stop when the time is over.
  /// Where `propose` finds nothing, whether the budgets can be kept is decided exactly, and
  /// `improve` starts from a choice that keeps them.
  static func solve(
    _ problem: AssignmentProblem, timeLimit: Double,
    propose: (inout HeuristicSearch) -> Void, improve: (inout HeuristicSearch, [Int]) -> Void
  ) throws -> Outcome {
    try problem.validate()
    guard timeLimit > 0 else {
      throw UserError(.usage, "the time limit of \(timeLimit) s leaves no time")
    }
    // A limit of years is none.
    let deadline = ContinuousClock.now + .seconds(min(timeLimit, 1e9))
    for constraint in problem.constraints where constraint.smallestPossible > constraint.limit {
      return .infeasible(kind: constraint.kind, smallestPossible: constraint.smallestPossible)
    }
    let reduction = Reduction(problem)
    var search = HeuristicSearch(
      problem: problem, reduction: reduction, relaxations: try Relaxation.best(reduction),
      deadline: deadline)
    propose(&search)
    if search.best == nil {
      switch try search.keepingBudgets(timeLimit: timeLimit) {
      case .chosen(let chosen):
        search.offer(chosen)
        improve(&search, chosen)
      case .never(let outcome): return outcome
      }
    }
    return try search.outcome()
  }

  private init(
    problem: AssignmentProblem, reduction: Reduction, relaxations: [Relaxation],
    deadline: ContinuousClock.Instant
  ) {
    self.deadline = deadline
    self.problem = problem
    self.reduction = reduction
    self.relaxations = relaxations
  }

  /// Takes a choice of the reduction's candidates if it keeps the budgets and is the best yet.
  mutating func offer(_ chosen: [Int]) {
    let choices = reduction.choices(chosen)
    let offered = problem.objective(of: choices)
    guard offered < value, problem.isFeasible(choices) else { return }
    (best, value) = (choices, offered)
  }

  /// The cheapest candidate of every group, by costs in units of how far each can vary.
  func cheapest() -> [Int] {
    let weights = (0..<reduction.width).map { k -> Double in
      let spread = reduction.costSpread(k)
      return spread > 0 ? 1 / spread : 0
    }
    func price(_ i: Int) -> Double {
      weights.indices.reduce(0) { $0 + weights[$1] * reduction.cost(i, $1) }
    }
    return (0..<reduction.groupCount).map { g in
      reduction.candidates(g).min { price($0) < price($1) } ?? reduction.starts[g]
    }
  }

  private enum Kept {
    case chosen([Int])
    case never(Outcome)
  }

  /// Minimises the last budgeted cost while the other budgets are kept.
  private func keepingBudgets(timeLimit: Double) throws -> Kept {
    if reduction.width == 1 { return .chosen(cheapest()) }
    var kept: [AssignmentProblem.Constraint] = []
    for (k, index) in reduction.constraints.enumerated() {
      var constraint = problem.constraints[index]
      constraint.cost = (0..<reduction.groupCount).map { g in
        reduction.candidates(g).map { reduction.cost($0, k) }
      }
      kept.append(constraint)
    }
    guard let last = kept.popLast() else { return .chosen(reduction.starts.dropLast()) }
    let outcome = try IntegerProgramming().solve(
      AssignmentProblem(objective: last.cost, constraints: kept), timeLimit: timeLimit)
    guard let least = outcome.assignment else { return .never(outcome) }
    if least.objective <= last.limit {
      return .chosen(zip(reduction.starts, least.choices).map { $0 + $1 })
    }
    guard case .optimal = outcome else {
      throw UserError(
        .failed, "no policy within the budgets was found in the time given; give it more")
    }
    return .never(.infeasible(kind: last.kind, smallestPossible: least.objective))
  }

  private func outcome() throws -> Outcome {
    guard let best else {
      throw UserError(
        .failed, "no policy within the budgets was found, by no more than rounding; loosen one")
    }
    let bound = min(relaxations.map(\.bound).max() ?? -.infinity, value)
    // A sum of losses that cancel is known no better than its terms.
    let size = zip(problem.objective, best).reduce(0) { $0 + abs($1.0[$1.1]) }
    if value - bound <= max(1e-9 * abs(value), 1e-12 * size) {
      return .optimal(Assignment(choices: best, objective: value, lowerBound: value))
    }
    return .feasible(Assignment(choices: best, objective: value, lowerBound: bound))
  }
}
