import Optimization
import Testing
import Vocabulary

/// Policies under losses that interact.
@Suite struct QuadraticOptimizerTests {
  /// Every group is off or on; `½ xᵀGx` of the groups that are on.
  private func model(_ matrix: [[Double]]) -> InteractionMatrix {
    InteractionMatrix(singles: matrix.indices.map { [0, matrix[$0][$0] / 2] }) { g, a, h, b in
      a == 1 && b == 1 ? matrix[g][h] : 0
    }
  }

  /// Exactly two groups are on.
  private var two: [AssignmentProblem.Constraint] {
    [
      .init(kind: .bytes, cost: Array(repeating: [0, 1], count: 3), limit: 2),
      .init(kind: .latency, cost: Array(repeating: [0, -1], count: 3), limit: -2),
    ]
  }

  /// Singles 1.0, 1.1, 1.3 and interactions ab +2, ac −.5, bc 0 (systems.md, CLADO).
  @Test func interactionsChangeTheChoice() throws {
    let model = model([[2, 2, -0.5], [2, 2.2, 0], [-0.5, 0, 2.6]])
    guard
      case .optimal(let found) = try QuadraticOptimizer().solve(
        model, constraints: two, timeLimit: 10)
    else {
      Issue.record("a small problem is proven")
      return
    }
    #expect(found.choices == [1, 0, 1])
    #expect(abs(found.objective - 1.8) < 1e-12)
    let additive = AssignmentProblem(
      objective: [[0, 1.0], [0, 1.1], [0, 1.3]], constraints: two)
    let blind = try #require(try Exhaustive().solve(additive, timeLimit: 10).assignment)
    #expect(blind.choices == [1, 1, 0])
    #expect(abs(blind.objective - 2.1) < 1e-12)
    #expect(abs(model.loss(of: blind.choices) - 4.1) < 1e-12)
  }

  /// Clipping the one negative eigenvalue (−.672) turns the pair's .10 into .4097.
  @Test func rawValuesAreKept() throws {
    let raw = [[0.2, 0.9, -0.3], [0.9, 0.4, 0.1], [-0.3, 0.1, 0.6]]
    // The eigenvector of the smallest eigenvalue: the dominant one of 2 − G.
    var v = [1.0, -1, 0.5]
    for _ in 0..<500 {
      let w = (0..<3).map { i in 2 * v[i] - (0..<3).reduce(0) { $0 + raw[i][$1] * v[$1] } }
      let length = w.reduce(0) { $0 + $1 * $1 }.squareRoot()
      v = w.map { $0 / length }
    }
    let eigenvalue = (0..<3).reduce(0.0) { sum, i in
      sum + (0..<3).reduce(0) { $0 + v[i] * raw[i][$1] * v[$1] }
    }
    #expect(abs(eigenvalue + 0.672) < 1e-3)
    let clipped = (0..<3).map { i in (0..<3).map { raw[i][$0] - eigenvalue * v[i] * v[$0] } }
    #expect(abs(model(clipped).loss(of: [1, 0, 1]) - 0.4097) < 1e-4)
    let found = try #require(
      try QuadraticOptimizer().solve(model(raw), constraints: two, timeLimit: 10).assignment)
    #expect(found.choices == [1, 0, 1])
    #expect(abs(found.objective - 0.10) < 1e-12)
  }

  private func randomModel(_ problem: AssignmentProblem, seed: UInt64) -> InteractionMatrix {
    var random = SplitMix64(seed: seed, job: 1)
    return InteractionMatrix(singles: problem.objective) { _, _, _, _ in
      10 * (random.uniform() - 0.5)
    }
  }

  @Test func agreesWithExhaustiveSearch() throws {
    var infeasible = 0
    var open = 0
    for seed in 0..<300 as Range<UInt64> {
      let problem = randomProblem(seed: seed, constraints: Int(seed % 3))
      let model = randomModel(problem, seed: seed)
      var best = Double.infinity
      var size = 0.0
      for choices in everyChoice(problem) where problem.isFeasible(choices) {
        best = min(best, model.loss(of: choices))
        size = max(size, abs(model.loss(of: choices)))
      }
      let proven = try QuadraticOptimizer().solve(
        model, constraints: problem.constraints, timeLimit: 60)
      let hasty = try QuadraticOptimizer(restarts: 0, nodeLimit: 0).solve(
        model, constraints: problem.constraints, timeLimit: 60)
      guard best.isFinite else {
        infeasible += 1
        #expect(proven.assignment == nil && hasty.assignment == nil, "seed \(seed)")
        continue
      }
      guard case .optimal(let found) = proven, let bounded = hasty.assignment else {
        Issue.record("seed \(seed): \(proven), \(hasty)")
        continue
      }
      #expect(problem.isFeasible(found.choices) && problem.isFeasible(bounded.choices))
      #expect(abs(found.objective - best) <= 1e-9 * size, "seed \(seed)")
      #expect(bounded.objective >= best - 1e-9 * size, "seed \(seed)")
      #expect(bounded.lowerBound <= best + 1e-9 * size, "seed \(seed)")
      if case .feasible = hasty { open += 1 }
    }
    #expect(infeasible > 5 && open > 100)
  }

  private func everyChoice(_ problem: AssignmentProblem) -> [[Int]] {
    problem.objective.reduce([[]]) { partial, losses in
      partial.flatMap { choices in losses.indices.map { choices + [$0] } }
    }
  }

  @Test func sameSeedSameAnswerAndNeverWorseThanTheKnapsack() throws {
    let problem = realisticProblem(seed: 3, groups: 40, bitsPerWeight: 3.5)
    var random = SplitMix64(seed: 9)
    let model = InteractionMatrix(singles: problem.objective) { g, a, h, b in
      let (x, y) = (problem.objective[g][a], problem.objective[h][b])
      return (random.uniform() - 0.5) * (x * y).squareRoot()
    }
    let optimizer = QuadraticOptimizer(seed: 4, restarts: 2, nodeLimit: 1000)
    let found = try optimizer.solve(model, constraints: problem.constraints, timeLimit: 600)
    #expect(
      try optimizer.solve(model, constraints: problem.constraints, timeLimit: 600) == found)
    let assignment = try #require(found.assignment)
    let blind = try #require(try IntegerProgramming().solve(problem, timeLimit: 60).assignment)
    #expect(problem.isFeasible(assignment.choices))
    #expect(assignment.objective < model.loss(of: blind.choices))
    #expect(assignment.objective == model.loss(of: assignment.choices))
    #expect(assignment.lowerBound <= assignment.objective)
  }

  @Test func evaluationKeepsUp() {
    let problem = realisticProblem(seed: 8, groups: 10, bitsPerWeight: 4)
    let model = randomModel(problem, seed: 8)
    var random = SplitMix64(seed: 8)
    var evaluation = model.evaluation(of: [Int](repeating: 0, count: 10))
    for _ in 0..<200 {
      let (g, a) = (Int(random.next() % 10), Int(random.next() % 6))
      var changed = evaluation.choices
      changed[g] = a
      let expected = model.loss(of: changed)
      #expect(abs(evaluation.loss + evaluation.change(of: g, to: a) - expected) < 1e-9)
      evaluation.set(g, to: a)
      #expect(evaluation.choices == changed && abs(evaluation.loss - expected) < 1e-9)
    }
  }
}
