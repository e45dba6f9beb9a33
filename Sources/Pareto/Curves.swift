import Foundation

/// The indices of the points that no other point beats, smallest first coordinate first.
///
/// Both coordinates are better when smaller. `a` beats `b` when it is at most as large in both and
/// smaller in one; of equal points the first is kept.
///
/// - Complexity: O(n log n).
public func nondominated(_ points: [(Double, Double)]) -> [Int] {
  let order = points.indices.sorted {
    (points[$0].0, points[$0].1, $0) < (points[$1].0, points[$1].1, $1)
  }
  var kept: [Int] = []
  for i in order {
    if let last = kept.last, points[i].1 >= points[last].1 { continue }
    kept.append(i)
  }
  return kept
}

/// The area that `points` dominate within `reference`, both coordinates better when smaller.
///
/// Points beyond the reference add nothing.
///
/// Source: Zitzler and Thiele, "Multiobjective evolutionary algorithms: a comparative case study",
/// 1999.
/// - Complexity: O(n log n).
public func hypervolume(
  _ points: [(Double, Double)], reference: (Double, Double)
) -> Double {
  var area = 0.0
  var ceiling = reference.1
  for i in nondominated(points) where points[i].0 < reference.0 && points[i].1 < ceiling {
    area += (reference.0 - points[i].0) * (ceiling - points[i].1)
    ceiling = points[i].1
  }
  return area
}

/// The index of the knee of a falling curve `(bytes, loss)`, with the loss on a log axis.
///
/// Bytes and log loss are scaled to 0…1 over the curve; the knee is the point farthest below the
/// chord between the ends: the largest `1 − x − y`. Losses of zero or less count as the smallest
/// positive one. Nil when no point is below the chord, or with fewer than three points.
///
/// Source: Satopää, Albrecht, Irwin and Raghavan, "Finding a 'kneedle' in a haystack", 2011.
public func kneeIndex(_ points: [(Double, Double)]) -> Int? {
  let y = logarithms(points.map(\.1))
  guard points.count > 2, let first = points.first, let last = points.last,
    last.0 > first.0, y[0] > y[y.count - 1]
  else { return nil }
  var best = (distance: 1e-12, index: -1)
  for i in points.indices {
    let across = (points[i].0 - first.0) / (last.0 - first.0)
    let up = (y[i] - y[y.count - 1]) / (y[0] - y[y.count - 1])
    if 1 - across - up > best.distance { best = (1 - across - up, i) }
  }
  return best.index < 0 ? nil : best.index
}

/// Natural logarithms, with everything that has none at the smallest that has.
func logarithms(_ losses: [Double]) -> [Double] {
  let floor = losses.filter { $0 > 0 }.min() ?? 1
  return losses.map { log(max($0, floor)) }
}
