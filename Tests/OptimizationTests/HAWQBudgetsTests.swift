import Optimization
import Testing
import Vocabulary

/// HAWQ-V3's three budgets at once, on its ResNet18.
@Suite struct HAWQBudgetsTests {
  private typealias Net = HAWQResNet18

  /// Sizes in 2²⁰ bytes, BOPs in units of 2¹⁰ million, milliseconds; losses are `trace · squared error`.
  static let table = SensitivityTable(
    unit: "trace-weighted squared error", costs: ["bytes", "bops", "latency"],
    groups: Net.trace.indices.map { k in
      let weights = Int(Net.weights[k] * 1_048_576)
      return GroupSensitivity(
        name: "layer\(k)", layers: ["layer\(k)"], weights: weights,
        candidates: [
          Candidate(
            format: "int4", loss: Net.trace[k] * Net.error4[k], bytes: weights / 2,
            bops: Net.macs[k] / 64, latency: Net.latency4[k]),
          Candidate(
            format: "int8", loss: Net.trace[k] * Net.error8[k], bytes: weights,
            bops: Net.macs[k] / 16, latency: Net.latency8[k]),
        ])
    }, ties: Net.ties.map { $0.map { "layer\($0)" } })

  /// The share of the way from all 4 bits to all 8.
  static func limit(_ kind: CostKind, _ share: Double) -> Budget {
    func total(_ candidate: Int) -> Double {
      table.groups.reduce(0) { $0 + ($1.candidates[candidate].cost(kind) ?? 0) }
    }
    return Budget(kind, total(0) + share * (total(1) - total(0)))
  }

  /// The least loss of all 2¹⁶ policies that tie what is tied and keep the limits.
  static func oracle(_ limits: [Budget]) -> Double {
    let groups = table.groups
    var sets = (0..<groups.count).map { [$0] }
    for tie in Net.ties {
      sets.removeAll { tie.contains($0[0]) }
      sets.append(tie)
    }
    func sums(_ kind: CostKind) -> [[Double]] {
      sets.map { set in
        (0...1).map { c in set.reduce(0) { $0 + (groups[$1].candidates[c].cost(kind) ?? 0) } }
      }
    }
    let costs = limits.map { sums($0.kind) }
    let losses = sums(.loss)
    var best = Double.infinity
    for mask in 0..<(1 << sets.count) {
      func sum(_ values: [[Double]]) -> Double {
        var total = 0.0
        for k in values.indices { total += values[k][mask >> k & 1] }
        return total
      }
      guard zip(costs, limits).allSatisfy({ sum($0) <= $1.limit * (1 + 1e-12) }) else { continue }
      best = min(best, sum(losses))
    }
    return best
  }

  @Test(arguments: [[0.25, 0.25, 0.25], [0.5, 0.5, 0.5], [0.75, 0.5, 0.25], [0.3, 0.9, 0.6]])
  func threeBudgetsTogetherAreSolvedToTheOptimum(_ shares: [Double]) throws {
    let limits = zip([CostKind.bytes, .bops, .latency], shares).map { Self.limit($0, $1) }
    let plan = try PlanningProblem(Self.table, budgets: limits)
      .solved(by: Optimizers.named("ilp"), timeLimit: 10)
    #expect(plan.isOptimal)
    let best = Self.oracle(limits)
    #expect(abs(plan.loss - best) <= 1e-9 * best, "\(plan.loss) against \(best)")
    for (spent, limit) in zip(plan.spending, limits) {
      #expect(spent.kind == limit.kind && spent.used <= limit.limit)
    }
    for tie in HAWQResNet18.ties { #expect(plan.choices[tie[0]] == plan.choices[tie[1]]) }
  }

  @Test func theFastestWithinALossAndASize() throws {
    let limits = [Self.limit(.bytes, 0.6), Budget(.loss, 0.4)]
    let plan = try PlanningProblem(Self.table, budgets: limits, minimising: .latency)
      .solved(by: Optimizers.named("ilp"), timeLimit: 10)
    #expect(plan.loss <= 0.4)
    let fastest = zip(Self.table.groups, plan.choices).reduce(0.0) {
      $0 + ($1.0.candidates[$1.1].latency ?? 0)
    }
    // Nothing within the same bounds is faster.
    let faster = try #require(throws: UserError.self) {
      try PlanningProblem(Self.table, budgets: limits + [Budget(.latency, fastest * 0.999)])
        .solved(by: Optimizers.named("ilp"), timeLimit: 10)
    }
    #expect(faster.kind == .infeasible)
  }

  @Test func whatEveryPolicyPaysIsPaidFirst() throws {
    var table = Self.table
    table.fixedCosts = ["latency": 1.5]
    let limit = Self.limit(.latency, 0.5)
    let plan = try PlanningProblem(table, budgets: [Budget(.latency, limit.limit + 1.5)])
      .solved(by: Optimizers.named("ilp"), timeLimit: 10)
    let without = try PlanningProblem(Self.table, budgets: [limit])
      .solved(by: Optimizers.named("ilp"), timeLimit: 10)
    #expect(plan.choices == without.choices)
    #expect(abs(plan.spending[0].used - without.spending[0].used - 1.5) < 1e-9)
    let error = #expect(throws: UserError.self) {
      try PlanningProblem(table, budgets: [Budget(.latency, 1)])
        .solved(by: Optimizers.named("ilp"), timeLimit: 10)
    }
    #expect(error?.kind == .infeasible)
    // The fastest, rounded up so that it can be given as the next budget.
    let fastest = Self.limit(.latency, 0).limit + 1.5
    let words = (error?.description ?? "").split(separator: " ")
    let told = words.dropLast().last.flatMap { Double($0) } ?? 0
    #expect(told >= fastest && told < fastest * 1.00001)
    _ = try PlanningProblem(table, budgets: [Budget(.latency, told)])
      .solved(by: Optimizers.named("ilp"), timeLimit: 10)
  }
}
