import Pareto
import Testing
import Vocabulary

/// Frontiers between the loss and other costs than bytes.
@Suite struct CostFrontierTests {
  private func table(groups: Int, candidates: Int, seed: UInt64) -> SensitivityTable {
    var random = SplitMix64(seed: seed)
    return SensitivityTable(
      unit: "nats", costs: ["bytes", "latency", "energy"],
      groups: (0..<groups).map { g in
        GroupSensitivity(
          name: "g\(g)", layers: ["g\(g)"], weights: 100,
          candidates: (0..<candidates).map { c in
            Candidate(
              format: "f\(c)", loss: random.uniform(), bytes: 1 + Int(random.next() % 100),
              latency: random.uniform(), energy: 3 * random.uniform())
          })
      }, fixedBytes: 7)
  }

  /// Every policy as its place on the axes.
  private func all(_ table: SensitivityTable, _ axes: [CostKind]) -> [[Double]] {
    table.groups.reduce([[Double](repeating: 0, count: axes.count)]) { sums, group in
      sums.flatMap { sum in
        group.candidates.map { candidate in
          zip(sum, axes).map { $0 + (candidate.cost($1) ?? 0) }
        }
      }
    }.map { sum in zip(sum, axes).map { $0 + table.fixedCost($1) } }
  }

  @Test(arguments: [UInt64(1), 2, 3])
  func theCornersOfTheHullAreAllThere(_ seed: UInt64) throws {
    var table = table(groups: 5, candidates: 4, seed: seed)
    table.fixedCosts = ["latency": 0.25]
    let frontier = try Frontier.supported(of: table, axes: ["latency", "loss"], model: "m")
    let found = frontier.points.map { [$0.latency ?? 0, $0.loss] }
    let policies = all(table, [.latency, .loss])
    // Rising in the cost, falling in the loss, and convex.
    #expect(zip(found, found.dropFirst()).allSatisfy { $0[0] < $1[0] && $0[1] > $1[1] })
    // For whatever price of the loss, no policy is better than the best point found.
    for k in -20...20 {
      var price = 1.0
      for _ in 0..<abs(k) { price *= k < 0 ? 0.7 : 1.4 }
      let best = policies.map { $0[0] + price * $0[1] }.min() ?? 0
      let ours = found.map { $0[0] + price * $0[1] }.min() ?? .infinity
      #expect(ours <= best + 1e-9)
    }
    #expect(frontier.kind == .hull && frontier.axes == ["latency", "loss"])
    let uniform = try #require(frontier.baselines.first { $0.name == "uniform f0" })
    let sum = table.groups.reduce(0.25) { $0 + ($1.candidates[0].latency ?? 0) }
    #expect(abs((uniform.value(on: "latency") ?? 0) - sum) < 1e-9)
  }

  @Test func threeObjectivesGiveASurfaceOfUnbeatenPolicies() throws {
    let table = table(groups: 4, candidates: 4, seed: 9)
    let axes = ["bytes", "latency", "loss"]
    let frontier = try Frontier.supported(of: table, axes: axes, model: "m")
    let policies = all(table, [.bytes, .latency, .loss])
    #expect(frontier.points.count > 8)
    for point in frontier.points {
      let place = try axes.map { try #require(point.value(on: $0)) }
      #expect(
        !policies.contains { other in
          zip(other, place).allSatisfy { $0 <= $1 + 1e-12 }
            && zip(other, place).contains { $0 < $1 - 1e-9 }
        })
    }
    // The best of every axis is an end of the surface.
    for axis in 0..<3 {
      let least = policies.map { $0[axis] }.min() ?? 0
      let ours = frontier.points.compactMap { $0.value(on: axes[axis]) }.min() ?? .infinity
      #expect(abs(ours - least) < 1e-9)
    }
    let few = frontier.thinned(to: 8)
    #expect(few.points.count == 8)
  }

  @Test func otherCostsHaveAPlaceOfTheirOwn() throws {
    let table = table(groups: 3, candidates: 3, seed: 4)
    let frontier = try Frontier.supported(of: table, axes: ["energy", "loss"], model: "m")
    #expect(frontier.points.allSatisfy { $0.costs?["energy"] != nil })
    #expect(throws: UserError.self) {
      try Frontier.supported(of: table, axes: ["bops", "loss"], model: "m")
    }
    #expect(throws: UserError.self) {
      try Frontier.supported(of: table, axes: ["bytes", "latency"], model: "m")
    }
    #expect(throws: UserError.self) {
      try Frontier.supported(of: table, axes: ["latnecy", "loss"], model: "m")
    }
  }

  @Test func measuredPointsAreRankedOnTheirOwnAxis() throws {
    let table = table(groups: 4, candidates: 3, seed: 5)
    var frontier = try Frontier.supported(of: table, axes: ["latency", "loss"], model: "m")
    try #require(frontier.points.count > 2)
    for k in frontier.points.indices { frontier.points[k].measured = frontier.points[k].loss }
    // The second is measured to lose more than the first, which is faster.
    frontier.points[1].measured = frontier.points[0].loss + 1
    let ranked = frontier.reranked()
    #expect(ranked.points[1].dominated == true && ranked.points[0].dominated == false)
  }
}
