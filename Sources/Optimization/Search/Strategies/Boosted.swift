import Foundation
public import Vocabulary

/// Gradient-boosted trees that learn from every trial which point to try next (Quantune).
///
/// After a few points that lie far apart, each step fits trees to the whole history, and to the trials
/// of other models that the problem brings, and proposes the points with the largest expected
/// improvement, or with the best predicted value. A point that was evaluated is never proposed again.
/// The search is over when every feasible point of an enumerable space is evaluated.
///
/// Options: `warmup` (points before the first fit; 8, at most a quarter of the evaluations; none with
/// transferred trials), `batch` (proposals a step, 1), `ensemble` (members of the expected improvement,
/// 0 for the best predicted value), `epsilon` (the part of the proposals that go far from what is
/// known), `rounds`, `depth`, `rate` (of the trees).
///
/// Source: Lee et al., "Quantune: post-training quantization of convolutional neural networks using
/// extreme gradient boosting for fast deployment", 2022; expected improvement after Jones, Schonlau and
/// Welch, 1998.
public struct BoostedSearch: SearchStrategy {
  /// `boosted`.
  public static let id = "boosted"
  /// Trees and transfer.
  public static let summary =
    "gradient-boosted trees over all trials, with transfer from other models (Quantune)"
  /// One objective.
  public static let isMultiObjective = false
  /// What the user may set.
  public static let options: [String] = [
    "warmup", "batch", "ensemble", "epsilon", "rounds", "depth", "rate",
  ]

  private let problem: SearchProblem
  private let seed: UInt64
  private let warmup: Int
  private let batch: Int
  private let ensemble: Int
  private let epsilon: Double
  private let encoding: KnobEncoding
  private let pool: CandidatePool
  private let surrogate: BoostedSurrogate

  private var points: [[Int]] = []
  private var rows: [[Float]] = []
  private var values: [Double] = []
  private var taken: Set<[Int]> = []

  /// A search from its beginning.
  ///
  /// - Throws: `UserError` for several objectives, points that are not of this space, options out of
  ///   range, and a space without a feasible point.
  public init(_ problem: SearchProblem, settings: SearchSettings) throws {
    guard problem.objectives.count == 1 else {
      throw UserError(.usage, "the strategy '\(Self.id)' takes one objective")
    }
    for choices in problem.seeds + problem.transfer.map(\.choices) {
      guard choices.count == problem.knobs.count,
        zip(problem.knobs, choices).allSatisfy({ $0.choices.indices.contains($1) })
      else {
        throw UserError(.failed, "a seed or a transferred trial is not a point of this space")
      }
    }
    try Self.check(problem.transfer, of: problem)
    func whole(_ name: String, _ standard: Int, atLeast least: Int) throws -> Int {
      guard let value = settings.options[name] else { return standard }
      guard let number = Int(exactly: value), number >= least else {
        throw UserError(.usage, "the option '\(name)' must be a whole number of at least \(least)")
      }
      return number
    }
    func part(_ name: String, _ standard: Double) throws -> Double {
      let value = settings.options[name] ?? standard
      guard (0...1).contains(value) else {
        throw UserError(.usage, "the option '\(name)' must be from 0 to 1")
      }
      return value
    }
    self.problem = problem
    seed = settings.seed
    let few = min(8, max(2, settings.evaluations / 4))
    warmup = try whole("warmup", problem.transfer.isEmpty ? few : 0, atLeast: 0)
    batch = try whole("batch", 1, atLeast: 1)
    ensemble = try whole("ensemble", 0, atLeast: 0)
    epsilon = try part("epsilon", 0.05)
    encoding = KnobEncoding(problem)
    pool = try CandidatePool(problem)
    surrogate = try BoostedSurrogate(
      problem,
      settings: BoostedSurrogate.Settings(
        rounds: whole("rounds", 30, atLeast: 1), depth: whole("depth", 3, atLeast: 1),
        learningRate: part("rate", 0.3)))
  }

  /// The next `batch` points, or the warm-up; none when every point of a small space is known.
  public mutating func ask() throws -> [Proposal] {
    // Nothing but the trials so far decides what is drawn: a resumed search asks the same.
    var generator = SplitMix64(seed: seed, job: points.count)
    var parents = points.indices.sorted { rank($0) < rank($1) }.prefix(8).map { points[$0] }
    parents += problem.seeds
    var candidates = pool.points(without: taken, parents: parents, using: &generator)
    guard !candidates.isEmpty || !points.isEmpty else {
      throw UserError(.infeasible, "no point of the search space that keeps every bound was found")
    }
    let first = start(candidates, using: &generator)
    if !first.isEmpty { return first.map(proposal) }
    if points.isEmpty && !surrogate.hasPrior { return candidates.prefix(batch).map(proposal) }

    let expectation = try surrogate.expectation(
      after: rows, values: values, of: candidates.map(encoding.row), members: ensemble,
      seed: generator.next())
    let scores = merit(expectation)
    // Ties keep the pool's random order.
    let order = candidates.indices.sorted { (-scores[$0], $0) < (-scores[$1], $1) }
    candidates = order.map { candidates[$0] }
    var chosen: [[Int]] = []
    while chosen.count < batch, !candidates.isEmpty {
      let known = points + chosen
      let next =
        !known.isEmpty && generator.uniform() < epsilon ? farthest(candidates, from: known) : 0
      chosen.append(candidates.remove(at: next))
    }
    return chosen.map(proposal)
  }

  /// Adds trials to what the trees are fitted to.
  public mutating func tell(_ trials: [Trial]) throws {
    try Self.check(trials, of: problem)
    for trial in trials {
      points.append(trial.choices)
      rows.append(encoding.row(trial.choices))
      values.append(problem.values(of: trial)[0])
      taken.insert(trial.choices)
    }
  }

  /// The seeds, then points far from all others until the warm-up is full.
  private func start(_ candidates: [[Int]], using generator: inout SplitMix64) -> [[Int]] {
    var chosen = points.isEmpty ? distinct(problem.seeds.filter(problem.isFeasible)) : []
    var left = candidates.filter { !chosen.contains($0) }
    while points.count + chosen.count < warmup, !left.isEmpty {
      // Of some random ones only: the farthest of all are corners.
      let some = Array(left.prefix(16))
      let known = points + chosen
      let next = known.isEmpty ? 0 : farthest(some, from: known)
      chosen.append(left.remove(at: next))
      left.shuffle(using: &generator)
    }
    return chosen
  }

  /// How much a point is worth trying, large is good.
  private func merit(_ expectation: BoostedSurrogate.Expectation) -> [Double] {
    guard ensemble > 1, let best = values.filter(\.isFinite).min() else {
      return expectation.mean.map { -$0 }
    }
    return zip(expectation.mean, expectation.spread).map { mean, spread in
      let gain = best - mean
      guard spread > 0 else { return max(0, gain) }
      let z = gain / spread
      return gain * 0.5 * erfc(-z / 2.0.squareRoot())
        + spread * exp(-z * z / 2) / (2 * Double.pi).squareRoot()
    }
  }

  /// The index of the candidate whose nearest known point is farthest away.
  private func farthest(_ candidates: [[Int]], from known: [[Int]]) -> Int {
    var best = (index: 0, distance: -1.0)
    for (index, candidate) in candidates.enumerated() {
      let nearest = known.reduce(Double.infinity) { min($0, pool.distance(candidate, $1)) }
      if nearest > best.distance { best = (index, nearest) }
    }
    return best.index
  }

  /// Trials that failed come last; ties in the order of their telling.
  private func rank(_ index: Int) -> (Double, Int) {
    (values[index].isFinite ? values[index] : .infinity, index)
  }

  private func proposal(_ choices: [Int]) -> Proposal {
    Proposal(choices, samples: 0..<problem.samples)
  }

  private func distinct(_ points: [[Int]]) -> [[Int]] {
    var seen: Set<[Int]> = []
    return points.filter { seen.insert($0).inserted }
  }

  private static func check(_ trials: [Trial], of problem: SearchProblem) throws {
    guard case .measured(let index)? = problem.objectives.first else { return }
    guard trials.allSatisfy({ $0.values.indices.contains(index) }) else {
      throw UserError(.failed, "a trial lacks the measured value \(index) that is to be made small")
    }
  }
}
