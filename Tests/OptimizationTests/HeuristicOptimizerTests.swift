import Optimization
import Testing
import Vocabulary

/// What the optimizers that prove nothing, or not much, must do all the same.
@Suite struct HeuristicOptimizerTests {
  /// The hull alone takes loss 10; filling reaches the optimum 9, the bound is the chord's 5.5.
  @Test func fillingLeavesTheHull() throws {
    let problem = AssignmentProblem(
      objective: [[10, 9, 1]],
      constraints: [.init(kind: .bytes, cost: [[1, 2, 3]], limit: 2)])
    guard case .feasible(let found) = try Lagrangian().solve(problem, timeLimit: 1) else {
      Issue.record("the gap is open")
      return
    }
    #expect(found.objective == 9)
    #expect(abs(found.lowerBound - 5.5) < 1e-9)
  }

  /// Convex losses in steps of one size: greedy is optimal, 20 of 20.
  @Test func greedyIsOptimalOnConvexSteps() throws {
    for seed in 0..<20 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      let objective = (0..<12).map { _ -> [Double] in
        let drops = (0..<5).map { _ in random.uniform() }.sorted(by: >)
        return drops.reduce(into: [10]) { $0.append($0[$0.count - 1] - $1) }
      }
      let problem = AssignmentProblem(
        objective: objective,
        constraints: [
          .init(
            kind: .bytes, cost: Array(repeating: (0...5).map(Double.init), count: 12), limit: 25)
        ])
      let best = try #require(try DynamicProgramming().solve(problem, timeLimit: 60).assignment)
      let found = try #require(try Greedy().solve(problem, timeLimit: 60).assignment)
      #expect(abs(found.objective - best.objective) < 1e-9)
    }
  }

  @Test func boundsEncloseTheOptimumOfWholeModels() throws {
    for seed in 0..<18 as Range<UInt64> {
      let problem = realisticProblem(
        seed: seed, groups: 50, bitsPerWeight: 2.6 + Double(seed) * 0.15)
      let best = try #require(try DynamicProgramming().solve(problem, timeLimit: 60).assignment)
      for optimizer in [Lagrangian(), Greedy()] as [any Optimizer] {
        let found = try #require(try optimizer.solve(problem, timeLimit: 60).assignment)
        #expect(problem.isFeasible(found.choices))
        #expect(found.lowerBound <= best.objective * (1 + 1e-9))
        #expect(found.objective >= best.objective * (1 - 1e-9))
        #expect(found.objective <= best.objective * 1.41)
      }
    }
  }

  @Test func exhaustiveRefusesWhatWouldTakeTooLong() {
    let problem = realisticProblem(seed: 1, groups: 9, bitsPerWeight: 4)
    let error = #expect(throws: UserError.self) { try Exhaustive().solve(problem, timeLimit: 60) }
    #expect(error?.description.contains("2 million") ?? false)
  }
}
