import Foundation
import Vocabulary

/// The best frontier of a ``SearchTask`` that a long descent with free evaluations finds.
///
/// Exact but for what lies between its points where the loss is additive; with pairs, a local
/// optimum. No search under comparison sees it.
struct BestKnownFrontier {
  /// Points that no other beats.
  private(set) var points: [[Int]]

  /// Searches long.
  ///
  /// For each of `weights` prices of a byte, single knobs move to their best choice until none does;
  /// the next price starts from there. Then each point's neighbours are tried, until no point that is
  /// new beats an old one, in at most `rounds` rounds.
  init(_ task: SearchTask, weights: Int = 600, rounds: Int = 12, width: Int = 1_500) {
    let neighbours = Neighbours(task)
    var found: [[Int]] = task.seeds
    var point = task.bytes.map { $0.indices.last ?? 0 }
    for step in 0..<weights {
      let price = pow(10, -13 + 12 * Double(step) / Double(weights - 1))
      point = neighbours.descended(point, price: price)
      found.append(point)
    }
    var known: Set<[Int]> = []
    var front = Self.front(found, task)
    for _ in 0..<rounds {
      var grown = front
      for parent in front where known.insert(parent).inserted { grown += neighbours.all(parent) }
      guard grown.count > front.count else { break }
      let next = Self.front(grown, task)
      front =
        next.count <= width ? next : (0..<width).map { next[$0 * (next.count - 1) / (width - 1)] }
    }
    points = front
  }

  /// The points no other beats, the smallest first, each once.
  private static func front(_ points: [[Int]], _ task: SearchTask) -> [[Int]] {
    nondominated(points.map { (Double(task.size($0)), task.loss($0)) }).map { points[$0] }
  }
}

/// Points that differ in one knob.
private struct Neighbours {
  let task: SearchTask
  /// `[knob]`: the pairs that it is in.
  private let pairs: [[SearchTask.Cross]]

  init(_ task: SearchTask) {
    self.task = task
    pairs = task.bytes.indices.map { k in task.cross.filter { $0.first == k || $0.second == k } }
  }

  func all(_ point: [Int]) -> [[Int]] {
    point.indices.flatMap { k in
      task.bytes[k].indices.filter { $0 != point[k] }.map { choice in
        var other = point
        other[k] = choice
        return other
      }
    }
  }

  /// Where no single knob lowers loss and price of the bytes together.
  func descended(_ start: [Int], price: Double) -> [Int] {
    var point = start
    for _ in 0..<50 {
      var moved = false
      for k in point.indices {
        let costs = task.bytes[k].indices.map { choice -> Double in
          let single = task.single[k][choice] + price * Double(task.bytes[k][choice])
          return pairs[k].reduce(single) { sum, pair in
            sum
              + (pair.first == k
                ? pair.values[choice][point[pair.second]]
                : pair.values[point[pair.first]][choice])
          }
        }
        let best = costs.indices.min { costs[$0] < costs[$1] } ?? 0
        if costs[best] < costs[point[k]] {
          point[k] = best
          moved = true
        }
      }
      if !moved { break }
    }
    return point
  }
}
