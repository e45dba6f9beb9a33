import Foundation
import Vocabulary

/// Walks down a weighted sum of predicted objectives, a knob at a time.
struct TradeOffDescent {
  let problem: SearchProblem
  /// The objectives of a point.
  let objectives: ([Int]) throws -> [Double]
  /// `[objective]`: what is a large difference.
  let ranges: [Double]

  /// Where no knob improves the sum; weights are drawn uniformly.
  ///
  /// - Complexity: O(knobs · choices) predictions a sweep, at most four sweeps.
  func descended(from start: [Int], using random: inout SplitMix64) throws -> [Int] {
    let weights = ranges.map { -log(1 - random.uniform()) / $0 }
    let isBounded = problem.costs.contains { $0.limit != nil }
    func score(_ point: [Int]) throws -> Double {
      zip(weights, try objectives(point)).reduce(0) { $0 + $1.0 * $1.1 }
    }
    var point = start
    var least = try score(point)
    for _ in 0..<4 {
      var moved = false
      for k in point.indices.shuffled(using: &random) {
        let before = point[k]
        var best = before
        for choice in problem.knobs[k].choices.indices where choice != before {
          point[k] = choice
          guard !isBounded || problem.isFeasible(point) else { continue }
          let value = try score(point)
          if value < least { (least, best) = (value, choice) }
        }
        point[k] = best
        if best != before { moved = true }
      }
      if !moved { break }
    }
    return point
  }
}
