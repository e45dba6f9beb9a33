internal import Foundation
public import Vocabulary

/// LINAS: NSGA-II runs on predictors, and only its best unmeasured points are evaluated.
///
/// Each round fits a ``ValuePredictor`` for each measured objective to the *whole* history, lets
/// ``EvolutionarySearch`` search it for `inner` predictions from the measured front and from descents
/// along random trade-offs, and proposes the `batch` points that promise the most beyond the measured
/// front and each other (``SpreadPicks``) among those that were never measured. Known costs are not
/// predicted but computed. The first points are the problem's seeds, and points whose knobs stand near
/// one level from the smallest to the largest, which random points never do.
///
/// What differs from DyNAS-T: the strength and the form of the regression are chosen by left-out errors
/// instead of a fixed grid of models, trials are in a list instead of an unordered set, and duplicates
/// are never evaluated.
///
/// Options: `batch` (10), `inner` (2 000 predictions a round), `warmup` (30 points), `trees` (boosted
/// trees instead of the regression: 0 never, 1 where they predict better, 2 always).
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
  public static let options: [String] = ["batch", "inner", "warmup", "trees"]

  /// Descents a round that the inner search starts from.
  private static let descents = 32

  private var population: Population
  private var random: SplitMix64
  private var left: Int
  private var predictors: [Int: ValuePredictor] = [:]
  private let levels: ChoiceLevels
  private let batch: Int
  private let inner: Int
  private let warmup: Int

  /// A search from its beginning.
  public init(_ problem: SearchProblem, settings: SearchSettings) throws {
    guard (1...3).contains(problem.objectives.count) else {
      throw UserError(.usage, "\(Self.id) takes one to three objectives")
    }
    batch = try settings.whole("batch", default: 10, in: 1...10_000)
    inner = try settings.whole("inner", default: 2_000, in: 1...1_000_000)
    warmup = try settings.whole("warmup", default: 30, in: 1...10_000)
    let trees = try settings.whole("trees", default: 0, in: 0...2)
    population = try Population(problem, size: batch, strategy: Self.id)
    random = SplitMix64(seed: settings.seed)
    left = settings.evaluations
    levels = ChoiceLevels(problem)
    for case .measured(let index) in problem.objectives {
      predictors[index] = ValuePredictor(
        problem, levels: levels, trees: ValuePredictor.Trees(rawValue: trees) ?? .none)
    }
  }

  /// The founders, then a batch of each round.
  public mutating func ask() throws -> [Proposal] {
    guard left > 0 else { return [] }
    let points =
      population.trials.isEmpty
      ? population.founders(
        min(warmup, left), seeds: (min(warmup, left) + 1) / 2, along: levels, using: &random)
      : try promising(min(batch, left))
    left -= points.count
    return points.map { population.problem.everywhere($0) }
  }

  /// Remembers the batch.
  public mutating func tell(_ trials: [Trial]) throws {
    let needed = (predictors.keys.max() ?? -1) + 1
    guard trials.allSatisfy({ $0.values.count >= needed }) else {
      throw UserError(.failed, "an evaluation lacks the measured value \(needed - 1)")
    }
    population.record(trials)
  }

  /// Unmeasured points that the predictors like best.
  private mutating func promising(_ count: Int) throws -> [[Int]] {
    let problem = population.problem
    let models = try fitted()
    let measured = population.trials.map { scaled($0) }
    let ranks = try dominationRanks(measured)
    let front = population.trials.indices.filter { ranks[$0] == 0 }
    let starts = front.map { population.trials[$0].choices }

    // Points by their predicted objectives, each once and in the order in which it was found.
    var imagined: [[Int]] = []
    var known = population.taken
    func predicted(_ points: [[Int]]) throws -> [[Double]] {
      let columns = try problem.objectives.map { objective in
        switch objective {
        case .cost(let index): points.map { problem.costs[index].total(of: $0) }
        case .measured(let index): try models[index]?.predict(points) ?? []
        }
      }
      return points.indices.map { i in columns.map { $0[i] } }
    }

    var inside = problem
    inside.objectives = problem.objectives.indices.map { .measured($0) }
    inside.prior = nil
    inside.seeds = starts
    if models.values.allSatisfy(\.isCheap) {
      let descent = TradeOffDescent(
        problem: problem, objectives: { try predicted([$0])[0] },
        ranges: ranges(front.map { measured[$0] }))
      let ends = try (0..<Self.descents).map { _ in
        try descent.descended(
          from: starts[Int.random(in: starts.indices, using: &random)], using: &random)
      }
      for end in ends where known.insert(end).inserted { imagined.append(end) }
      inside.seeds = (starts + imagined).shuffled(using: &random)
    }
    let settings = SearchSettings(
      seed: random.next(), evaluations: inner, options: ["population": 100])
    var search: any SearchStrategy = try EvolutionarySearch(inside, settings: settings)
    let (trials, _) = try SearchLoop(evaluations: inner).run(&search) { proposals in
      let values = try predicted(proposals.map(\.choices))
      return zip(proposals, values).map { Trial($0, values: $1) }
    }
    for trial in trials where known.insert(trial.choices).inserted {
      imagined.append(trial.choices)
    }
    guard !imagined.isEmpty else {
      // The inner search saw measured points only: whatever is left of the space.
      return population.children(count, using: &random) { [trials = population.trials] random in
        trials[Int.random(in: trials.indices, using: &random)].choices
      }
    }
    let values = try predicted(imagined)
    let order = try NonDominatedSorting.order(values)
    let best = order.prefix(max(20 * count, 200))
    let picked = SpreadPicks.picked(
      count, of: best.map { values[$0] }, beyond: front.map { measured[$0] })
    return picked.map { imagined[best[$0]] }
  }

  /// A predictor for every measured value that is an objective.
  private mutating func fitted() throws -> [Int: ValuePredictor.Fitted] {
    let points = population.trials.map(\.choices)
    var models: [Int: ValuePredictor.Fitted] = [:]
    for index in predictors.keys.sorted() {
      models[index] = try predictors[index]?.fitted(
        points, values: population.trials.map { $0.values[index] })
    }
    return models
  }

  /// The objectives of a trial in the scale of the predictions.
  private func scaled(_ trial: Trial) -> [Double] {
    zip(population.problem.objectives, population.problem.ranked(trial)).map { objective, value in
      guard case .measured(let index) = objective,
        predictors[index]?.isLogarithmic == true, value > 0
      else { return value }
      return log(value)
    }
  }

  private func ranges(_ points: [[Double]]) -> [Double] {
    population.problem.objectives.indices.map { k in
      let values = points.map { $0[k] }
      let range = (values.max() ?? 0) - (values.min() ?? 0)
      return range > 0 && range.isFinite ? range : 1
    }
  }
}
