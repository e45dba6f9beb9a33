import Pareto
import Testing
import Vocabulary

/// Points on a small integer grid, so that ties, equal points and chains all occur.
private func grid(_ random: inout SplitMix64, count: Int, dimension: Int, side: Int)
  -> [[Double]]
{
  (0..<count).map { _ in
    (0..<dimension).map { _ in Double(random.next() % UInt64(side)) }
  }
}

@Suite struct ParetoDominanceTests {
  @Test func dominanceIsStrictSomewhere() {
    #expect(dominates([1, 2], [1, 3]) && !dominates([1, 3], [1, 2]))
    #expect(!dominates([1, 2], [1, 2]) && !dominates([1, 3], [2, 2]))
    #expect(!dominates([.nan, 0], [1, 1]) && !dominates([0, 0], [.nan, 1]))
    #expect(dominates([1, 1, 1], [1, 1, .infinity]))
  }

  /// Ranks by peeling: what nothing left dominates goes, again and again.
  @Test func againstTheDefinition() throws {
    var random = SplitMix64(seed: 5)
    for round in 0..<300 {
      let dimension = 1 + round % 4
      let points = grid(
        &random, count: Int(random.next() % 40), dimension: dimension, side: 2 + round % 5)
      var ranks = [Int](repeating: -1, count: points.count)
      var rank = 0
      while ranks.contains(-1) {
        let left = ranks.indices.filter { ranks[$0] == -1 }
        for i in left where !left.contains(where: { dominates(points[$0], points[i]) }) {
          ranks[i] = rank
        }
        // What was ranked in this round counts as left until the round ends.
        rank += 1
      }
      #expect(try dominationRanks(points) == ranks)
      let fronts = try dominationFronts(points)
      #expect(fronts == (0..<rank).map { r in ranks.indices.filter { ranks[$0] == r } })
      let first = ranks.indices.filter { i in
        ranks[i] == 0 && !points[..<i].contains(points[i])
      }
      #expect(try nondominated(points) == first)
      if dimension == 2 {
        #expect(nondominated(points.map { ($0[0], $0[1]) }).sorted() == first)
      }
    }
  }

  @Test func notANumberIsRefused() throws {
    let bad: [[Double]] = [[1, 2], [.nan, 1]]
    #expect(throws: UserError.self) { try nondominated(bad) }
    #expect(throws: UserError.self) { try dominationRanks(bad) }
    #expect(throws: UserError.self) { try crowdingDistances(bad) }
    #expect(throws: UserError.self) { try hypervolume(bad, reference: [3, 3]) }
    #expect(throws: UserError.self) { try knee(bad) }
    #expect(throws: UserError.self) { try attainmentSurface([bad], atLeast: 1) }
    #expect(throws: UserError.self) { try nondominated([[1, 2], [1]]) }
    #expect(throws: UserError.self) { try crowdingDistances([[0, 1], [1, .infinity]]) }
    // An infinite loss is a bad policy and no bad number.
    #expect(try nondominated([[1, .infinity], [2, 1]]) == [0, 1])
  }

  @Test func crowdingKnownAnswers() throws {
    #expect(try crowdingDistances([[1, 3], [2, 2], [3, 1]]) == [.infinity, 2, .infinity])
    #expect(try crowdingDistances([[3, 1], [2, 2], [1, 3]]) == [.infinity, 2, .infinity])
    // Ranges 10 and 100: 3/10 + 40/100 and 9/10 + 90/100.
    let distances = try crowdingDistances([[0, 100], [1, 60], [3, 10], [10, 0]])
    #expect(distances[0] == .infinity && distances[3] == .infinity)
    #expect(abs(distances[1] - (0.3 + 0.9)) < 1e-12)
    #expect(abs(distances[2] - (0.9 + 0.6)) < 1e-12)
    #expect(try crowdingDistances([]) == [])
    #expect(try crowdingDistances([[1, 1], [1, 1]]) == [0, 0])
    #expect(try crowdingDistances([[1, 5], [2, 5], [4, 5]]) == [.infinity, 1, .infinity])
  }

  /// Fifty equal groups of four formats: as many policies as there are ways to choose 50 of 4 kinds,
  /// C(53, 3), when no two of them are of one size and the loss falls with the size.
  @Test func monotonePolicyCount() throws {
    let sizes = [0, 1, 51, 2601]
    let table = SensitivityTable(
      unit: "nats/token",
      groups: (0..<50).map { g in
        GroupSensitivity(
          name: "g\(g)", layers: ["g\(g)"], weights: 8,
          candidates: sizes.enumerated().map {
            Candidate(format: "f\($0)", loss: Double(2601 - $1), bytes: $1)
          })
      })
    let frontier = try Frontier.exact(of: table, model: "m")
    #expect(frontier.points.count == 23_426)
    #expect(frontier.points.allSatisfy { $0.loss == Double(50 * 2601 - $0.bytes) })
  }
}

@Suite struct HypervolumeTests {
  @Test func knownAnswers() throws {
    let points: [[Double]] = [[1, 3], [2, 2], [3, 1]]
    #expect(try hypervolume(points, reference: [4, 4]) == 6)
    #expect(try hypervolume(points + [[2.5, 2.5]], reference: [4, 4]) == 6)
    #expect(try hypervolume([[1, 2, 3]], reference: [2, 4, 6]) == 6)
    #expect(try hypervolume([[1], [3]], reference: [4]) == 3)
    #expect(try hypervolume([], reference: [1, 1, 1, 1]) == 0)
    #expect(try hypervolume([[4, 0], [9, 9]], reference: [4, 4]) == 0)
    #expect(try hypervolume([[0, .infinity], [1, 1]], reference: [2, 2]) == 1)
    #expect(throws: UserError.self) { try hypervolume([[-.infinity, 0]], reference: [1, 1]) }
    #expect(throws: UserError.self) { try hypervolume([[0, 0]], reference: [1, .infinity]) }
    #expect(throws: UserError.self) { try hypervolume([[0, 0]], reference: [1, 1, 1]) }
  }

  /// On integer points the volume is the number of unit cells that a point dominates.
  @Test(arguments: 1...5)
  func againstCells(dimension: Int) throws {
    var random = SplitMix64(seed: UInt64(dimension))
    let side = [0, 12, 8, 6, 5, 4][dimension]
    for _ in 0..<150 {
      let points = grid(
        &random, count: Int(random.next() % 14), dimension: dimension, side: side + 1)
      let reference = (0..<dimension).map { _ in Double(1 + Int(random.next() % UInt64(side))) }
      var cells = [[Double]()]
      for k in 0..<dimension {
        cells = cells.flatMap { cell in (0..<Int(reference[k])).map { cell + [Double($0)] } }
      }
      let count = cells.count { cell in
        points.contains { point in zip(point, cell).allSatisfy { $0 <= $1 } }
      }
      #expect(try hypervolume(points, reference: reference) == Double(count))
      #expect(try hypervolume(points.reversed() + points, reference: reference) == Double(count))
    }
  }

  /// Many points: the sweep, the recursion (over a fourth objective that says nothing) and the pairs
  /// agree.
  @Test func formsAgree() throws {
    var random = SplitMix64(seed: 77)
    for _ in 0..<20 {
      let points = grid(&random, count: 80, dimension: 3, side: 1000)
      let reference = [900.0, 950, 980]
      let swept = try hypervolume(points, reference: reference)
      #expect(swept > 0)
      #expect(try hypervolume(points.map { $0 + [3] }, reference: reference + [5]) == 2 * swept)
      let flat = points.map { [$0[0], $0[1]] }
      #expect(
        try hypervolume(flat, reference: [900, 950])
          == hypervolume(flat.map { ($0[0], $0[1]) }, reference: (900, 950)))
      #expect(
        try hypervolume(flat.map { [7, $0[0], $0[1]] }, reference: [8, 900, 950])
          == hypervolume(flat, reference: [900, 950]))
    }
  }
}

@Suite struct KneeTests {
  @Test func farthestBelowTheChord() throws {
    // Scaled: (0, 1), (0.25, 0.25), (0.5, 0.125), (1, 0).
    #expect(try knee([[0, 8], [1, 2], [2, 1], [4, 0]]) == 1)
    #expect(try knee([[10, 8000], [20, 2000], [30, 1000], [50, 0]]) == 1)
    #expect(try knee([[4, 0], [2, 1], [0, 8], [1, 2]]) == 3)
    #expect(try knee([[0, 2], [1, 1], [2, 0]]) == nil)
    #expect(try knee([[0, 4], [1, 3.5], [2, 0]]) == nil)
    #expect(try knee([[1, 1], [1, 2]]) == nil)
    #expect(try knee([]) == nil)
    // Equal distances: the first.
    #expect(try knee([[0, 4], [1, 2], [2, 1], [4, 0]]) == 1)
    // The corner of a cube is nearer to the ideal than the middles of its sides.
    #expect(
      try knee([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.25, 0.25, 0.25], [0.5, 0.5, 0]]) == 3)
  }
}

@Suite struct AttainmentTests {
  @Test func bestMedianAndWorst() throws {
    let fronts: [[[Double]]] = [[[1, 3], [3, 1]], [[2, 2]], [[1, 4], [4, 1]]]
    #expect(try attainmentSurface(fronts, atLeast: 1) == [[1, 3], [2, 2], [3, 1]])
    #expect(try attainmentSurface(fronts, atLeast: 2) == [[1, 4], [2, 3], [3, 2], [4, 1]])
    #expect(try attainmentSurface(fronts, atLeast: 3) == [[2, 4], [4, 2]])
    #expect(try attainmentSurface([[[1, 1]], []], atLeast: 2) == [])
    #expect(throws: UserError.self) { try attainmentSurface([[[1, 1, 1]]], atLeast: 1) }
  }

  /// Every cell of a grid is attained when enough fronts have a point at or before it.
  @Test func againstCells() throws {
    var random = SplitMix64(seed: 9)
    for _ in 0..<150 {
      let fronts = (0..<5).map { _ in
        grid(&random, count: Int(random.next() % 7), dimension: 2, side: 8)
      }
      for count in 1...5 {
        let corners = try attainmentSurface(fronts, atLeast: count)
        for x in 0..<8 {
          for y in 0..<8 {
            let here = [Double(x), Double(y)]
            func attains(_ front: [[Double]]) -> Bool {
              front.contains { $0[0] <= here[0] && $0[1] <= here[1] }
            }
            #expect((fronts.count(where: attains) >= count) == attains(corners))
          }
        }
        #expect(try nondominated(corners) == Array(corners.indices))
        #expect(zip(corners, corners.dropFirst()).allSatisfy { $0[0] < $1[0] && $0[1] > $1[1] })
      }
    }
  }
}

@Suite struct RankCorrelationTests {
  @Test func averageRanks() {
    #expect(RankCorrelation.averageRanks([30, 10, 20, 10]) == [4, 1.5, 3, 1.5])
    #expect(RankCorrelation.averageRanks([5, 5, 5]) == [2, 2, 2])
    #expect(RankCorrelation.averageRanks([]) == [])
  }

  @Test func withoutTies() throws {
    let x: [Double] = [1, 2, 3, 4, 5]
    // d = 0, 1, 1, 1, 1: 1 − 6 · 4 / (5 · 24); 8 of 10 pairs agree.
    let y: [Double] = [1, 3, 2, 5, 4]
    #expect(abs(try #require(RankCorrelation.spearman(x, y)) - 0.8) < 1e-15)
    #expect(abs(try #require(RankCorrelation.kendall(x, y)) - 0.6) < 1e-15)
    #expect(RankCorrelation.spearman(x, x.map { $0 * $0 * $0 }) == 1)
    #expect(RankCorrelation.kendall(x, x.map { -$0 }) == -1)
  }

  @Test func withTies() throws {
    // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3.5, 3.5: products 1.5² + 0.5·0 … = 4, both squares 4.5.
    let x: [Double] = [1, 2, 2, 3]
    let y: [Double] = [1, 2, 3, 3]
    // (−1.5)(−1.5) + 0·(−0.5) + 0·1 + 1.5·1 = 3.75 over 4.5.
    #expect(abs(try #require(RankCorrelation.spearman(x, y)) - 3.75 / 4.5) < 1e-15)
    // Pairs: 4 agree, 1 is tied in x alone, 1 in y alone: 4 / √(5 · 5).
    #expect(abs(try #require(RankCorrelation.kendall(x, y)) - 0.8) < 1e-15)
  }

  @Test func nothingToSay() {
    #expect(RankCorrelation.spearman([1], [2]) == nil)
    #expect(RankCorrelation.kendall([], []) == nil)
    #expect(RankCorrelation.spearman([1, 1, 1], [1, 2, 3]) == nil)
    #expect(RankCorrelation.kendall([1, 2, 3], [4, 4, 4]) == nil)
    #expect(RankCorrelation.spearman([1, .nan], [1, 2]) == nil)
  }
}
