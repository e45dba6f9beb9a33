import Vocabulary

/// Picks points that promise the most beyond a front, and not the same twice.
///
/// What a point promises is the additive ε-indicator against the front and the picks so far: the least,
/// over them, of the largest lead that it has in one objective, over that objective's range. It is
/// positive where nothing dominates the point, and large in the gaps and beyond the ends.
///
/// Source: Zitzler, Thiele, Laumanns, Fonseca and da Fonseca, "Performance assessment of multiobjective
/// optimizers", 2003, for the indicator.
package enum SpreadPicks {
  /// Indices of at most `count` candidates, in the order of their picking.
  ///
  /// - Parameters:
  ///   - candidates: Objectives, small is good.
  ///   - front: Objectives of what is there already.
  /// - Complexity: O(candidates · (front + count) · objectives).
  package static func picked(_ count: Int, of candidates: [[Double]], beyond front: [[Double]])
    -> [Int]
  {
    let all = front.isEmpty ? candidates : front
    guard let width = all.first?.count else { return [] }
    let ranges = (0..<width).map { k in
      let values = all.map { $0[k] }
      let range = (values.max() ?? 0) - (values.min() ?? 0)
      return range > 0 && range.isFinite ? range : 1
    }
    func lead(_ a: [Double], over b: [Double]) -> Double {
      var most = -Double.infinity
      for k in 0..<width { most = max(most, (b[k] - a[k]) / ranges[k]) }
      return most
    }
    var promise = candidates.map { a in
      front.reduce(Double.greatestFiniteMagnitude) { min($0, lead(a, over: $1)) }
    }
    var picked: [Int] = []
    while picked.count < min(count, candidates.count) {
      let best = promise.indices.max { promise[$0] < promise[$1] } ?? 0
      picked.append(best)
      for i in candidates.indices {
        promise[i] = min(promise[i], lead(candidates[i], over: candidates[best]))
      }
      promise[best] = -.infinity
    }
    return picked
  }
}
