internal import Vocabulary

/// The empirical attainment surface: where at least `count` of the fronts got, in two objectives.
///
/// A place is attained by a front that has a point at most as large in both objectives. The surface
/// is told by its corners: no smaller place is attained by so many fronts, and every place that is,
/// is at or beyond a corner. With `count` 1 it is the best of all runs together, with `fronts.count`
/// the worst, and half-way the median run.
///
/// Source: Fonseca and Fleming, "On the performance assessment and comparison of stochastic
/// multiobjective optimizers", 1996; López-Ibáñez, Paquete and Stützle, "Exploratory analysis of
/// stochastic local search algorithms in biobjective optimization", 2010.
///
/// - Parameters:
///   - fronts: One front for each seed, as points of two objectives; dominated points do no harm.
///   - count: From 1 to the number of fronts.
/// - Returns: Corners, rising in the first objective and falling in the second.
/// - Throws: `UserError` when a point holds a NaN or has not two objectives.
/// - Complexity: O(N log N + N · fronts) for N points in all.
public func attainmentSurface(
  _ fronts: [[[Double]]], atLeast count: Int
) throws -> [[Double]] {
  guard count >= 1, count <= fronts.count else {
    fatalError("from 1 to \(fronts.count) fronts expected, got \(count)")
  }
  var steps: [(x: Double, y: Double, front: Int)] = []
  for (front, points) in fronts.enumerated() {
    try checkObjectives(points)
    for point in points {
      guard point.count == 2 else {
        throw UserError(
          .failed, "an attainment surface has 2 objectives, and a point has \(point.count)")
      }
      steps.append((point[0], point[1], front))
    }
  }
  steps.sort { ($0.x, $0.y, $0.front) < ($1.x, $1.y, $1.front) }
  // The best second objective of each front so far, and the same sorted.
  var best = [Double?](repeating: nil, count: fronts.count)
  var sorted: [Double] = []
  var corners: [[Double]] = []
  for (index, step) in steps.enumerated() {
    if best[step.front].map({ step.y < $0 }) ?? true {
      if let old = best[step.front], let at = sorted.firstIndex(of: old) { sorted.remove(at: at) }
      best[step.front] = step.y
      sorted.insert(step.y, at: sorted.firstIndex { $0 > step.y } ?? sorted.count)
    }
    // A corner is known when all that begins at its first objective has been seen.
    if index + 1 < steps.count, steps[index + 1].x == step.x { continue }
    guard sorted.count >= count else { continue }
    let height = sorted[count - 1]
    if corners.last.map({ height < $0[1] }) ?? true { corners.append([step.x, height]) }
  }
  return corners
}
