import Foundation
import Vocabulary

/// The index of the knee: the point farthest below the chord, with every axis scaled to 0…1.
///
/// The axes are scaled over the points given, and the chord is the line (the plane, with more than
/// two objectives) through the axes' ends, `Σ x = 1`. The distance is `(1 − Σ x) / √d`, so that the
/// knee is the point nearest to the ideal by the sum of its scaled objectives. Of equal distances
/// the first counts; nil when no point is below the chord, or an axis has no extent.
///
/// Give logarithms where an axis spans decades.
///
/// Source: Satopää, Albrecht, Irwin and Raghavan, "Finding a 'kneedle' in a haystack", 2011, for two
/// objectives; Chiu, Yen and Juan, "Minimum Manhattan distance approach to multiple criteria decision
/// making in multiobjective optimization problems", 2016, for more.
///
/// - Parameter points: A front; dominated points change the scale and nothing else.
/// - Throws: `UserError` when a point holds a NaN, or has another number of objectives.
public func knee(_ points: [[Double]]) throws -> Int? {
  try checkObjectives(points)
  var sums = [Double](repeating: 0, count: points.count)
  for k in (points.first ?? []).indices {
    let values = points.map { $0[k] }
    guard let low = values.min(), let high = values.max(), low < high, (high - low).isFinite else {
      return nil
    }
    for i in sums.indices { sums[i] += (values[i] - low) / (high - low) }
  }
  var best = (distance: 1e-12, index: -1)
  for i in sums.indices where 1 - sums[i] > best.distance { best = (1 - sums[i], i) }
  return best.index < 0 ? nil : best.index
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
