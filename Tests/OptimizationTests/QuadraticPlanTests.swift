import Optimization
import Testing
import Vocabulary

@Suite struct QuadraticPlanTests {
  /// Three layers of two formats (synthetic); the cheap formats of `a` and `c` mend each other.
  private func table(ties: [[String]]? = nil) -> SensitivityTable {
    SensitivityTable(
      unit: "nats/sample",
      groups: zip(["a", "b", "c"], [1.0, 1.1, 1.3]).map { name, loss in
        GroupSensitivity(
          name: name, layers: [name], weights: 8,
          candidates: [
            Candidate(format: "low", loss: loss, bytes: 1),
            Candidate(format: "high", loss: 0, bytes: 2),
          ])
      }, ties: ties)
  }

  private let model = InteractionMatrix(singles: [[1, 0], [1.1, 0], [1.3, 0]]) { g, a, h, b in
    guard a == 0, b == 0 else { return 0 }
    return (g, h) == (0, 1) ? 2 : (g, h) == (0, 2) ? -0.5 : 0
  }

  @Test func crossTermsChangeTheChoice() throws {
    let problem = try PlanningProblem(table(), budgets: [Budget(.bytes, 4)])
    let additive = try problem.solved(by: IntegerProgramming(), timeLimit: 5)
    #expect(additive.choices == [0, 0, 1])
    let plan = try problem.solved(by: QuadraticOptimizer(), with: model, timeLimit: 5)
    #expect(plan.choices == [0, 1, 0])
    #expect(abs(plan.loss - 1.8) < 1e-12)
    #expect(plan.isOptimal)
  }

  @Test func tiedGroupsBringTheirOwnCrossTerms() throws {
    let problem = try PlanningProblem(table(ties: [["a", "b"]]), budgets: [Budget(.bytes, 5)])
    // Either a and b together (1 + 1.1 + 2) or c alone.
    let plan = try problem.solved(by: QuadraticOptimizer(), with: model, timeLimit: 5)
    #expect(plan.choices == [1, 1, 0])
    let merged = problem.groups.interactions(of: model)
    #expect(abs(merged.single(0, 0) - 4.1) < 1e-12)
    #expect(abs(merged.cross(0, 0, 1, 0) + 0.5) < 1e-12)
  }

  @Test func lossBudgetsAndImpossibleOnesAreRefused() throws {
    #expect(throws: UserError.self) {
      try PlanningProblem(table(), budgets: [Budget(.loss, 2)]).solved(
        by: QuadraticOptimizer(), with: model, timeLimit: 5)
    }
    let error = #expect(throws: UserError.self) {
      try PlanningProblem(table(), budgets: [Budget(.bytes, 2)]).solved(
        by: QuadraticOptimizer(), with: model, timeLimit: 5)
    }
    #expect(error?.kind == .infeasible)
  }
}
