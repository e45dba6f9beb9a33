import MILP

/// What Lagrange multipliers on the budgets prove about a ``Reduction``.
///
/// `D(λ) = Σ_g min_i (loss_i + λ·cost_i) − λ·limit` is at most the optimum for every `λ ≥ 0`.
///
/// Source: Everett, "Generalized Lagrange multiplier method", Operations Research 11, 1963;
/// Geoffrion, "Lagrangean relaxation for integer programming", 1974.
struct Relaxation: Sendable {
  /// One multiplier per constraint, none negative.
  var multipliers: [Double]
  /// `D(λ)`, less what its sums may be off by rounding.
  var bound: Double
  /// The minimiser of every group: smallest first candidate among equals.
  var chosen: [Int]
  /// The costs of `chosen`, added up.
  var totals: [Double]

  /// Evaluates `D` at `multipliers`.
  init(_ reduction: Reduction, multipliers: [Double]) {
    self.multipliers = multipliers
    let width = reduction.width
    chosen = []
    chosen.reserveCapacity(reduction.groupCount)
    for g in 0..<reduction.groupCount {
      var best = Double.infinity
      var choice = reduction.starts[g]
      for i in reduction.candidates(g) {
        var price = reduction.objective[i]
        for k in 0..<width { price += multipliers[k] * reduction.costs[i * width + k] }
        if price < best { (best, choice) = (price, i) }
      }
      chosen.append(choice)
    }
    totals = reduction.totals(chosen)
    bound = reduction.value(chosen)
    var size = chosen.reduce(0) { $0 + abs(reduction.objective[$1]) }
    for k in 0..<width {
      bound += multipliers[k] * (totals[k] - reduction.limits[k])
      let magnitude = chosen.reduce(abs(reduction.limits[k])) { $0 + abs(reduction.cost($1, k)) }
      size += multipliers[k] * magnitude
    }
    // Sums in `Double`: large multipliers must not prove what is only rounding.
    bound -= 8 * Double.ulpOfOne * size
  }

  /// How much dearer than its group's minimiser each candidate is, at these multipliers.
  ///
  /// A solution that uses candidate `i` costs at least `bound + reducedCosts[i]`.
  func reducedCosts(_ reduction: Reduction) -> [Double] {
    (0..<reduction.count).map { i in
      let reference = chosen[reduction.group[i]]
      var price = reduction.objective[i] - reduction.objective[reference]
      for k in 0..<reduction.width {
        price += multipliers[k] * (reduction.cost(i, k) - reduction.cost(reference, k))
      }
      return max(0, price)
    }
  }

  /// The multipliers with the largest bound: exact for one constraint, by cutting planes for more.
  ///
  /// - Returns: Every evaluation on the way, the best bound first; their choices are places to
  ///   start from.
  static func best(_ reduction: Reduction) throws -> [Relaxation] {
    let free = Relaxation(
      reduction, multipliers: [Double](repeating: 0, count: reduction.width))
    let alone = (0..<reduction.width).map { multiplier(reduction, constraint: $0) }
    let found =
      reduction.width > 1
      ? try cuttingPlanes(reduction, alone: alone) : [Relaxation(reduction, multipliers: alone)]
    return (found + [free]).enumerated()
      .sorted { ($1.element.bound, $0.offset) < ($0.element.bound, $1.offset) }.map(\.element)
  }

  /// The best multiplier when only constraint `k` counts: the slope of the convex hulls at which
  /// the budget runs out.
  ///
  /// - Complexity: O(candidates · log candidates).
  private static func multiplier(_ reduction: Reduction, constraint k: Int) -> Double {
    var spent = 0.0
    var steps: [(slope: Double, cost: Double)] = []
    for g in 0..<reduction.groupCount {
      let hull = lowerHull(
        reduction.candidates(g).map { (reduction.cost($0, k), reduction.objective[$0]) })
      spent += hull[0].0
      for (a, b) in zip(hull, hull.dropFirst()) {
        steps.append(((a.1 - b.1) / (b.0 - a.0), b.0 - a.0))
      }
    }
    steps.sort { $0.slope > $1.slope }
    for step in steps {
      spent += step.cost
      if spent > reduction.limits[k] { return step.slope }
    }
    return 0
  }

  /// The falling part of the lower convex hull of points `(cost, loss)`.
  static func lowerHull(_ points: [(Double, Double)]) -> [(Double, Double)] {
    var hull: [(Double, Double)] = []
    for p in points.sorted(by: <) {
      if let last = hull.last, p.1 >= last.1 || p.0 == last.0 { continue }
      while hull.count > 1 {
        let (a, b) = (hull[hull.count - 2], hull[hull.count - 1])
        guard (b.1 - a.1) * (p.0 - a.0) >= (p.1 - a.1) * (b.0 - a.0) else { break }
        hull.removeLast()
      }
      hull.append(p)
    }
    return hull
  }

  /// Kelley's method: the concave `D` is replaced by the planes through the points visited, whose
  /// maximum in a growing box is the next point.
  ///
  /// Source: Kelley, "The cutting-plane method for solving convex programs", SIAM 1960.
  private static func cuttingPlanes(
    _ reduction: Reduction, alone: [Double]
  ) throws -> [Relaxation] {
    let width = reduction.width
    let spread = reduction.spread
    guard spread > 0 else {
      return [Relaxation(reduction, multipliers: [Double](repeating: 0, count: width))]
    }
    // Multipliers in units in which a typical one is 1.
    let unit = (0..<width).map { k in
      alone[k] > 0 ? alone[k] : spread / max(reduction.costSpread(k), .leastNormalMagnitude)
    }
    guard unit.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      return [Relaxation(reduction, multipliers: [Double](repeating: 0, count: width))]
    }
    var visited = [Relaxation(reduction, multipliers: alone.map { $0 / Double(width) })]
    for k in 0..<width {
      var single = [Double](repeating: 0, count: width)
      single[k] = alone[k]
      visited.append(Relaxation(reduction, multipliers: single))
    }
    let origin = visited[0].bound
    var box = [Double](repeating: 4, count: width)
    // The best bound when the box last grew.
    var settled = -Double.infinity
    for _ in 0..<100 {
      var master = IntegerProgram()
      let height = master.addColumn(.continuous(lower: -.infinity, upper: .infinity), cost: -1)
      let columns = (0..<width).map {
        master.addColumn(.continuous(lower: 0, upper: box[$0]), cost: 0)
      }
      for point in visited {
        let terms = (0..<width).map { k in
          IntegerProgram.Term(
            columns[k], -(point.totals[k] - reduction.limits[k]) * unit[k] / spread)
        }
        master.addRow(
          .init(
            [.init(height, 1)] + terms,
            upper: (reduction.value(point.chosen) - origin) / spread))
      }
      guard let solved = try? master.solved(), solved.status == .optimal else { break }
      let scaled = columns.map { solved.values[$0] }
      let next = Relaxation(
        reduction, multipliers: zip(scaled, unit).map { max(0, $0) * $1 })
      visited.append(next)
      // Dearer than anything: no choice keeps the budgets.
      if next.bound > reduction.largestValue { break }
      let best = visited.map(\.bound).max() ?? origin
      let ceiling = origin + spread * solved.values[height]
      guard ceiling - best <= 1e-9 * spread else { continue }
      // The best of the box. Where a larger one brought nothing, the bound is flat or at its end.
      let edges = (0..<width).filter { scaled[$0] >= box[$0] * (1 - 1e-9) }
      guard !edges.isEmpty, best - settled > 1e-6 * spread else { break }
      settled = best
      for k in edges { box[k] *= 10 }
    }
    return visited
  }
}

extension Reduction {
  /// The sum of the largest objective of every group.
  var largestValue: Double {
    (0..<groupCount).reduce(0) { $0 + (objective[candidates($1)].max() ?? 0) }
  }

  /// The largest difference of the objective between two choices.
  var spread: Double {
    (0..<groupCount).reduce(0) {
      $0 + (objective[candidates($1)].max() ?? 0) - (objective[candidates($1)].min() ?? 0)
    }
  }

  /// The largest difference of a cost between two choices.
  func costSpread(_ k: Int) -> Double {
    (0..<groupCount).reduce(0) { sum, g in
      let values = candidates(g).map { cost($0, k) }
      return sum + (values.max() ?? 0) - (values.min() ?? 0)
    }
  }
}
