internal import Foundation
public import Vocabulary

/// Simulated annealing over points within the bounds (the allocation of exllamav2).
///
/// A move raises one knob and lowers another, or redraws one, and is repaired to keep every bound. A
/// worse point takes the current one's place with probability `exp(−Δ / T)`; T falls geometrically from
/// `start` to `end`, both as parts of the first point's value. What differs from exllamav2: every step
/// is a real evaluation, so no point is evaluated twice.
///
/// Options: `start` (0.05), `end` (0.0005).
public struct AnnealingSearch: SearchStrategy {
  /// `annealing`.
  public static let id = "annealing"
  /// A baseline.
  public static let summary = "simulated annealing by moves within the bounds (baseline)"
  /// One objective.
  public static let isMultiObjective = false
  /// What the user may set.
  public static let options: [String] = ["start", "end"]

  private let problem: SearchProblem
  private let pool: CandidatePool
  private let measured: Int
  private let evaluations: Int
  private let start: Double
  private let end: Double
  private var random: SplitMix64
  private var taken: Set<[Int]> = []
  private var current: (point: [Int], value: Double)?
  private var scale = 1.0

  /// A search from its beginning.
  public init(_ problem: SearchProblem, settings: SearchSettings) throws {
    try problem.requireWellFormed(for: Self.id)
    measured = try problem.onlyMeasuredObjective(for: Self.id)
    start = try settings.number("start", default: 0.05, in: 1e-12...1e12)
    end = try settings.number("end", default: 0.0005, in: 1e-12...1e12)
    self.problem = problem
    pool = try CandidatePool(problem)
    evaluations = settings.evaluations
    random = SplitMix64(seed: settings.seed)
  }

  /// One point.
  public mutating func ask() throws -> [Proposal] {
    guard taken.count < evaluations else { return [] }
    guard let current else {
      if let seed = problem.seeds.first(where: { problem.isFeasible($0) }) {
        return [problem.everywhere(seed)]
      }
      guard let first = pool.points(without: [], parents: [], using: &random).first else {
        throw UserError(.infeasible, "\(Self.id) found no point that keeps every bound")
      }
      return [problem.everywhere(first)]
    }
    for _ in 0..<64 {
      let next = pool.repaired(moved(current.point), using: &random)
      if let next, !taken.contains(next) { return [problem.everywhere(next)] }
    }
    let others = pool.points(without: taken, parents: [current.point], using: &random)
    return others.prefix(1).map { problem.everywhere($0) }
  }

  /// Moves to the point, or stays.
  public mutating func tell(_ trials: [Trial]) throws {
    for trial in trials {
      taken.insert(trial.choices)
      let value = trial.values[measured].isNaN ? .infinity : trial.values[measured]
      guard let old = current else {
        current = (trial.choices, value)
        if value.isFinite, value != 0 { scale = abs(value) }
        continue
      }
      let progress = Double(taken.count) / Double(max(1, evaluations))
      let temperature = scale * start * pow(end / start, progress)
      let draw = random.uniform()
      if value <= old.value || draw < exp((old.value - value) / temperature) {
        current = (trial.choices, value)
      }
    }
  }

  /// A neighbour, not yet held within the bounds.
  private mutating func moved(_ point: [Int]) -> [Int] {
    var point = point
    let movable = problem.knobs.indices.filter { problem.knobs[$0].choices.count > 1 }
    guard let a = movable.randomElement(using: &random),
      let b = movable.randomElement(using: &random)
    else { return point }
    for (k, step) in [(a, 1), (b, -1)] {
      let count = problem.knobs[k].choices.count
      point[k] =
        problem.knobs[k].isOrdered
        ? min(max(point[k] + step, 0), count - 1) : Int.random(in: 0..<count, using: &random)
      if a == b { break }
    }
    return point
  }
}
