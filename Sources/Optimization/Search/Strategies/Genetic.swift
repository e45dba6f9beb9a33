public import Vocabulary

/// A plain genetic algorithm: tournaments of two, crossover, mutation, and the best always survive.
///
/// Options: `population` (16).
///
/// Source: the baseline of Lee et al., "Quantune", 2022.
public struct GeneticSearch: SearchStrategy {
  /// `genetic`.
  public static let id = "genetic"
  /// A baseline.
  public static let summary = "a plain elitist genetic algorithm (baseline)"
  /// One objective.
  public static let isMultiObjective = false
  /// What the user may set.
  public static let options: [String] = ["population"]

  private var population: Population
  private let measured: Int
  private var random: SplitMix64
  private var left: Int

  /// A search from its beginning.
  public init(_ problem: SearchProblem, settings: SearchSettings) throws {
    measured = try problem.onlyMeasuredObjective(for: Self.id)
    population = try Population(
      problem, size: settings.whole("population", default: 16, in: 2...10_000), strategy: Self.id)
    random = SplitMix64(seed: settings.seed)
    left = settings.evaluations
  }

  /// A generation.
  public mutating func ask() throws -> [Proposal] {
    let count = min(population.size, left)
    guard count > 0 else { return [] }
    var points: [[Int]]
    if population.trials.isEmpty {
      points = population.founders(count, using: &random)
    } else {
      let living = survivors
      points = population.children(count, using: &random) { random in
        // The survivors are in order: of two the earlier one is the better.
        let a = Int.random(in: living.indices, using: &random)
        let b = Int.random(in: living.indices, using: &random)
        return living[min(a, b)]
      }
    }
    left -= points.count
    return points.map { population.problem.everywhere($0) }
  }

  /// Remembers the generation.
  public mutating func tell(_ trials: [Trial]) throws { population.record(trials) }

  /// The best points of all trials, the best first.
  private var survivors: [[Int]] {
    population.trials.enumerated().sorted {
      (value($0.element), $0.offset) < (value($1.element), $1.offset)
    }.prefix(population.size).map(\.element.choices)
  }

  private func value(_ trial: Trial) -> Double {
    trial.values[measured].isNaN ? .infinity : trial.values[measured]
  }
}
