import Optimization
import Testing
import Vocabulary

@Suite struct ScoreRepairTests {
  private func candidates(
    _ losses: [Double], bytes: [Int]? = nil, errors: [Double]? = nil
  ) -> [Candidate] {
    losses.indices.map { i in
      Candidate(
        format: "int\(i + 2)-g64", loss: losses[i], standardError: errors?[i],
        bytes: bytes?[i] ?? i + 1)
    }
  }

  @Test func poolsAdjacentViolators() {
    let one = [Double](repeating: 1, count: 6)
    #expect(ScoreRepair.falling([5, 4, 3], weights: [1, 1, 1]) == [5, 4, 3])
    #expect(ScoreRepair.falling([1, 2, 3], weights: [1, 1, 1]) == [2, 2, 2])
    #expect(ScoreRepair.falling([6, 2, 4, 1, 2, 0], weights: one) == [6, 3, 3, 1.5, 1.5, 0])
    #expect(ScoreRepair.falling([1, 4], weights: [3, 1]) == [1.75, 1.75])
    #expect(ScoreRepair.falling([], weights: []) == [])
    // Pooling reaches back over several blocks.
    #expect(ScoreRepair.falling([3, 2, 1, 6], weights: [1, 1, 1, 1]) == [3, 3, 3, 3])
  }

  /// No non-increasing sequence on a grid is nearer.
  @Test func nearestOfAll() {
    var random = SplitMix64(seed: 4)
    for _ in 0..<50 {
      let values = (0..<4).map { _ in Double(random.next() % 5) }
      let weights = (0..<4).map { _ in 1 + Double(random.next() % 3) }
      func distance(_ fit: [Double]) -> Double {
        zip(zip(fit, values), weights).reduce(0) {
          $0 + $1.1 * ($1.0.0 - $1.0.1) * ($1.0.0 - $1.0.1)
        }
      }
      let fit = ScoreRepair.falling(values, weights: weights)
      #expect(zip(fit, fit.dropFirst()).allSatisfy { $0 >= $1 })
      let grid = (0...16).map { Double($0) / 4 }
      for a in grid {
        for b in grid where b <= a {
          for c in grid where c <= b {
            for d in grid where d <= c {
              #expect(distance(fit) <= distance([a, b, c, d]) + 1e-9)
            }
          }
        }
      }
    }
  }

  @Test func keepsTheRawValueAndTheOrder() {
    let repaired = ScoreRepair.repaired(candidates([0.1, 1, 3], bytes: [3, 2, 1]))
    #expect(repaired == candidates([0.1, 1, 3], bytes: [3, 2, 1]))
    let noisy = ScoreRepair.repaired(candidates([-0.1, 1, 0.5, 4], bytes: [4, 3, 2, 1]))
    #expect(noisy.map(\.loss) == [0, 0.75, 0.75, 4])
    #expect(noisy.map(\.rawLoss) == [-0.1, 1, 0.5, nil])
    #expect(ScoreRepair.repaired(noisy) == noisy)
  }

  @Test func certainScoresWeighMore() {
    let repaired = ScoreRepair.repaired(candidates([1, 2], errors: [1, 0.5]))
    #expect(repaired.map(\.loss) == [1.8, 1.8])
    // One unknown error: all count the same.
    #expect(
      ScoreRepair.repaired(candidates([1, 2], errors: [1, 0])).map(\.loss) == [1.5, 1.5])
  }

  @Test func equalBytesAreNotCompared() {
    let repaired = ScoreRepair.repaired(candidates([2, 9, 1], bytes: [5, 5, 6]))
    #expect(repaired.map(\.loss) == [2, 9, 1])
    // The larger format violates the better of the two only.
    let violated = ScoreRepair.repaired(candidates([2, 9, 4], bytes: [5, 5, 6]))
    #expect(violated.map(\.loss) == [3, 9, 3])
  }

  @Test func familiesAreRepairedApart() {
    let mixed = [
      Candidate(format: "int3-g64", loss: 1, bytes: 1),
      Candidate(format: "int4-channel", loss: 3, bytes: 2),
      Candidate(format: "int4-g64", loss: 2, bytes: 3),
      Candidate(format: "int8-channel", loss: -1, bytes: 4),
    ]
    #expect(
      ScoreRepair.repaired(mixed, across: .family).map(\.loss) == [1.5, 3, 1.5, 0])
    #expect(ScoreRepair.repaired(mixed, across: .group).map(\.loss) == [2, 2, 2, 0])
  }

  @Test func notANumberIsLeftToTheSolver() {
    let broken = ScoreRepair.repaired(candidates([1, .nan]))
    #expect(broken[0].loss == 1 && broken[1].loss.isNaN)
  }
}
