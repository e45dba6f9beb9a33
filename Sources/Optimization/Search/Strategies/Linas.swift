internal import Foundation
public import Vocabulary

/// LINAS: NSGA-II runs on predictors, and only its best unmeasured points are evaluated.
///
/// Each round fits ridge regression on one-hot choices (and their predicted loss, where there is a
/// table) to the *whole* history, lets ``EvolutionarySearch`` search it for `inner` predictions from the
/// measured front, and proposes the best `batch` points by front and crowding among those that were
/// never measured. Positive measured values are predicted as logarithms, since losses span decades.
/// Known costs are not predicted but computed.
///
/// What differs from DyNAS-T: one ridge strength instead of a grid search, trials in a list instead of an
/// unordered set, and duplicates are never evaluated.
///
/// Options: `batch` (10), `inner` (2 000 predictions a round), `warmup` (30 points), `alpha` (0.1).
///
/// Source: Cummings et al., "A hardware-aware framework for accelerating neural architecture search across
/// modalities" (DyNAS-T), 2022; Mecharbat et al., "SimQ-NAS", 2023.
public struct LinasSearch: SearchStrategy {
  /// `linas`.
  public static let id = "linas"
  /// Fewer evaluations than NSGA-II alone.
  public static let summary = "NSGA-II on predictors that learn from every trial (LINAS, SimQ-NAS)"
  /// Yes.
  public static let isMultiObjective = true
  /// What the user may set.
  public static let options: [String] = ["batch", "inner", "warmup", "alpha"]

  private var population: Population
  private var random: SplitMix64
  private var left: Int
  private let batch: Int
  private let inner: Int
  private let warmup: Int
  private let alpha: Double

  /// A search from its beginning.
  public init(_ problem: SearchProblem, settings: SearchSettings) throws {
    guard (1...3).contains(problem.objectives.count) else {
      throw UserError(.usage, "\(Self.id) takes one to three objectives")
    }
    batch = try settings.whole("batch", default: 10, in: 1...10_000)
    inner = try settings.whole("inner", default: 2_000, in: 1...1_000_000)
    warmup = try settings.whole("warmup", default: 30, in: 1...10_000)
    alpha = try settings.number("alpha", default: 0.1, in: 1e-9...1e9)
    population = try Population(problem, size: batch, strategy: Self.id)
    random = SplitMix64(seed: settings.seed)
    left = settings.evaluations
  }

  /// The founders, then a batch of each round.
  public mutating func ask() throws -> [Proposal] {
    guard left > 0 else { return [] }
    let points =
      population.trials.isEmpty
      ? population.founders(min(warmup, left), using: &random)
      : try promising(min(batch, left))
    left -= points.count
    return points.map { population.problem.everywhere($0) }
  }

  /// Remembers the batch.
  public mutating func tell(_ trials: [Trial]) throws { population.record(trials) }

  /// Unmeasured points that the predictors like best.
  private mutating func promising(_ count: Int) throws -> [[Int]] {
    let problem = population.problem
    let models = predictors()
    var imagined = problem
    imagined.seeds = try front
    let settings = SearchSettings(
      seed: random.next(), evaluations: inner, options: ["population": 50])
    var search: any SearchStrategy = try EvolutionarySearch(imagined, settings: settings)
    let (trials, _) = try SearchLoop(evaluations: inner).run(&search) { proposals in
      proposals.map { proposal in
        let row = Self.row(proposal.choices, of: problem)
        return Trial(proposal, values: models.map { $0?.predict(row) ?? 0 })
      }
    }
    let fresh = trials.filter { !population.taken.contains($0.choices) }
    let order = try NonDominatedSorting.order(fresh.map { problem.ranked($0) })
    let chosen = order.prefix(count).map { fresh[$0].choices }
    guard chosen.isEmpty else { return chosen }
    // The inner search saw measured points only: whatever is left of the space.
    return population.children(count, using: &random) { [trials = population.trials] random in
      trials[Int.random(in: trials.indices, using: &random)].choices
    }
  }

  /// A predictor for every measured value that is an objective.
  private func predictors() -> [RidgePredictor?] {
    let problem = population.problem
    let rows = population.trials.map { Self.row($0.choices, of: problem) }
    let width = population.trials.map(\.values.count).min() ?? 0
    return (0..<width).map { index in
      guard problem.objectives.contains(.measured(index)) else { return nil }
      let values = population.trials.map { $0.values[index] }
      let finite = values.filter(\.isFinite)
      let isPositive = finite.allSatisfy { $0 > 0 }
      let worst = finite.max() ?? 0
      let targets = values.map { value in
        let known = value.isFinite ? value : worst
        return isPositive && known > 0 ? log(known) : known
      }
      return RidgePredictor(rows, targets: targets, alpha: alpha)
    }
  }

  /// The measured points that no other dominates.
  private var front: [[Int]] {
    get throws {
      let ranks = try dominationRanks(population.trials.map { population.problem.ranked($0) })
      return zip(population.trials, ranks).filter { $0.1 == 0 }.map(\.0.choices)
    }
  }

  /// A constant, one column per choice, and the predicted loss where there is one.
  private static func row(_ choices: [Int], of problem: SearchProblem) -> [Double] {
    var row = [1.0]
    for (knob, choice) in zip(problem.knobs, choices) {
      for other in knob.choices.indices { row.append(other == choice ? 1 : 0) }
    }
    if let prior = problem.prior {
      let loss = zip(prior, choices).reduce(0) { $0 + $1.0[$1.1] }
      row.append(log(max(loss, 1e-12)))
    }
    return row
  }
}
