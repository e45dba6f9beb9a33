import Optimization
import Pareto
import Vocabulary

extension Benchmark {
  /// Synthetic problems of the sizes that issue 5 names: what `ilp` and `exact` take.
  static let optimizers = Benchmark(name: "optimizers") { _ in
    let layers = SyntheticProblem(groups: 253, formats: 19, seed: 1)
    let experts = SyntheticProblem(groups: 2_000, formats: 19, seed: 2)
    return [
      try layers.row("ilp", budgets: 1, target: 2),
      try layers.row("exact", budgets: 1, target: nil),
      try layers.row("ilp", budgets: 2, target: 5),
      try experts.row("exact", budgets: 1, target: 0.5),
      try layers.frontierRow(target: 1),
    ]
  }
}

/// A table with sizes like a language model's layers and losses that fall fourfold a bit, seeded.
private struct SyntheticProblem {
  let groups: Int
  let formats: Int
  let table: SensitivityTable

  init(groups: Int, formats: Int, seed: UInt64) {
    self.groups = groups
    self.formats = formats
    var random = SplitMix64(seed: seed)
    let sizes = [110_592, 331_776, 884_736]
    table = SensitivityTable(
      unit: "nats/token", costs: ["bytes", "latency"],
      groups: (0..<groups).map { g in
        let weights = sizes[Int(random.next() % 3)]
        var sensitivity = 1e-3  // over four decades, like a wide lognormal
        for _ in 0..<Int(random.next() % 14) { sensitivity *= 2 }
        return GroupSensitivity(
          name: "layer\(g)", layers: ["layer\(g)"], weights: weights,
          candidates: (0..<formats).map { f in
            let bits = 2 + 6 * Double(f) / Double(formats - 1)
            var fall = sensitivity
            for _ in 0..<Int(2 * bits) { fall /= 2 }
            return Candidate(
              format: "f\(f)", loss: fall * (0.8 + 0.4 * random.uniform()),
              bytes: weights / 64 * Int(8 * bits + 2),
              latency: Double(weights) * 1e-6 * (1 + bits / 8 + 0.2 * random.uniform()))
          })
      })
  }

  /// Milliseconds halfway between the fastest and the slowest policy.
  private var middleLatency: Double {
    table.groups.reduce(0) { sum, group in
      let latencies = group.candidates.compactMap(\.latency)
      return sum + ((latencies.min() ?? 0) + (latencies.max() ?? 0)) / 2
    }
  }

  /// The time of the slowest of three budgets, which must all be solved to a gap of 1e-4.
  func row(_ optimizer: String, budgets: Int, target: Double?) throws -> BenchRow {
    let chosen = try Optimizers.named(optimizer)
    let times = try [3.0, 4, 5].map { bits in
      try seconds {
        let limits =
          [Budget(.bpw, bits)] + (budgets > 1 ? [Budget(.latency, middleLatency)] : [])
        let plan = try PlanningProblem(table, budgets: limits).solved(by: chosen, timeLimit: 20)
        guard plan.loss - plan.lowerBound <= 1e-4 * plan.loss else {
          throw UserError(.failed, "\(optimizer) left a gap at \(bits) bpw")
        }
      }
    }
    return BenchRow(
      "optimizers",
      "\(optimizer), \(groups) x \(formats), \(budgets) budget\(budgets > 1 ? "s" : ""), "
        + "the slowest of 3 sizes",
      times.max() ?? 0, .seconds, target: target, runs: times.count)
  }

  /// The whole exact frontier.
  func frontierRow(target: Double) throws -> BenchRow {
    var points = 0
    let time = try seconds {
      points = try Frontier.exact(of: table, model: "synthetic").points.count
    }
    return BenchRow(
      "optimizers", "the exact frontier of \(groups) x \(formats), \(points) points", time,
      .seconds,
      target: target)
  }
}
