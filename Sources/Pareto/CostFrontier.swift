internal import Foundation
public import Vocabulary

extension Frontier {
  /// The policies between the loss and one or two costs that some weighting of the axes makes best: the
  /// supported points of the trade-off.
  ///
  /// With one cost these are all corners of the lower convex hull: one multiplier is tried between every
  /// two at which a group changes its mind. With two, multipliers are tried on a logarithmic grid of 41 by
  /// 41 over eight decades each, so that corners which lie closer may be missed. What every policy pays
  /// beyond its groups counts.
  ///
  /// - Parameters:
  ///   - table: The losses and costs of every group.
  ///   - axes: The loss and one or two costs, by their names.
  ///   - model: The model's name, for titles.
  ///   - pins: The format that a group must take, by the group's index.
  /// - Throws: `UserError` when an axis is unknown, or a candidate lacks a cost.
  /// - Complexity: O(multipliers · candidates).
  public static func supported(
    of table: SensitivityTable, axes: [String], model: String, pins: [Int: String] = [:]
  ) throws -> Frontier {
    let kinds = try kinds(of: axes)
    let merged = try table.merged(pins: pins)
    let values = try merged.groups.map { group in
      try group.candidates.map { candidate in
        try kinds.map { kind in
          guard let value = candidate.cost(kind), value.isFinite else {
            throw UserError(
              .usage,
              "the table has no \(kind.rawValue) for '\(group.name)' in '\(candidate.name)', so it can be "
                + "no axis")
          }
          return value
        }
      }
    }
    var seen: Set<[Int]> = []
    let choices = multipliers(values, axes: kinds.count)
      .map { weights in values.map { best($0, weights) } }
      .filter { seen.insert($0).inserted }
    let weights = table.weights ?? 0
    let points = choices.map { choice -> Point in
      var point = Point(table, choices: merged.choices(choice), weights: weights)
      for (axis, kind) in kinds.enumerated() where kind != .bytes && kind != .loss {
        let sum = zip(values, choice).reduce(table.fixedCost(kind)) { $0 + $1.0[$1.1][axis] }
        if kind == .latency {
          point.latency = sum
        } else {
          point.costs = (point.costs ?? [:]).merging([kind.rawValue: sum]) { $1 }
        }
      }
      return point
    }
    let places = points.map { point in axes.map { point.value(on: $0) ?? 0 } }
    let kept = points.indices.filter { i in
      !places.indices.contains { j in
        dominates(places[j], places[i]) || (j < i && places[j] == places[i])
      }
    }
    var frontier = try Frontier(
      table, model: model, axes: axes, points: kept.map { points[$0] },
      baselines: UniformPolicy.all(of: table, pins: pins).map { policy in
        var baseline = policy.baseline
        for kind in kinds where kind != .bytes && kind != .loss {
          let costs = zip(table.groups, policy.choices).map { $0.candidates[$1].cost(kind) }
          guard costs.allSatisfy({ $0 != nil }) else { continue }
          let sum = costs.reduce(table.fixedCost(kind)) { $0 + ($1 ?? 0) }
          baseline.costs = (baseline.costs ?? [:]).merging([kind.rawValue: sum]) { $1 }
        }
        return baseline
      })
    frontier.kind = .hull
    let curve = frontier.points.map { point in axes.map { point.value(on: $0) ?? 0 } }
    frontier.knee =
      axes.count == 2 && axes[1] == "loss"
      ? kneeIndex(curve.map { ($0[0], $0[1]) }) : try Pareto.knee(curve)
    return frontier
  }

  private static func kinds(of axes: [String]) throws -> [CostKind] {
    let known = CostKind.allCases.filter { ![.changes, .bpw].contains($0) }
    let kinds = try axes.map { axis in
      guard let kind = known.first(where: { $0.rawValue == axis }) else {
        throw UserError.unknown(axis, "axis", known: known.map(\.rawValue))
      }
      return kind
    }
    guard (2...3).contains(axes.count), Set(axes).count == axes.count, axes.contains("loss") else {
      throw UserError(
        .usage,
        "a frontier is drawn between the loss and one or two costs, such as latency,loss or "
          + "bytes,latency,loss")
    }
    return kinds
  }

  /// The candidate with the least weighted sum, of equal ones the first.
  private static func best(_ candidates: [[Double]], _ weights: [Double]) -> Int {
    var best = (sum: Double.infinity, index: 0)
    for (index, values) in candidates.enumerated() {
      let sum = zip(values, weights).reduce(0) { $0 + $1.0 * $1.1 }
      if sum < best.sum { best = (sum, index) }
    }
    return best.index
  }

  /// Weights of the axes to try.
  private static func multipliers(_ values: [[[Double]]], axes: Int) -> [[Double]] {
    guard axes == 2 else {
      let spans = (0..<axes).map { axis in
        values.reduce(0) { sum, group in
          let own = group.map { $0[axis] }
          return sum + (own.max() ?? 0) - (own.min() ?? 0)
        }
      }
      let steps = (0...40).map { pow(10, -4 + 0.2 * Double($0)) }
      return steps.flatMap { a in
        steps.map { b in zip([1, a, b], spans).map { $0 / max($1, 1e-300) } }
      }
    }
    // Where two candidates of a group are equally good.
    var ties: [Double] = []
    for group in values {
      for (i, a) in group.enumerated() {
        for b in group[(i + 1)...] where (a[0] - b[0]) * (b[1] - a[1]) > 0 {
          ties.append((a[0] - b[0]) / (b[1] - a[1]))
        }
      }
    }
    ties.sort()
    guard let first = ties.first, let last = ties.last else { return [[1, 1]] }
    let between = zip(ties, ties.dropFirst()).filter { $0 < $1 }.map { ($0 * $1).squareRoot() }
    return ([first / 2] + between + [last * 2]).map { [1, $0] }
  }
}
