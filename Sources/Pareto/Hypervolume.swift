internal import Vocabulary

/// The volume that `points` dominate within `reference`, exact but for rounding.
///
/// Points that are not better than the reference in every objective add nothing. Two objectives
/// are swept along the first, three along the third over the staircase of the other two. With more,
/// points are added from the worst to the best in the last objective: what a point adds is its own
/// box less what later points dominate of it, a volume with one objective fewer.
///
/// Source: Zitzler and Thiele, "Multiobjective evolutionary algorithms: a comparative case study",
/// 1999, for the measure; While, Bradstreet and Barone, "A fast way of calculating exact
/// hypervolumes", 2012, for the recursion.
///
/// - Parameters:
///   - points: Any number, in any order; every objective better when smaller.
///   - reference: The worst that counts, one value an objective.
/// - Throws: `UserError` when a value is NaN, a volume has no bound, or numbers of objectives differ.
/// - Complexity: O(n log n) for two objectives, O(n²) at worst for three (O(n log n) and short moves
///   of memory as a rule), O(n^(d−1)) at worst for d.
public func hypervolume(_ points: [[Double]], reference: [Double]) throws -> Double {
  try checkObjectives([reference] + points)
  let inside = points.filter { point in zip(point, reference).allSatisfy { $0 < $1 } }
  for value in inside.joined() where value.isInfinite {
    throw UserError(.failed, "no hypervolume: an objective is \(value)")
  }
  guard !inside.isEmpty else { return 0 }
  guard reference.allSatisfy(\.isFinite) else {
    throw UserError(.failed, "no hypervolume: the reference point \(reference) is not finite")
  }
  return volume(inside, reference)
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

/// The volume of points that are all better than the reference in every objective.
private func volume(_ points: [[Double]], _ reference: [Double]) -> Double {
  switch reference.count {
  case 1:
    return points.reduce(0) { max($0, reference[0] - $1[0]) }
  case 2:
    return hypervolume(points.map { ($0[0], $0[1]) }, reference: (reference[0], reference[1]))
  case 3:
    return swept(points, reference)
  default:
    let last = reference.count - 1
    let kept = unbeaten(points).map { points[$0] }
    let order = kept.indices.sorted { (kept[$1][last], $0) < (kept[$0][last], $1) }
    var sum = 0.0
    for (position, i) in order.enumerated() {
      let point = kept[i]
      let own = (0..<last).reduce(1.0) { $0 * (reference[$1] - point[$1]) }
      let taken = order[(position + 1)...].map { j in
        (0..<last).map { max(point[$0], kept[j][$0]) }
      }
      sum +=
        (reference[last] - point[last])
        * (own - (taken.isEmpty ? 0 : volume(taken, Array(reference.dropLast()))))
    }
    return sum
  }
}

/// Three objectives: slices along the third, each over the staircase of what came before.
private func swept(_ points: [[Double]], _ reference: [Double]) -> Double {
  let order = points.indices.sorted { (points[$0][2], $0) < (points[$1][2], $1) }
  var stairs: [(x: Double, y: Double)] = []
  var area = 0.0
  var volume = 0.0
  var depth = points[order[0]][2]
  for i in order {
    let (x, y) = (points[i][0], points[i][1])
    volume += area * (points[i][2] - depth)
    depth = points[i][2]
    // The first stair that begins at x or after it.
    var low = 0
    var high = stairs.count
    while low < high {
      let middle = (low + high) / 2
      if stairs[middle].x < x { low = middle + 1 } else { high = middle }
    }
    var ceiling = low > 0 ? stairs[low - 1].y : reference[1]
    if ceiling <= y || (low < stairs.count && stairs[low].x == x && stairs[low].y <= y) { continue }
    var from = x
    var end = low
    while end < stairs.count, stairs[end].y >= y {
      area += (stairs[end].x - from) * (ceiling - y)
      (from, ceiling) = stairs[end]
      end += 1
    }
    area += ((end < stairs.count ? stairs[end].x : reference[0]) - from) * (ceiling - y)
    stairs.replaceSubrange(low..<end, with: [(x, y)])
  }
  return volume + area * (reference[2] - depth)
}
