import Optimization
import Pareto
import Testing
import Vocabulary

@Suite struct ParetoTests {
  private func table(seed: UInt64, groups: Int, candidates: Int) -> SensitivityTable {
    var random = SplitMix64(seed: seed)
    return SensitivityTable(
      unit: "nats/token",
      groups: (0..<groups).map { g in
        GroupSensitivity(
          name: "g\(g)", layers: ["g\(g)"], weights: 1000,
          candidates: (0..<candidates).map { j in
            Candidate(
              format: "int\(j + 1)-g64", loss: Double(random.next() % 1000),
              bytes: Int(random.next() % 100), latency: 1)
          })
      }, fixedBytes: 7)
  }

  /// Every point of the hull is the minimum of loss + λ · bytes for some λ, and each vertex of the
  /// enumerated hull is on it.
  @Test func hullAgainstEnumeration() throws {
    for seed in 0..<200 as Range<UInt64> {
      let table = table(seed: seed, groups: 4, candidates: 4)
      let frontier = try Frontier.hull(of: table, model: "random")
      let all = (0..<256).map { code in
        Frontier.Point(table, choices: (0..<4).map { code >> (2 * $0) & 3 })
      }
      for (a, b) in zip(frontier.points, frontier.points.dropFirst()) {
        #expect(a.bytes < b.bytes && a.loss > b.loss)
      }
      for point in frontier.points {
        #expect(point == Frontier.Point(table, choices: point.choices))
      }
      // Below the line through two neighbours there is nothing.
      for (a, b) in zip(frontier.points, frontier.points.dropFirst()) {
        let slope = (a.loss - b.loss) / Double(b.bytes - a.bytes)
        for other in all {
          let line = a.loss - slope * Double(other.bytes - a.bytes)
          #expect(other.loss >= line - 1e-9 * 1000)
        }
      }
      let smallest = try #require(all.map(\.bytes).min())
      let least = try #require(all.map(\.loss).min())
      #expect(frontier.points.first?.bytes == smallest)
      #expect(
        frontier.points.first?.loss == all.filter { $0.bytes == smallest }.map(\.loss).min())
      #expect(frontier.points.last?.loss == least)
      #expect(frontier.points.last?.bytes == all.filter { $0.loss == least }.map(\.bytes).min())
    }
  }

  /// The exact frontier is what enumeration and the dominance filter leave.
  @Test func exactAgainstEnumeration() throws {
    for seed in 0..<200 as Range<UInt64> {
      let table = table(seed: seed, groups: 4, candidates: 4)
      let frontier = try Frontier.exact(of: table, model: "random")
      let all = (0..<256).map { code in
        Frontier.Point(table, choices: (0..<4).map { code >> (2 * $0) & 3 })
      }
      let front = nondominated(all.map { (Double($0.bytes), $0.loss) }).map { all[$0] }
      #expect(frontier.points.map(\.bytes) == front.map(\.bytes))
      #expect(frontier.points.map(\.loss) == front.map(\.loss))
      #expect(frontier.points.allSatisfy { $0 == Frontier.Point(table, choices: $0.choices) })
      // The hull is part of it, and dominates no more.
      let hull = try Frontier.hull(of: table, model: "random")
      let sizes = Set(front.map(\.bytes))
      #expect(hull.points.allSatisfy { sizes.contains($0.bytes) })
      #expect(frontier.hypervolume >= hull.hypervolume && frontier.kind == .exact)
    }
  }

  @Test func exactFrontiersAreBounded() {
    #expect(throws: UserError.self) {
      try Frontier.exact(
        of: table(seed: 1, groups: 30, candidates: 6), model: "m", maximumStates: 100)
    }
  }

  @Test func hullDropsWhatIsAboveTheChord() throws {
    let table = SensitivityTable(
      unit: "nats/token",
      groups: [
        GroupSensitivity(
          name: "a", layers: ["a"], weights: 8,
          candidates: [(1, 10.0), (2, 9), (3, 1)].enumerated().map {
            Candidate(format: "f\($0)", loss: $1.1, bytes: $1.0)
          })
      ])
    let frontier = try Frontier.hull(of: table, model: "m")
    #expect(frontier.points.map(\.choices) == [[0], [2]])
    #expect(frontier.points.map(\.bpw) == [1, 3])
    #expect(frontier.kind == .hull && frontier.formats == [["f0", "f1", "f2"]])
    #expect(frontier.reference == [3, 10])
    #expect(frontier.hypervolume == 0)
  }

  /// At the sizes of its points the hull's policies are optimal.
  @Test func hullPointsAreOptima() throws {
    for seed in 0..<20 as Range<UInt64> {
      let table = table(seed: seed, groups: 6, candidates: 5)
      for point in try Frontier.hull(of: table, model: "m").points {
        let plan = try PlanningProblem(table, budgets: [Budget(.bytes, Double(point.bytes))])
          .solved(by: IntegerProgramming(), timeLimit: 10)
        #expect(plan.isOptimal && plan.loss == point.loss)
      }
    }
  }

  @Test func hullKeepsPinsAndTies() throws {
    var table = table(seed: 3, groups: 5, candidates: 9)
    table.ties = [["g1", "g4"]]
    let frontier = try Frontier.hull(of: table, model: "m", pins: [0: "int3-g64"])
    #expect(frontier.points.count > 2)
    for point in frontier.points {
      #expect(point.choices.count == 5 && point.choices[0] == 2)
      #expect(point.choices[1] == point.choices[4])
      #expect(point.latency == 5)
    }
    #expect(frontier.groups == ["g0", "g1", "g2", "g3", "g4"])
    table.groups[2].candidates[1].loss = .nan
    #expect(throws: UserError.self) { try Frontier.hull(of: table, model: "m") }
  }

  @Test func uniformPolicies() {
    func group(_ name: String, _ formats: [String]) -> GroupSensitivity {
      GroupSensitivity(
        name: name, layers: [name], weights: 8,
        candidates: formats.enumerated().map {
          Candidate(format: $1, loss: Double(10 - $0), bytes: $0 + 1)
        })
    }
    let table = SensitivityTable(
      unit: "nats/token",
      groups: [
        group("a", ["int4-g64", "int8-g64"]),
        group("b", ["int3-channel", "int4-channel", "int4-g32"]),
      ], fixedBytes: 100)
    let uniform = UniformPolicy.all(of: table)
    // Only int4-channel stands in, so the first group has neither int4-channel nor int4-g32.
    #expect(uniform.map(\.format) == ["int4-g64"])
    #expect(uniform.map(\.choices) == [[0, 1]])
    #expect(
      uniform[0].baseline
        == .init(name: "uniform int4-g64", bytes: 103, bpw: 1.5, loss: 19))
    #expect(UniformPolicy.all(of: table, pins: [0: "int8-g64"])[0].choices == [1, 1])
  }

  @Test func hypervolumeKnownAnswers() {
    let points = [(1.0, 3.0), (2, 2), (3, 1)]
    #expect(hypervolume(points, reference: (4, 4)) == 6)
    #expect(hypervolume(points + [(2.5, 2.5)], reference: (4, 4)) == 6)
    #expect(hypervolume(points + [(5, 0), (0, 5)], reference: (4, 4)) == 6)
    #expect(hypervolume(points.reversed() + points, reference: (4, 4)) == 6)
    #expect(hypervolume([], reference: (4, 4)) == 0)
  }

  @Test func dominance() {
    let points = [(2.0, 2.0), (1, 3), (2, 2), (3, 2), (3, 1), (1, 4), (0, 9)]
    #expect(nondominated(points) == [6, 1, 0, 4])
  }

  @Test func knee() {
    // Log10 losses 0, -3, -3.5, -4 over bytes 0, 1, 2, 4: distances 0, 0.5, 0.375, 0.
    #expect(kneeIndex([(0, 1), (1, 1e-3), (2, 10 / 31622.776601683795), (4, 1e-4)]) == 1)
    // Scaling either axis moves nothing.
    #expect(kneeIndex([(0, 7), (10, 7e-3), (20, 70 / 31622.776601683795), (40, 7e-4)]) == 1)
    // A straight line and a bulge have none.
    #expect(kneeIndex([(0, 100), (1, 10), (2, 1)]) == nil)
    #expect(kneeIndex([(0, 100), (1, 90), (2, 1)]) == nil)
    #expect(kneeIndex([(0, 2), (1, 1)]) == nil)
    // A loss of zero counts as the smallest positive one.
    #expect(kneeIndex([(0, 100), (1, 1), (2, 0.9), (3, 0)]) == 1)
  }

  @Test func thinning() throws {
    let table = table(seed: 11, groups: 40, candidates: 6)
    let whole = try Frontier.hull(of: table, model: "m")
    let knee = try #require(whole.knee)
    for count in [3, 10, 25] {
      let thin = whole.thinned(to: count)
      #expect(thin.points.count == count)
      #expect(thin.points.first == whole.points.first && thin.points.last == whole.points.last)
      #expect(thin.knee.map { thin.points[$0] } == whole.points[knee])
      #expect(thin.hypervolume == whole.hypervolume && thin.reference == whole.reference)
      #expect(thin.points.allSatisfy(whole.points.contains))
      #expect(zip(thin.points, thin.points.dropFirst()).allSatisfy { $0.bytes < $1.bytes })
    }
    #expect(whole.thinned(to: whole.points.count) == whole)
    // Even in the logarithm: of 1, 1/2, ... 2^-20 five are a quarter of the way each.
    let steps = (0...20).map {
      Frontier.Point(
        bytes: $0 * $0, bpw: 0, loss: 1 / Double(1 << $0), choices: [])
    }
    let curve = Frontier(
      model: "m", unit: "", kind: .hull, groups: [], formats: [], points: steps, baselines: [],
      knee: nil, reference: [], hypervolume: 0)
    #expect(curve.thinned(to: 5).points.map(\.bytes) == [0, 25, 100, 225, 400])
  }
}
