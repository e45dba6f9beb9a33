import MILP
import Vocabulary

/// Narrows the gap between a Lagrangian bound and the best choice known until it is closed.
struct GapSearch {
  /// How the last of the gap is closed.
  enum Method: Sendable {
    /// By GLPK.
    case branchAndBound
    /// By partial choices that none other beats.
    case dynamicProgramme
  }

  /// What is known when the search ends.
  enum End {
    /// The incumbent is the optimum.
    case optimal
    /// The optimum is not below this.
    case bounded(Double)
    /// No choice keeps the budgets.
    case infeasible
  }

  let problem: AssignmentProblem
  /// The best choice known, as indices into the problem's groups.
  private(set) var incumbent: [Int]?
  private var value = Double.infinity
  private var reduction: Reduction

  /// Everything below this difference is rounding.
  private var rounding: Double {
    1e-12
      * (abs(value)
        + (incumbent.map { choices in
          zip(problem.objective, choices).reduce(0) { $0 + abs($1.0[$1.1]) }
        } ?? 0))
  }

  init(_ problem: AssignmentProblem) {
    self.problem = problem
    reduction = Reduction(problem)
  }

  /// Searches until the optimum is proven or the time is up.
  mutating func run(
    by method: Method, until deadline: ContinuousClock.Instant
  ) throws -> End {
    let visited = try Relaxation.best(reduction)
    guard let relaxation = visited.first else { return .infeasible }
    start(from: visited)
    if isClosed(relaxation.bound) { return .optimal }
    // In a smaller reduction a better choice may be near, which makes it smaller still.
    while incumbent != nil {
      let before = reduction.count
      fix(relaxation)
      improve()
      if isClosed(relaxation.bound) { return .optimal }
      if reduction.count == before { break }
    }
    // Dearer than the dearest choice: none keeps the budgets.
    if incumbent == nil, relaxation.bound > reduction.largestValue { return .infeasible }
    switch method {
    case .branchAndBound: return try branch(relaxation, until: deadline)
    case .dynamicProgramme: return tabulate(relaxation, until: deadline)
    }
  }

  private func isClosed(_ bound: Double) -> Bool {
    incumbent != nil && value - bound <= rounding
  }

  /// Takes `choices` if they keep the budgets and are better than what is known.
  @discardableResult
  private mutating func offer(_ choices: [Int]) -> Bool {
    let offered = problem.objective(of: choices)
    guard offered < value, problem.isFeasible(choices) else { return false }
    (incumbent, value) = (choices, offered)
    return true
  }

  /// Greedy choices from the relaxations' minimisers.
  private mutating func start(from visited: [Relaxation]) {
    for relaxation in visited.prefix(8) {
      // The minimum without prices is the farthest from the budgets: a last resort.
      if incumbent != nil, relaxation.multipliers.allSatisfy({ $0 == 0 }) { continue }
      var local = LocalSearch(reduction, from: relaxation.chosen)
      guard local.repair(relaxation.reducedCosts(reduction)) else { continue }
      local.fill()
      offer(reduction.choices(local.chosen))
    }
    guard incumbent == nil, reduction.width == 1 else { return }
    // One budget that can be kept at all is kept by the cheapest candidates.
    let cheapest = (0..<reduction.groupCount).map { g in
      reduction.candidates(g).min { reduction.cost($0, 0) < reduction.cost($1, 0) }
        ?? reduction.starts[g]
    }
    var local = LocalSearch(reduction, from: cheapest)
    local.fill()
    offer(reduction.choices(local.chosen))
  }

  private mutating func improve() {
    guard let incumbent, reduction.count <= 2000 else { return }
    var local = LocalSearch(reduction, from: reduction.positions(incumbent))
    local.exchange(rounds: 50)
    offer(reduction.choices(local.chosen))
  }

  /// Drops every candidate that only dearer choices than the incumbent can use.
  private mutating func fix(_ relaxation: Relaxation) {
    guard let incumbent else { return }
    let current = Relaxation(reduction, multipliers: relaxation.multipliers)
    let reduced = current.reducedCosts(reduction)
    let kept = Set(reduction.positions(incumbent))
    let most = value - relaxation.bound - rounding
    reduction.filter { reduced[$0] < most || kept.contains($0) }
  }

  /// Closes the gap with a ``PartialChoices`` table.
  private mutating func tabulate(
    _ relaxation: Relaxation, until deadline: ContinuousClock.Instant
  ) -> End {
    let current = Relaxation(reduction, multipliers: relaxation.multipliers)
    var table = PartialChoices(reduction, current, below: value - relaxation.bound)
    guard table.run(until: deadline) else { return .bounded(relaxation.bound) }
    for chosen in table.complete where offer(reduction.choices(chosen)) { break }
    return incumbent == nil ? .infeasible : .optimal
  }

  /// Lets GLPK close what is left of the gap.
  private mutating func branch(
    _ relaxation: Relaxation, until deadline: ContinuousClock.Instant
  ) throws -> End {
    let current = Relaxation(reduction, multipliers: relaxation.multipliers)
    let gap = incumbent == nil ? reduction.spread : value - relaxation.bound
    var exclusions: [[Int]] = []
    var bound = relaxation.bound
    while true {
      let left = (deadline - ContinuousClock.now) / .seconds(1)
      guard left > 0 else { return .bounded(bound) }
      let program = GapProgram(
        reduction, current, gap: gap, start: incumbent.map(reduction.positions),
        exclusions: exclusions)
      let result: MILPResult
      do {
        result = try program.solved(timeLimit: left)
      } catch {
        guard incumbent != nil else { throw UserError(.failed, "\(error)") }
        return .bounded(bound)
      }
      switch result.status {
      case .infeasible:
        // With the incumbent in the program that is a numerical failure, not a proof.
        return incumbent == nil ? .infeasible : .bounded(bound)
      case .noSolution:
        return .bounded(max(bound, program.bound(result)))
      case .optimal, .feasible:
        let chosen = program.chosen(result)
        let choices = reduction.choices(chosen)
        bound = max(bound, program.bound(result))
        offer(choices)
        if problem.isFeasible(choices) {
          return result.status == .optimal || isClosed(bound) ? .optimal : .bounded(bound)
        }
        exclusions.append(chosen)
      }
    }
  }
}
