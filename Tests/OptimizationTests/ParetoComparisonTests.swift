import Pareto
import Testing
import Vocabulary

@Suite struct ParetoComparisonTests {
  private func frontier(
    _ points: [(bytes: Int, loss: Double, choices: [Int])], kind: Frontier.Kind = .exact,
    formats: [String] = ["int2", "int4", "int8"], model: String = "m",
    baselines: [Frontier.Baseline] = []
  ) -> Frontier {
    Frontier(
      model: model, unit: "nats/token", kind: kind, groups: ["a", "b"],
      formats: [formats, formats],
      points: points.map { .init(bytes: $0.bytes, bpw: 1, loss: $0.loss, choices: $0.choices) },
      baselines: baselines)
  }

  private func table(_ seed: UInt64) -> SensitivityTable {
    var random = SplitMix64(seed: seed)
    return SensitivityTable(
      unit: "nats/token",
      groups: (0..<5).map { g in
        GroupSensitivity(
          name: "g\(g)", layers: ["g\(g)"], weights: 1000,
          candidates: (0..<4).map { j in
            Candidate(
              format: "int\(j + 1)", loss: Double(random.next() % 1000),
              bytes: Int(random.next() % 100))
          })
      })
  }

  /// The curves with one group pinned to either of all its formats, merged, are the whole curve.
  @Test func mergingPinnedCurvesGivesTheWholeOne() throws {
    for seed in 0..<40 as Range<UInt64> {
      let table = table(seed)
      for (whole, parts) in [
        (
          try Frontier.exact(of: table, model: "m"),
          try (1...4).map { try Frontier.exact(of: table, model: "m", pins: [2: "int\($0)"]) }
        ),
        (
          try Frontier.hull(of: table, model: "m"),
          try (1...4).map { try Frontier.hull(of: table, model: "m", pins: [2: "int\($0)"]) }
        ),
      ] {
        var merged = parts[0]
        for part in parts[1...] { merged = try merged.merged(with: part) }
        #expect(merged.points.map(\.bytes) == whole.points.map(\.bytes))
        #expect(merged.points.map(\.loss) == whole.points.map(\.loss))
        #expect(merged.kind == whole.kind && merged.knee == whole.knee)
        #expect(try whole.merged(with: parts[1]).points == whole.points)
        #expect(try merged.merged(with: merged).points == merged.points)
      }
    }
  }

  /// Equal layers make a hull of points on one chord; merging loses none of them.
  @Test func pointsOnAChordStay() throws {
    let table = SensitivityTable(
      unit: "nats/token",
      groups: (0..<9).map { g in
        GroupSensitivity(
          name: "g\(g)", layers: ["g\(g)"], weights: 8,
          candidates: [("int2", 0.7, 100), ("int3", 0.2, 130), ("int4", 0.1, 160)].map {
            Candidate(format: $0.0, loss: $0.1, bytes: $0.2)
          })
      })
    let hull = try Frontier.hull(of: table, model: "m")
    #expect(hull.points.count == 19)
    #expect(try hull.merged(with: hull).points == hull.points)
    // What is above a chord goes: the exact curve of three points is a hull of two.
    let bulge = frontier([(10, 9, [0, 0]), (20, 8, [0, 1]), (30, 1, [1, 1])], kind: .hull)
    #expect(try bulge.merged(with: bulge).points.map(\.bytes) == [10, 30])
  }

  @Test func formatsOfBothAreKept() throws {
    let a = frontier([(10, 5, [0, 0]), (30, 1, [1, 1])])
    let b = frontier(
      [(5, 9, [2, 0]), (20, 3, [1, 2])], formats: ["int4", "int3", "int2"],
      baselines: [.init(name: "uniform int3", bytes: 15, bpw: 1, loss: 4)])
    let merged = try a.merged(with: b)
    #expect(merged.points.map(\.bytes) == [5, 10, 20, 30])
    #expect(
      merged.formats == [["int2", "int4", "int8", "int3"], ["int2", "int4", "int8", "int3"]])
    #expect(merged.points.map(\.choices) == [[0, 1], [0, 0], [3, 0], [1, 1]])
    #expect(merged.baselines.map(\.name) == ["uniform int3"])
    #expect(merged.reference == [30, 9])
    // Boxes under the ceiling 9: 20 · 4, 10 · 2 (of the point at 20), none at the edges.
    #expect(merged.hypervolume == 20 * 4 + 10 * 2)
  }

  @Test func whatDoesNotBelongTogetherIsRefused() throws {
    let a = frontier([(10, 5, [0, 0]), (30, 1, [1, 1])])
    #expect(throws: UserError.self) {
      try a.merged(with: frontier([(10, 5, [0, 0])], kind: .measured))
    }
    #expect(throws: UserError.self) {
      try a.merged(with: frontier([(10, 5, [0, 0])], kind: .hull))
    }
    var other = a
    other.model = "n"
    #expect(throws: UserError.self) { try a.merged(with: other) }
    #expect(throws: UserError.self) { try a.difference(from: other) }
    other = a
    other.unit = "rmse"
    #expect(throws: UserError.self) { try a.merged(with: other) }
    other = a
    other.groups = ["a", "c"]
    let error = #expect(throws: UserError.self) { try a.merged(with: other) }
    #expect(error?.description.contains("'b'") == true)
    // One policy, two losses: other data or another estimator.
    other = a
    other.points[0].loss = 6
    #expect(throws: UserError.self) { try a.merged(with: other) }
    #expect(try a.difference(from: other).disagreement != nil)
    other = a
    other.points[1].bytes = 31
    #expect(throws: UserError.self) { try a.merged(with: other) }
    #expect(try a.difference(from: a).disagreement == nil)
    #expect(throws: UserError.self) {
      try a.difference(from: frontier([(10, 5, [0, 0])], kind: .measured))
    }
    #expect(throws: UserError.self) { try a.difference(from: a, measured: true) }
  }

  @Test func measuredCurvesMergeByMeasuredLoss() throws {
    func curve(_ points: [(Int, Double, Double, [Int])]) -> Frontier {
      var curve = frontier(points.map { ($0.0, $0.1, $0.3) }, kind: .measured)
      for (i, point) in points.enumerated() { curve.points[i].measured = point.2 }
      return curve
    }
    let merged = try curve([(10, 5, 6, [0, 0]), (30, 1, 2, [1, 1])])
      .merged(with: curve([(20, 3, 7, [0, 1]), (25, 2.5, 3, [0, 2])]))
    #expect(merged.kind == .measured)
    #expect(merged.points.map(\.bytes) == [10, 25, 30])
    #expect(merged.points.map(\.loss) == [6, 3, 2])
    #expect(merged.points.map(\.measured) == [6, 3, 2])
    #expect(merged.agreement?.dominated == 0 && merged.agreement?.count == 3)
  }

  @Test func differenceIsABuyersView() throws {
    let a = frontier([(10, 5, [0, 0]), (30, 1, [1, 1])])
    let b = frontier([(5, 9, [0, 2]), (20, 3, [0, 1]), (40, 1, [2, 2])])
    let difference = try a.difference(from: b)
    #expect(difference.rows.map(\.bytes) == [10, 20, 30, 40])
    #expect(difference.rows.map(\.first) == [5, 5, 1, 1])
    #expect(difference.rows.map(\.second) == [9, 3, 3, 1])
    #expect(difference.rows.map(\.difference) == [4, -2, 2, 0])
    #expect(difference.firstBetter == 2 && difference.secondBetter == 1 && !difference.measured)
    #expect(difference.reference == [40, 9])
    // First: 30 · 4 + 10 · 4; second: 20 · 6.
    #expect(difference.firstHypervolume == 160 && difference.secondHypervolume == 120)
    #expect(difference.hypervolumeDifference == -40)
    let back = try b.difference(from: a)
    #expect(back.rows.map(\.difference) == difference.rows.map { -$0.difference })
    #expect(back.hypervolumeDifference == 40)
  }

  @Test func measuredDifferenceKnowsItsIntervals() throws {
    var a = frontier([(10, 5, [0, 0]), (20, 3, [0, 1]), (30, 1, [1, 1])])
    var b = a
    for (i, measured) in [(0, 6.0), (2, 2.0)] {
      a.points[i].measured = measured
      (a.points[i].low, a.points[i].high) = (measured - 1, measured + 1)
      b.points[i].measured = measured + 1.5 + Double(i)
      (b.points[i].low, b.points[i].high) = (measured + 0.5 + Double(i), measured + 2.5 + Double(i))
    }
    let difference = try a.difference(from: b, measured: true)
    #expect(difference.measured && difference.rows.map(\.bytes) == [10, 30])
    #expect(difference.rows.map(\.difference) == [1.5, 3.5])
    #expect(difference.rows.map(\.overlaps) == [true, false])
  }

  @Test func stepsTellChangesAndPrices() throws {
    let steps = frontier([
      (1_000_000, 5, [0, 0]), (3_000_000, 1, [0, 2]), (3_500_000, 0.75, [1, 1]),
    ]).steps()
    #expect(steps.map(\.extraBytes) == [2_000_000, 500_000])
    #expect(steps.map(\.saved) == [4, 0.25])
    #expect(steps.map(\.savedPerMegabyte) == [2, 0.5])
    #expect(steps[0].changes == [.init(group: "b", from: "int2", to: "int8")])
    #expect(steps[1].changes.map(\.to) == ["int4", "int4"])
    #expect(frontier([(1, 1, [0, 0])]).steps().isEmpty && frontier([]).steps().isEmpty)
    // On a hull the price of a megabyte never rises, and the steps add up to the whole way.
    for seed in 0..<40 as Range<UInt64> {
      let hull = try Frontier.hull(of: table(seed), model: "m")
      let prices = hull.steps().map(\.savedPerMegabyte)
      #expect(zip(prices, prices.dropFirst()).allSatisfy { $0 >= $1 - 1e-9 * $0 })
      #expect(
        hull.steps().reduce(0) { $0 + $1.extraBytes }
          == (hull.points.last?.bytes ?? 0) - (hull.points.first?.bytes ?? 0))
      #expect(hull.steps().allSatisfy { !$0.changes.isEmpty })
    }
  }

  @Test func measuredPointsAreRankedAnew() {
    var curve = frontier(
      [(10, 8, [0, 0]), (20, 4, [0, 1]), (30, 2, [1, 1]), (40, 1, [2, 1]), (50, 0.5, [2, 2])],
      baselines: [
        .init(name: "uniform int4", bytes: 30, bpw: 1, loss: 2.5, measured: 2),
        .init(name: "uniform int8", bytes: 60, bpw: 1, loss: 0.25),
      ])
    #expect(curve.reranked().agreement == nil)
    for (i, measured) in [(0, 9.0), (1, 3), (2, 5), (3, 2.5)] {
      curve.points[i].measured = measured
    }
    let ranked = curve.reranked()
    // 30 bytes: 20 bytes lose less; 40 bytes: the uniform format loses less.
    #expect(ranked.points.map(\.dominated) == [false, false, true, true, nil])
    // Ranks 4, 3, 2, 1 and 4, 2, 3, 1: 1 − 6 · 2 / (4 · 15); five of six pairs agree.
    #expect(abs((ranked.agreement?.spearman ?? 0) - 0.8) < 1e-12)
    #expect(abs((ranked.agreement?.kendall ?? 0) - 4.0 / 6) < 1e-12)
    // With the uniform format: 5, 4, 2, 1, 3 and 5, 3, 4, 2, 1: d² = 0, 1, 4, 1, 4.
    #expect(abs((ranked.agreement?.spearmanWithBaselines ?? 0) - 0.5) < 1e-12)
    #expect(ranked.agreement?.count == 4 && ranked.agreement?.dominated == 2)
    #expect(ranked.reranked() == ranked)
  }
}
