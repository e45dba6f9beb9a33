public import Vocabulary

/// Minimises the loss of an ``InteractionModel`` under budgets, on its raw values.
///
/// 1. The exact knapsack on the singles is the first policy.
/// 2. Exchange search: single moves and double moves that keep the budgets, the best first, from
///    that policy and from seeded disturbances of the best one.
/// 3. Where the model is small, branch and bound over the groups in their order proves the
///    optimum: an open pair of groups adds at least its smallest cross term.
///
/// Nothing is clipped to be positive semi-definite. The bound without a proof is a knapsack whose
/// losses are the singles and half of the smallest cross term with every other group.
public struct QuadraticOptimizer: Sendable {
  /// `quadratic`.
  public static let id = "quadratic"
  /// One line for `list`.
  public static let summary = "cross terms of output-delta: branch and bound, or exchange search"

  /// Decides the disturbances.
  public var seed: UInt64
  /// How many disturbed policies are searched from after the first.
  public var restarts: Int
  /// The most partial choices that branch and bound looks at.
  public var nodeLimit: Int
  /// The most pairs of candidates for which a bound is worked out; above, it is `-infinity`.
  public var pairLimit: Int

  /// An optimizer with these settings.
  public init(
    seed: UInt64 = 0, restarts: Int = 8, nodeLimit: Int = 2_000_000, pairLimit: Int = 4_000_000
  ) {
    self.seed = seed
    self.restarts = restarts
    self.nodeLimit = nodeLimit
    self.pairLimit = pairLimit
  }

  /// The best choice of one candidate per group.
  ///
  /// `.optimal` where branch and bound ended, `.feasible` otherwise. The same seed gives the same
  /// answer unless time runs out.
  ///
  /// - Parameters:
  ///   - model: What is minimised; all its values must be finite.
  ///   - constraints: The budgets, for the model's groups and candidates.
  ///   - timeLimit: Seconds.
  /// - Throws: `UserError` for a malformed problem.
  public func solve(
    _ model: any InteractionModel, constraints: [AssignmentProblem.Constraint], timeLimit: Double
  ) throws -> Outcome {
    let started = ContinuousClock.now
    let limit = min(timeLimit, 1e9)
    let counts = model.candidateCounts
    var problem = AssignmentProblem(
      objective: counts.indices.map { g in (0..<counts[g]).map { model.single(g, $0) } },
      constraints: constraints)
    let outcome = try IntegerProgramming().solve(problem, timeLimit: timeLimit)
    guard let first = outcome.assignment else { return outcome }
    var search = PairExchange(
      model, constraints: constraints, from: first.choices, until: started + .seconds(limit / 2))
    search.run(restarts: restarts, seed: seed)
    var best = search.best
    var bound = -Double.infinity
    let total = Double(counts.reduce(0, +))
    if total * total / 2 <= Double(pairLimit) {
      let pairs = PairBounds(model)
      var tree = QuadraticTree(
        model, pairs: pairs, constraints: constraints, from: best, nodeLimit: nodeLimit,
        until: started + .seconds(limit * 0.9))
      let ended = tree.run()
      best = tree.best
      if ended {
        let loss = model.loss(of: best)
        return .optimal(Assignment(choices: best, objective: loss, lowerBound: loss))
      }
      for g in counts.indices {
        for a in 0..<counts[g] { problem.objective[g][a] += pairs.half[g][a] }
      }
      let relaxed = try Lagrangian().solve(problem, timeLimit: timeLimit)
      bound = relaxed.assignment?.lowerBound ?? bound
    }
    let loss = model.loss(of: best)
    return .feasible(Assignment(choices: best, objective: loss, lowerBound: min(bound, loss)))
  }
}
