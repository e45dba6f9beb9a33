import Foundation
import Vocabulary

/// Crossover and mutation of points whose knobs are ordered or not.
struct Variation {
  /// Distribution index of the crossover: larger stays nearer to the parents.
  static let crossoverIndex = 15.0
  /// Distribution index of the mutation.
  static let mutationIndex = 20.0

  let knobs: [SearchProblem.Knob]

  /// A child of two parents.
  ///
  /// Ordered knobs by simulated binary crossover, rounded to a choice; unordered ones come from either
  /// parent.
  func crossed(_ a: [Int], _ b: [Int], using random: inout SplitMix64) -> [Int] {
    zip(a, b).enumerated().map { k, pair in
      let (x, y) = random.uniform() < 0.5 ? (pair.0, pair.1) : (pair.1, pair.0)
      guard knobs[k].isOrdered, x != y, random.uniform() < 0.5 else { return x }
      let u = random.uniform()
      let power = 1 / (Self.crossoverIndex + 1)
      let spread = u < 0.5 ? pow(2 * u, power) : pow(1 / (2 * (1 - u)), power)
      let child = 0.5 * ((1 + spread) * Double(x) + (1 - spread) * Double(y))
      return held(child, k)
    }
  }

  /// Each knob changed with probability `rate`, at least one of them.
  ///
  /// Ordered knobs by polynomial mutation and never by less than a step, unordered ones to any other
  /// choice.
  func mutated(_ point: [Int], rate: Double, using random: inout SplitMix64) -> [Int] {
    var point = point
    let movable = knobs.indices.filter { knobs[$0].choices.count > 1 }
    guard !movable.isEmpty else { return point }
    var chosen = movable.filter { _ in random.uniform() < rate }
    if chosen.isEmpty { chosen = [movable[Int.random(in: movable.indices, using: &random)]] }
    for k in chosen {
      let count = knobs[k].choices.count
      guard knobs[k].isOrdered else {
        let other = Int.random(in: 0..<count - 1, using: &random)
        point[k] = other < point[k] ? other : other + 1
        continue
      }
      let u = random.uniform()
      let power = 1 / (Self.mutationIndex + 1)
      let delta = u < 0.5 ? pow(2 * u, power) - 1 : 1 - pow(2 * (1 - u), power)
      let step = delta * Double(count - 1)
      let moved = Double(point[k]) + (step < 0 ? min(step, -1) : max(step, 1))
      let kept = held(moved, k)
      // At an end the step goes the other way.
      point[k] = kept == point[k] ? held(Double(point[k]) - (step < 0 ? -1 : 1), k) : kept
    }
    return point
  }

  private func held(_ value: Double, _ k: Int) -> Int {
    Int(min(max(value.rounded(), 0), Double(knobs[k].choices.count - 1)))
  }
}
