public import Vocabulary

/// NSGA-II: fronts, crowding distance, simulated binary crossover and polynomial mutation.
///
/// One to three objectives. Bounds are kept by repairing children, so that every evaluation is of a
/// point that may be shipped; a point is never evaluated twice. The first generation has the problem's
/// seeds (the exact frontier of a sensitivity table), as many as the population holds, and besides
/// them points near one level of all knobs, from the smallest to the largest: half a population of
/// them, or a whole one without seeds.
///
/// Options: `population` (20).
///
/// Source: Deb et al., 2002, see ``NonDominatedSorting``.
public struct EvolutionarySearch: SearchStrategy {
  /// `evolution`.
  public static let id = "evolution"
  /// The standard of multi-objective search.
  public static let summary = "NSGA-II, for one to three objectives"
  /// Yes.
  public static let isMultiObjective = true
  /// What the user may set.
  public static let options: [String] = ["population"]

  private var population: Population
  private var random: SplitMix64
  private var left: Int
  private let levels: ChoiceLevels
  /// The parents, the best first: the elitist merge of the last parents and their children.
  private var living: [Trial] = []

  /// A search from its beginning.
  public init(_ problem: SearchProblem, settings: SearchSettings) throws {
    guard (1...3).contains(problem.objectives.count) else {
      throw UserError(.usage, "\(Self.id) takes one to three objectives")
    }
    population = try Population(
      problem, size: settings.whole("population", default: 20, in: 2...10_000), strategy: Self.id)
    random = SplitMix64(seed: settings.seed)
    left = settings.evaluations
    levels = ChoiceLevels(problem)
  }

  /// A generation.
  public mutating func ask() throws -> [Proposal] {
    var count = min(population.size, left)
    guard count > 0 else { return [] }
    let points: [[Int]]
    if population.trials.isEmpty {
      let seeds = min(population.problem.seeds.count, population.size)
      count = min(max(population.size, seeds + population.size / 2), left)
      points = population.founders(count, seeds: seeds, along: levels, using: &random)
    } else {
      points = population.children(count, using: &random) { [living] random in
        let a = Int.random(in: living.indices, using: &random)
        let b = Int.random(in: living.indices, using: &random)
        return living[min(a, b)].choices
      }
    }
    left -= points.count
    return points.map { population.problem.everywhere($0) }
  }

  /// Lets the best of parents and children live.
  public mutating func tell(_ trials: [Trial]) throws {
    population.record(trials)
    let contenders = living + trials
    let values = contenders.map { population.problem.ranked($0) }
    living = try NonDominatedSorting.order(values).prefix(population.size).map { contenders[$0] }
  }
}
