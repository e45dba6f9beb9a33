import Foundation
import Vocabulary

/// A ridge regression of a value on the choices of a point, with pairs where they pay.
///
/// Every choice has an effect θ. In the form ``Form/sum`` the value is the mean of the effects of the
/// point's choices. In the form ``Form/logSum`` it is the logarithm of the sum of their exponentials,
/// which is what the logarithm of a loss is to which every knob adds a positive part; that is fitted by
/// Gauss and Newton's method. The ridge draws an effect to what its neighbours say: a level common to
/// all knobs, a slope along the knobs' levels, a level and slope of the knob's own, and last a
/// deviation of the single choice. Pairs add `Σ_{k<h} W_kh z_k z_h`: with z the square root of a knob's
/// part of the sum, which is the second-order cross term of two perturbations, or its level.
///
/// All is solved in the dual, by a matrix of trials by trials, whose inverse also tells the error that
/// each trial would have been predicted with, had it been left out.
///
/// Source: Hoerl and Kennard, "Ridge regression", 1970; Allen's PRESS, 1974, for the left-out error;
/// Saunders, Gammerman and Vovk, "Ridge regression learning algorithm in dual variables", 1998.
package struct ChoiceEffects {
  /// How the effects of a point's choices make its value.
  package enum Form: Hashable {
    /// Their mean.
    case sum
    /// The logarithm of the sum of their exponentials.
    case logSum
  }

  /// What the ridge believes before it has seen anything; standard deviations in units of the value.
  package struct Beliefs: Hashable {
    package var form: Form
    /// Of a choice against its knob's line.
    package var deviation: Double
    /// Of a knob's level and slope against those of all.
    package var knob: Double
    /// Of a pair's weight; 0 for no pairs.
    package var pair: Double
    /// Of a value against the model.
    package var noise: Double
    /// Whether the effects start from the predicted losses.
    package var usesPrior: Bool

    package init(
      form: Form, deviation: Double, knob: Double, pair: Double, noise: Double,
      usesPrior: Bool = false
    ) {
      self.form = form
      self.deviation = deviation
      self.knob = knob
      self.pair = pair
      self.noise = noise
      self.usesPrior = usesPrior
    }
  }

  /// The most trials that are fitted, the latest; more would take the cube of the time.
  package static let mostTrials = 1_000

  /// What it was fitted with.
  package let beliefs: Beliefs
  /// The mean square of the left-out errors of all trials.
  package private(set) var leftOut = Double.infinity
  /// θ by knob and choice.
  private var effects: [[Double]]
  /// `exp(effects)`, in the form ``Form/logSum``.
  private var parts: [[Double]] = []
  /// W, row-major, of which the part above the diagonal counts; empty without pairs.
  private var pairs: [Double] = []
  private let levels: [[Double]]

  /// Fits points to their values.
  ///
  /// - Parameters:
  ///   - points: Distinct points, at least one, at most ``mostTrials``.
  ///   - values: Finite.
  ///   - start: `[knob][choice]`, what the effects are drawn to.
  ///   - scores: Whether ``leftOut`` is wanted.
  /// - Complexity: O(n² · knobs + n³) a step of Newton's method.
  package init(
    _ points: [[Int]], values: [Double], levels: ChoiceLevels, start: [[Double]],
    beliefs: Beliefs, scores: Bool
  ) {
    self.beliefs = beliefs
    self.levels = levels.levels
    effects = start
    let mean = values.reduce(0, +) / Double(values.count)
    let spread = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    let covariance = EffectCovariance(
      beliefs, spread: max(spread.squareRoot(), 1e-9), knobs: start.count)
    // What the start is off by on average costs nothing to learn.
    let offset = mean - points.reduce(0) { $0 + additive($1) } / Double(points.count)
    let origin = start.map { $0.map { $0 + offset } }
    effects = origin
    refreshParts()
    var error = squaredError(points, values)
    for _ in 0..<(beliefs.form == .sum ? 1 : 8) {
      let before = self
      let rows = points.map(row)
      let residuals = zip(points, values).enumerated().map { i, pair in
        let moved = pair.0.enumerated().reduce(0) { sum, knob in
          sum + rows[i].shares[knob.offset]
            * (effects[knob.offset][knob.element] - origin[knob.offset][knob.element])
        }
        return pair.1 - additive(pair.0) + moved
      }
      let factor = CholeskyFactor(
        covariance.matrix(rows, points: points), count: points.count)
      let dual = factor.solved(residuals)
      effects = covariance.moved(origin, by: dual, rows: rows, points: points, levels: self.levels)
      pairs = covariance.pairs(dual, rows: rows)
      refreshParts()
      if scores {
        leftOut =
          zip(dual, factor.inverseDiagonal()).reduce(0) { $0 + ($1.0 / $1.1) * ($1.0 / $1.1) }
          / Double(points.count)
      }
      if beliefs.form == .sum { break }
      // Too long a step is taken half, and half again.
      var next = squaredError(points, values)
      for _ in 0..<4 where next > error * 1.05 {
        effects = zip(effects, before.effects).map { zip($0, $1).map { ($0 + $1) / 2 } }
        refreshParts()
        next = squaredError(points, values)
      }
      let isDone = abs(error - next) <= 1e-3 * error
      error = next
      if isDone { break }
    }
  }

  private mutating func refreshParts() {
    guard beliefs.form == .logSum else { return }
    parts = effects.map { $0.map { exp(min($0, 600)) } }
  }

  /// The predicted value of a point.
  ///
  /// - Complexity: O(knobs), with pairs O(knobs²).
  package func predict(_ point: [Int]) -> Double {
    guard beliefs.form == .logSum else {
      return additive(point) + paired(point.enumerated().map { levels[$0.offset][$0.element] })
    }
    var sum = 0.0
    for k in point.indices { sum += parts[k][point[k]] }
    guard !pairs.isEmpty, sum > 0 else { return log(max(sum, 1e-300)) }
    return log(sum)
      + paired(point.enumerated().map { (parts[$0.offset][$0.element] / sum).squareRoot() })
  }

  /// The predicted value without pairs.
  private func additive(_ point: [Int]) -> Double {
    var most = -Double.infinity
    var sum = 0.0
    for k in point.indices {
      sum += effects[k][point[k]]
      most = max(most, effects[k][point[k]])
    }
    guard beliefs.form == .logSum else { return sum / Double(point.count) }
    var parts = 0.0
    for k in point.indices { parts += exp(effects[k][point[k]] - most) }
    return most + log(parts)
  }

  private func paired(_ amplitudes: [Double]) -> Double {
    guard !pairs.isEmpty else { return 0 }
    let count = amplitudes.count
    return pairs.withUnsafeBufferPointer { weights in
      amplitudes.withUnsafeBufferPointer { z in
        var sum = 0.0
        for k in 0..<count {
          var inner = 0.0
          for h in k + 1..<max(count, k + 1) { inner += weights[k * count + h] * z[h] }
          sum += inner * z[k]
        }
        return sum
      }
    }
  }

  private func squaredError(_ points: [[Int]], _ values: [Double]) -> Double {
    zip(points, values).reduce(0) { sum, pair in
      let error = pair.1 - predict(pair.0)
      return sum + error * error
    }
  }

  /// A trial as the dual sees it.
  struct Row {
    /// `[knob]`: how much the value moves with the effect of the knob's choice; they add up to 1.
    var shares: [Double]
    /// `[knob]`: the level of its choice.
    var levels: [Double]
    /// `[knob]`: what pairs are products of.
    var amplitudes: [Double]
  }

  private func row(_ point: [Int]) -> Row {
    let stands = point.enumerated().map { levels[$0.offset][$0.element] }
    guard beliefs.form == .logSum else {
      return Row(
        shares: Array(repeating: 1 / Double(point.count), count: point.count), levels: stands,
        amplitudes: stands)
    }
    let value = additive(point)
    let shares = point.enumerated().map { exp(effects[$0.offset][$0.element] - value) }
    return Row(shares: shares, levels: stands, amplitudes: shares.map { $0.squareRoot() })
  }
}
