import Vocabulary

/// The ranking of NSGA-II: fronts of points that no other dominates, and how lonely each point is.
///
/// Source: Deb, Pratap, Agarwal and Meyarivan, "A fast and elitist multiobjective genetic algorithm:
/// NSGA-II", IEEE Transactions on Evolutionary Computation 6 (2002).
package enum NonDominatedSorting {
  /// Whether `a` is nowhere larger than `b` and somewhere smaller.
  static func dominates(_ a: [Double], _ b: [Double]) -> Bool {
    var smaller = false
    for (x, y) in zip(a, b) {
      if x > y { return false }
      if x < y { smaller = true }
    }
    return smaller
  }

  /// The front of every point, 0 for those that none dominates.
  ///
  /// - Complexity: O(objectives · points²).
  package static func ranks(_ points: [[Double]]) -> [Int] {
    var dominated = points.map { _ in [Int]() }  // by point: those that it dominates
    var above = points.map { _ in 0 }  // by point: how many dominate it
    for i in points.indices {
      for j in points.indices.dropFirst(i + 1) {
        if dominates(points[i], points[j]) {
          dominated[i].append(j)
          above[j] += 1
        } else if dominates(points[j], points[i]) {
          dominated[j].append(i)
          above[i] += 1
        }
      }
    }
    var ranks = points.map { _ in 0 }
    var front = points.indices.filter { above[$0] == 0 }
    var rank = 0
    while !front.isEmpty {
      var next: [Int] = []
      for i in front {
        ranks[i] = rank
        for j in dominated[i] {
          above[j] -= 1
          if above[j] == 0 { next.append(j) }
        }
      }
      front = next.sorted()
      rank += 1
    }
    return ranks
  }

  /// The crowding distance of every point within its front: over the objectives, the gap between its
  /// neighbours as a part of the front's range; infinite at the ends.
  ///
  /// - Complexity: O(objectives · points · log points).
  package static func crowding(_ points: [[Double]], ranks: [Int]) -> [Double] {
    var distances = points.map { _ in 0.0 }
    for rank in 0...(ranks.max() ?? 0) {
      let front = points.indices.filter { ranks[$0] == rank }
      for k in points.first?.indices ?? 0..<0 {
        let order = front.sorted { (points[$0][k], $0) < (points[$1][k], $1) }
        guard let first = order.first, let last = order.last else { continue }
        let range = points[last][k] - points[first][k]
        distances[first] = .infinity
        distances[last] = .infinity
        guard range > 0, range.isFinite else { continue }
        for (place, i) in order.enumerated().dropFirst().dropLast() {
          distances[i] += (points[order[place + 1]][k] - points[order[place - 1]][k]) / range
        }
      }
    }
    return distances
  }

  /// Point indices, the best first: by front, then the lonelier, then the earlier.
  static func order(_ points: [[Double]]) -> [Int] {
    let ranks = ranks(points)
    let distances = crowding(points, ranks: ranks)
    return points.indices.sorted { a, b in
      if ranks[a] != ranks[b] { return ranks[a] < ranks[b] }
      if distances[a] != distances[b] { return distances[a] > distances[b] }
      return a < b
    }
  }
}
