public import Vocabulary

extension Frontier {
  /// The lower convex hull of the whole additive model: everything that a Lagrange multiplier on the
  /// bytes can reach, in one sweep.
  ///
  /// Each group's candidates have a lower convex hull of their own; the model's hull takes the steps
  /// of all of them in the order of their slopes, the steepest first. Tied groups move together, and
  /// pinned ones do not move.
  ///
  /// Bytes include the table's fixed bytes; bits per weight are over the groups, and 0 when the table
  /// does not know its weights.
  ///
  /// - Parameters:
  ///   - table: The losses and bytes of every group.
  ///   - model: The model's name, for titles.
  ///   - pins: The format that a group must take, by the group's index.
  /// - Throws: `UserError` when pins or ties leave nothing to choose, or a loss is not finite.
  /// - Complexity: O(candidates · log candidates) for the sweep, O(points · groups) for the choices.
  public static func hull(
    of table: SensitivityTable, model: String, pins: [Int: String] = [:]
  ) throws -> Frontier {
    let merged = try table.merged(pins: pins)
    var steps: [(slope: Double, group: Int, to: Int)] = []
    var choices: [Int] = []
    for (g, group) in merged.groups.enumerated() {
      if let bad = group.candidates.first(where: { !$0.loss.isFinite }) {
        throw UserError(.failed, "'\(group.name)' has a loss of \(bad.loss) in '\(bad.format)'")
      }
      let hull = lowerHull(group.candidates)
      choices.append(hull[0])
      for (from, to) in zip(hull, hull.dropFirst()) {
        let a = group.candidates[from]
        let b = group.candidates[to]
        steps.append(((a.loss - b.loss) / Double(b.bytes - a.bytes), g, to))
      }
    }
    // The steps of one group fall already; equal slopes keep their order.
    let order = steps.indices.sorted { (steps[$1].slope, $0) < (steps[$0].slope, $1) }
    var points = [Point(table, choices: merged.choices(choices))]
    for step in order.map({ steps[$0] }) {
      choices[step.group] = step.to
      let point = Point(table, choices: merged.choices(choices))
      // A gain too small to show in the sum is no point of its own.
      if let last = points.last, point.loss < last.loss { points.append(point) }
    }
    return Frontier(
      table, model: model, kind: .hull, points: points,
      baselines: UniformPolicy.all(of: table, pins: pins).map(\.baseline))
  }
}

extension Frontier.Point {
  /// The policy that gives every group of `table` the candidate in `choices`.
  public init(_ table: SensitivityTable, choices: [Int]) {
    self.init(table, choices: choices, weights: table.weights ?? 0)
  }

  /// The same where the table's weights were summed already.
  init(_ table: SensitivityTable, choices: [Int], weights: Int) {
    var bytes = 0
    var loss = 0.0
    var latency: Double? = 0
    // By index: a copy of every group and candidate would take most of the time.
    for (g, choice) in zip(table.groups.indices, choices) {
      bytes += table.groups[g].candidates[choice].bytes
      loss += table.groups[g].candidates[choice].loss
      if let sum = latency {
        latency = table.groups[g].candidates[choice].latency.map { sum + $0 }
      }
    }
    self.init(
      bytes: bytes + (table.fixedBytes ?? 0),
      bpw: weights > 0 ? 8 * Double(bytes) / Double(weights) : 0,
      latency: latency.map { $0 + table.fixedCost(.latency) }, loss: loss,
      choices: choices)
  }
}

/// Indices of the falling part of the lower convex hull of `(bytes, loss)`, smallest bytes first.
func lowerHull(_ candidates: [Candidate]) -> [Int] {
  let order = candidates.indices.sorted {
    (candidates[$0].bytes, candidates[$0].loss, $0)
      < (candidates[$1].bytes, candidates[$1].loss, $1)
  }
  var hull: [Int] = []
  for i in order {
    let p = candidates[i]
    if let last = hull.last, p.loss >= candidates[last].loss { continue }
    while hull.count > 1 {
      let a = candidates[hull[hull.count - 2]]
      let b = candidates[hull[hull.count - 1]]
      let toB = (b.loss - a.loss) * Double(p.bytes - a.bytes)
      let toP = (p.loss - a.loss) * Double(b.bytes - a.bytes)
      guard toB >= toP else { break }
      hull.removeLast()
    }
    hull.append(i)
  }
  return hull
}
