import BoostedTrees
import Vocabulary

/// What boosted trees, fitted to the trials there are, expect of other points.
///
/// Trials of other models (``SearchProblem/transfer``) make a first model p of their own. The trials of
/// this search then move it, `a + b·p`, with b drawn to 1 by two trials' worth of evidence, and trees
/// learn what is left over; p is one of their columns, so that they can bend it too.
struct BoostedSurrogate {
  /// How the trees of a search are grown.
  struct Settings {
    var rounds: Int
    var depth: Int
    var learningRate: Double
  }

  /// Expected values of points, and how far the members of the ensemble are apart.
  struct Expectation {
    var mean: [Double]
    /// Standard deviation over the members; zero when there is one.
    var spread: [Double]
  }

  private let settings: Settings
  private let transferred: (trees: BoostedTrees, scale: Standardisation)?

  /// A surrogate that knows the transferred trials only.
  init(_ problem: SearchProblem, settings: Settings) throws {
    self.settings = settings
    guard !problem.transfer.isEmpty else {
      transferred = nil
      return
    }
    let encoding = KnobEncoding(problem)
    let values = withoutFailures(problem.transfer.map { problem.values(of: $0)[0] })
    let scale = Standardisation(values)
    // Closer to the data than the search's own trees: the whole of another model is often known.
    var grown = BoostedTrees.Settings(rounds: 200, depth: 6, learningRate: 0.2)
    grown.penalty = 0.3
    grown.baseScore = 0
    let trees = try grow(
      fitting: problem.transfer.map { encoding.row($0.choices) },
      targets: values.map { Float(scale.standard($0)) }, settings: grown)
    transferred = (trees, scale)
  }

  /// Whether something is known before the first trial.
  var hasPrior: Bool { transferred != nil }

  /// What is expected of `candidates` after trials.
  ///
  /// - Parameters:
  ///   - rows: The encoded points that were evaluated.
  ///   - values: Their values; those that are not finite count as the worst that is.
  ///   - candidates: Encoded points.
  ///   - members: The models of the ensemble; each sees its own bootstrap sample if there are several.
  ///   - seed: Decides the samples.
  /// - Complexity: O(members · rounds · depth · columns · (rows log rows + candidates)).
  func expectation(
    after rows: [[Float]], values: [Double], of candidates: [[Float]], members: Int, seed: UInt64
  ) throws -> Expectation {
    guard !candidates.isEmpty else { return Expectation(mean: [], spread: []) }
    let priors = try transferredValues(rows)
    let candidatePriors = try transferredValues(candidates)
    guard !rows.isEmpty else {
      return Expectation(
        mean: candidatePriors, spread: Array(repeating: 0, count: candidates.count))
    }
    let values = withoutFailures(values)
    let (level, slope) = line(priors, values)
    let residuals = zip(values, priors).map { $0 - level - slope * $1 }
    let scale = Standardisation(residuals)
    let table = hasPrior ? zip(rows, priors).map { $0 + [Float($1)] } : rows
    let asked = hasPrior ? zip(candidates, candidatePriors).map { $0 + [Float($1)] } : candidates

    var sum = [Double](repeating: 0, count: candidates.count)
    var squares = sum
    for member in 0..<max(1, members) {
      var generator = SplitMix64(seed: seed, job: member)
      let drawn =
        members > 1
        ? table.indices.map { _ in Int.random(in: table.indices, using: &generator) }
        : Array(table.indices)
      var grown = BoostedTrees.Settings(
        rounds: settings.rounds, depth: settings.depth, learningRate: settings.learningRate,
        seed: generator.next())
      grown.baseScore = 0
      let trees = try grow(
        fitting: drawn.map { table[$0] },
        targets: drawn.map { Float(scale.standard(residuals[$0])) }, settings: grown)
      for (i, prediction) in try trees.predict(asked).enumerated() {
        sum[i] += Double(prediction)
        squares[i] += Double(prediction) * Double(prediction)
      }
    }
    let count = Double(max(1, members))
    return Expectation(
      mean: candidates.indices.map {
        scale.value(sum[$0] / count) + level + slope * candidatePriors[$0]
      },
      spread: candidates.indices.map { i in
        let mean = sum[i] / count
        return scale.deviation * max(0, squares[i] / count - mean * mean).squareRoot()
      })
  }

  /// What the other models' trials say; zeros without them.
  private func transferredValues(_ rows: [[Float]]) throws -> [Double] {
    guard let transferred else { return Array(repeating: 0, count: rows.count) }
    return try transferred.trees.predict(rows).map { transferred.scale.value(Double($0)) }
  }

  /// The level and slope at which the other models' values fit this one's.
  private func line(_ priors: [Double], _ values: [Double]) -> (level: Double, slope: Double) {
    let meanValue = values.reduce(0, +) / Double(values.count)
    guard let transferred else { return (meanValue, 0) }
    let meanPrior = priors.reduce(0, +) / Double(priors.count)
    let weight = 2 * transferred.scale.deviation * transferred.scale.deviation
    var products = weight
    var squares = weight
    for (prior, value) in zip(priors, values) {
      products += (prior - meanPrior) * (value - meanValue)
      squares += (prior - meanPrior) * (prior - meanPrior)
    }
    let slope = max(0, products / squares)
    return (meanValue - slope * meanPrior, slope)
  }
}

/// Moves and scales values to mean 0 and standard deviation 1, and back.
private struct Standardisation {
  let mean: Double
  /// 1 where all values are equal.
  let deviation: Double

  init(_ values: [Double]) {
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    self.mean = mean
    deviation = variance > 0 && variance.isFinite ? variance.squareRoot() : 1
  }

  /// At most a million deviations away, which a `Float` holds.
  func standard(_ value: Double) -> Double { min(max((value - mean) / deviation, -1e6), 1e6) }
  func value(_ standard: Double) -> Double { mean + standard * deviation }
}

/// The values, with the worst finite one (or 0) in place of those that are not finite.
private func withoutFailures(_ values: [Double]) -> [Double] {
  let worst = values.filter(\.isFinite).max() ?? 0
  return values.map { $0.isFinite ? $0 : worst }
}

/// Fitted trees; a failure (the library is missing) is told as every other of the tool.
private func grow(
  fitting rows: [[Float]], targets: [Float], settings: BoostedTrees.Settings
) throws -> BoostedTrees {
  do {
    return try BoostedTrees(fitting: rows, targets: targets, settings: settings)
  } catch let error as BoostedTreesError {
    throw UserError(.failed, error.description)
  }
}
