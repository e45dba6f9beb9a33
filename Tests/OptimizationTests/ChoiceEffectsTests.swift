import Foundation
import Optimization
import Testing
import Vocabulary

/// The regression that `linas` predicts with, on functions that are known.
@Suite struct ChoiceEffectsTests {
  private let knobs = 8
  private let problem = SearchProblem(
    knobs: (0..<8).map { .init(name: "\($0)", choices: ["a", "b", "c", "d"], isOrdered: true) })

  private func points(_ count: Int, seed: UInt64) -> [[Int]] {
    var random = SplitMix64(seed: seed)
    var seen: Set<[Int]> = []
    var points: [[Int]] = []
    while points.count < count {
      let point = (0..<knobs).map { _ in Int.random(in: 0..<4, using: &random) }
      if seen.insert(point).inserted { points.append(point) }
    }
    return points
  }

  private func fit(
    _ points: [[Int]], _ value: ([Int]) -> Double, _ beliefs: ChoiceEffects.Beliefs
  ) -> ChoiceEffects {
    ChoiceEffects(
      points, values: points.map(value), levels: ChoiceLevels(problem),
      start: Array(repeating: Array(repeating: 0, count: 4), count: knobs), beliefs: beliefs,
      scores: true)
  }

  private func error(_ model: ChoiceEffects, _ value: ([Int]) -> Double) -> Double {
    let unseen = points(200, seed: 77)
    return
      (unseen.reduce(0) { $0 + pow(model.predict($1) - value($1), 2) } / 200).squareRoot()
  }

  /// Values that are a sum of effects are predicted where nothing was measured.
  @Test func sumsAreLearned() {
    var random = SplitMix64(seed: 1)
    let effects = (0..<knobs).map { _ in (0..<4).map { _ in random.uniform() } }
    let value = { (p: [Int]) in zip(effects, p).reduce(-3) { $0 + $1.0[$1.1] } }
    let model = fit(
      points(120, seed: 2), value, .init(form: .sum, deviation: 1, knob: 0.5, pair: 0, noise: 1e-3))
    #expect(error(model, value) < 0.01)
  }

  /// The logarithm of a sum of positive parts that span decades, better than by a sum of effects; and
  /// the left-out error says so without having seen another point.
  @Test func logarithmsOfSumsAreLearned() {
    var random = SplitMix64(seed: 3)
    let parts = (0..<knobs).map { _ in
      let scale = pow(100, random.uniform())
      return (0..<4).map { scale * pow(4, -Double($0)) }
    }
    let value = { (p: [Int]) in log(zip(parts, p).reduce(0) { $0 + $1.0[$1.1] }) }
    let trials = points(80, seed: 4)
    let parted = fit(
      trials, value, .init(form: .logSum, deviation: 0.15, knob: 1.5, pair: 0, noise: 0.05))
    let summed = fit(
      trials, value, .init(form: .sum, deviation: 1, knob: 0.5, pair: 0, noise: 0.1))
    #expect(error(parted, value) < 0.1)
    #expect(error(parted, value) < error(summed, value) / 2)
    #expect(parted.leftOut < summed.leftOut)
    #expect(parted.leftOut > 0)
  }

  /// Pairs are learned where there are some, in both forms.
  @Test(arguments: [ChoiceEffects.Form.sum, .logSum])
  func pairsAreLearned(form: ChoiceEffects.Form) {
    var random = SplitMix64(seed: 5)
    let own = (0..<knobs).map { _ in (0..<4).map { pow(2, -Double($0)) * (1 + random.uniform()) } }
    let weights = (0..<knobs).map { _ in (0..<knobs).map { _ in random.uniform() - 0.3 } }
    let value = { (p: [Int]) in
      let parts = zip(own, p).map { $0[$1] }
      var sum = parts.reduce(0, +)
      for k in 0..<knobs {
        for h in k + 1..<knobs {
          sum +=
            form == .logSum
            ? weights[k][h] * (parts[k] * parts[h]).squareRoot()
            : weights[k][h] * Double(p[k] * p[h])
        }
      }
      return form == .logSum ? log(sum) : sum
    }
    let trials = points(150, seed: 6)
    func beliefs(_ pair: Double) -> ChoiceEffects.Beliefs {
      .init(
        form: form, deviation: form == .sum ? 1 : 0.6, knob: form == .sum ? 0.5 : 1.5, pair: pair,
        noise: 0.05)
    }
    let without = fit(trials, value, beliefs(0))
    let with = fit(trials, value, beliefs(form == .sum ? 1 : 0.3))
    #expect(error(with, value) < 0.7 * error(without, value))
    #expect(with.leftOut < without.leftOut)
  }

  /// Against `A x = b` and the inverse of a 2 × 2 matrix: [[4, 2], [2, 3]] has ⅛ [[3, −2], [−2, 4]].
  @Test func choleskyOfTwo() {
    let factor = CholeskyFactor([4, 0, 2, 3], count: 2)
    #expect(zip(factor.solved([2, 3]), [0, 1]).allSatisfy { abs($0 - $1) < 1e-15 })
    #expect(zip(factor.inverseDiagonal(), [0.375, 0.5]).allSatisfy { abs($0 - $1) < 1e-15 })
  }

  /// The gap of a front first, then the point beyond its end; a dominated point last.
  @Test func picksAreSpread() {
    let front = [[0.0, 10], [1, 9], [9, 1], [10, 0]]
    let candidates = [[1.5, 9.5], [4, 4], [4.1, 4.1], [-2, 12], [0.9, 9.2]]
    #expect(SpreadPicks.picked(3, of: candidates, beyond: front) == [1, 3, 4])
    #expect(SpreadPicks.picked(9, of: candidates, beyond: front).count == 5)
    #expect(SpreadPicks.picked(2, of: [[3], [1], [2]], beyond: [[2.5]]) == [1, 2])
    #expect(SpreadPicks.picked(1, of: [[1, 1]], beyond: []) == [0])
  }
}
