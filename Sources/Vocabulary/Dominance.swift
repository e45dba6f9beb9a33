// Points are arrays of objectives, every one of them better when smaller; the two-coordinate forms
// take tuples. Here rather than in a room, since searches rank by it and frontiers are made of it.

/// Whether `a` is at most as large as `b` in every objective, and smaller in one.
///
/// A NaN on either side makes it false. Both have equally many objectives.
public func dominates(_ a: [Double], _ b: [Double]) -> Bool {
  var smaller = false
  for (x, y) in zip(a, b) {
    guard x <= y else { return false }
    if x < y { smaller = true }
  }
  return smaller
}

/// The indices of the points that no other dominates, rising; of equal points the first is kept.
///
/// - Throws: `UserError` when a point holds a NaN, or has another number of objectives.
/// - Complexity: O(n log n) for two objectives, otherwise O(n · kept · objectives) after a sort.
public func nondominated(_ points: [[Double]]) throws -> [Int] {
  try checkObjectives(points)
  return unbeaten(points)
}

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

/// The non-domination rank of every point: 0 where nothing dominates it, 1 where only points of
/// rank 0 do, and so on; equal points share a rank.
///
/// Points are ranked in lexicographic order, so that none is dominated by a later one; the front of
/// each is found by bisection, since what dominates a member of a front is dominated in turn by
/// nothing that is not in an earlier one.
///
/// Source: Deb, Pratap, Agarwal and Meyarivan, "A fast and elitist multiobjective genetic
/// algorithm: NSGA-II", 2002, for the ranks; Zhang, Tian, Cheng and Jin, "An efficient approach to
/// nondominated sorting for evolutionary multiobjective optimization", 2015, for the search.
///
/// - Throws: `UserError` when a point holds a NaN, or has another number of objectives.
/// - Complexity: O(n² · objectives) at worst, O(n log n) for a chain; O(n) memory.
public func dominationRanks(_ points: [[Double]]) throws -> [Int] {
  try checkObjectives(points)
  var ranks = [Int](repeating: 0, count: points.count)
  var fronts: [[Int]] = []
  for i in lexicographic(points) {
    var low = 0
    var high = fronts.count
    while low < high {
      let middle = (low + high) / 2
      // The newest members are the nearest, and the likeliest to dominate.
      if fronts[middle].reversed().contains(where: { dominates(points[$0], points[i]) }) {
        low = middle + 1
      } else {
        high = middle
      }
    }
    if low == fronts.count { fronts.append([]) }
    fronts[low].append(i)
    ranks[i] = low
  }
  return ranks
}

/// The fronts of ``dominationRanks(_:)``, the best first, each with rising indices.
public func dominationFronts(_ points: [[Double]]) throws -> [[Int]] {
  let ranks = try dominationRanks(points)
  var fronts = [[Int]](repeating: [], count: (ranks.max() ?? -1) + 1)
  for (index, rank) in ranks.enumerated() { fronts[rank].append(index) }
  return fronts
}

/// How lonely every point of a front is: the sum over the objectives of the distance between its
/// two neighbours, over the objective's range.
///
/// The ends of an objective are infinitely lonely; an objective in which all points are equal says
/// nothing. Equal values are in the order of their indices.
///
/// Source: Deb, Pratap, Agarwal and Meyarivan, 2002, section III.B.
///
/// - Throws: `UserError` when an objective is not finite, or a point has another number of them.
/// - Complexity: O(objectives · n log n).
public func crowdingDistances(_ points: [[Double]]) throws -> [Double] {
  try checkObjectives(points)
  var distances = [Double](repeating: 0, count: points.count)
  for k in (points.first ?? []).indices {
    let order = points.indices.sorted { (points[$0][k], $0) < (points[$1][k], $1) }
    let first = order[0]
    let last = order[order.count - 1]
    let range = points[last][k] - points[first][k]
    guard range.isFinite else {
      throw UserError(.failed, "no crowding distance: objective \(k) has a range of \(range)")
    }
    guard range > 0 else { continue }
    distances[first] = .infinity
    distances[last] = .infinity
    for i in order.indices.dropFirst().dropLast() {
      distances[order[i]] += (points[order[i + 1]][k] - points[order[i - 1]][k]) / range
    }
  }
  return distances
}

/// Refuses NaN and points of unequal dimension.
package func checkObjectives(_ points: [[Double]]) throws {
  for (index, point) in points.enumerated() {
    guard point.count == points[0].count, !point.isEmpty else {
      throw UserError(
        .failed, "point \(index) has \(point.count) objectives, and point 0 has \(points[0].count)")
    }
    if point.contains(where: \.isNaN) {
      throw UserError(.failed, "an objective of point \(index) is not a number")
    }
  }
}

/// ``nondominated(_:)`` of points that were checked.
package func unbeaten(_ points: [[Double]]) -> [Int] {
  if points.first?.count == 2 { return nondominated(points.map { ($0[0], $0[1]) }).sorted() }
  var kept: [Int] = []
  for i in lexicographic(points) {
    let isBeaten = kept.contains { k in zip(points[k], points[i]).allSatisfy { $0 <= $1 } }
    if !isBeaten { kept.append(i) }
  }
  return kept.sorted()
}

/// Indices in the lexicographic order of the points, equal ones by index.
private func lexicographic(_ points: [[Double]]) -> [Int] {
  points.indices.sorted { i, j in
    for (x, y) in zip(points[i], points[j]) where x != y { return x < y }
    return i < j
  }
}
