import Optimization
import Testing
import Vocabulary

/// Constraints on the shape of a policy, against a look at every policy.
@Suite struct StructureTests {
  /// A random table; whole numbers, so that sums are exact.
  private func table(seed: UInt64, groups: Int = 4, activations: Bool = false) -> SensitivityTable {
    var random = SplitMix64(seed: seed)
    func number(_ below: UInt64) -> Int { Int(random.next() % below) }
    return SensitivityTable(
      unit: "nats", costs: ["bytes", "latency", "energy"],
      groups: (0..<groups).map { g in
        let candidates = (1...4).flatMap { f -> [Candidate] in
          // Not every group has every format.
          guard f == 1 || number(5) > 0 else { return [] }
          return (activations ? [nil, "int8-tensor"] : [nil]).map { activation in
            Candidate(
              format: "f\(f)", activation: activation,
              loss: Double(number(40)) + (activation == nil ? 0 : 3), bytes: 1 + number(20),
              latency: Double(1 + number(20)) - (activation == nil ? 0 : 1),
              energy: Double(number(9)), codeBits: Double(f * 10))
          }
        }
        return GroupSensitivity(
          name: "block.\(g / 2).\(g)", layers: ["l\(g)"], weights: 10, candidates: candidates)
      })
  }

  /// Every choice of the table's candidates.
  private func everyChoice(_ table: SensitivityTable) -> [[Int]] {
    table.groups.reduce([[]]) { choices, group in
      choices.flatMap { choice in group.candidates.indices.map { choice + [$0] } }
    }
  }

  private func chosen(_ table: SensitivityTable, _ choices: [Int]) -> [Candidate] {
    zip(table.groups, choices).map { $0.candidates[$1] }
  }

  private func total(_ candidates: [Candidate], _ kind: CostKind) -> Double {
    candidates.reduce(0) { $0 + ($1.cost(kind) ?? .nan) }
  }

  @Test func atMostSoManyFormatsAgreesWithALookAtEveryPolicy() throws {
    var infeasible = 0
    for seed in 0..<150 as Range<UInt64> {
      let table = table(seed: seed, groups: 5, activations: seed % 3 == 0)
      let limit = 1 + Int(seed % 3)
      let budget = Budget(.bytes, Double(15 + seed % 40))
      let allowed = everyChoice(table).map { chosen(table, $0) }
        .filter { Set($0.map(\.format)).count <= limit }
      let truth = allowed.filter { total($0, .bytes) <= budget.limit }
        .map { total($0, .loss) }.min()
      for optimizer in Optimizers.all where type(of: optimizer).isExact {
        let problem = try PlanningProblem(table, budgets: [budget], formatLimit: limit)
        guard let truth else {
          infeasible += 1
          let error = #expect(throws: UserError.self) {
            try problem.solved(by: optimizer, timeLimit: 20)
          }
          #expect(error?.kind == .infeasible, "seed \(seed)")
          continue
        }
        let plan = try problem.solved(by: optimizer, timeLimit: 20)
        #expect(plan.isOptimal && plan.loss == truth, "seed \(seed): \(plan.loss), not \(truth)")
        #expect(Set(chosen(table, plan.choices).map(\.format)).count <= limit, "seed \(seed)")
        #expect(plan.spending[0].used <= budget.limit, "seed \(seed)")
      }
    }
    #expect(infeasible > 10)
  }

  @Test func anyCostIsMinimisedUnderAnyBudgets() throws {
    let kinds: [CostKind] = [.bytes, .latency, .energy, .bits, .loss]
    for seed in 0..<100 as Range<UInt64> {
      let table = table(seed: seed)
      let objective = kinds[Int(seed % 5)]
      let bounded = kinds[Int(seed / 5 % 5)]
      guard objective != bounded else { continue }
      let every = everyChoice(table).map { chosen(table, $0) }
      let sums = every.map { total($0, bounded) }.sorted()
      let bound = sums[sums.count / 3]
      let limit = bounded == .bits ? bound / Double(table.weights ?? 1) : bound
      guard limit > 0 else { continue }
      let kept = every.filter { total($0, bounded) <= bound }
      let least = try #require(kept.map { total($0, objective) }.min())
      let loss = kept.filter { total($0, objective) == least }.map { total($0, .loss) }.min()
      let plan = try PlanningProblem(
        table, budgets: [Budget(bounded, limit)], minimising: objective
      ).solved(by: IntegerProgramming(), timeLimit: 20)
      #expect(total(chosen(table, plan.choices), objective) == least, "seed \(seed)")
      #expect(plan.loss == loss && plan.isOptimal, "seed \(seed)")
    }
  }

  @Test func whatIsMinimisedMustBeKnown() {
    var table = table(seed: 1)
    table.groups[1].candidates[0].latency = nil
    let error = #expect(throws: UserError.self) {
      try PlanningProblem(table, budgets: [], minimising: .latency)
    }
    #expect(error?.description.contains("no latency for 'block.0.1'") ?? false)
  }

  @Test func exclusionsAreKept() throws {
    for seed in 0..<30 as Range<UInt64> {
      let table = table(seed: seed, activations: true)
      let truth = everyChoice(table).map { chosen(table, $0) }
        .filter { $0[1].format == "f1" || $0[1].format == "f2" }
        .filter { $0[2].name != "f1/int8-tensor" }.map { total($0, .loss) }.min()
      let plan = try PlanningProblem(
        table, budgets: [], exclusions: [1: ["f3", "f4"], 2: ["f1/int8-tensor"]]
      ).solved(by: IntegerProgramming(), timeLimit: 10)
      #expect(plan.loss == truth, "seed \(seed)")
    }
    let error = #expect(throws: UserError.self) {
      try PlanningProblem(table(seed: 3), budgets: [], exclusions: [0: ["f1", "f2", "f3", "f4"]])
    }
    #expect(error?.kind == .usage)
  }

  /// q, k and v with kernels for some pairs and for all three: what is run together is part of the
  /// answer.
  @Test func fusionIsADecision() throws {
    var fusedSomewhere = 0
    for seed in 0..<120 as Range<UInt64> {
      var table = table(seed: seed, groups: 4)
      let names = table.groups.map(\.name)
      var random = SplitMix64(seed: seed + 1000)
      let subsets = [[0, 1], [1, 2], [0, 2], [0, 1, 2]]
      let kernels = subsets.flatMap { subset in
        (1...4).compactMap { f -> Fusion.Kernel? in
          guard random.next() % 3 > 0 else { return nil }
          return Fusion.Kernel(
            groups: subset.map { names[$0] }, format: "f\(f)",
            latency: Double(1 + random.next() % UInt64(9 * subset.count)))
        }
      }
      table.fusions = [Fusion(members: Array(names.prefix(3)), kernels: kernels)]
      let limit = Double(14 + seed % 20)
      var best = Double.infinity
      for choices in everyChoice(table) {
        let candidates = chosen(table, choices)
        let latency = leastLatency(candidates, kernels, names)
        if latency <= limit { best = min(best, total(candidates, .loss)) }
      }
      let problem = try PlanningProblem(table, budgets: [Budget(.latency, limit)])
      for optimizer in Optimizers.all where type(of: optimizer).isExact {
        guard best < .infinity else {
          #expect(throws: UserError.self) { try problem.solved(by: optimizer, timeLimit: 10) }
          continue
        }
        let plan = try problem.solved(by: optimizer, timeLimit: 10)
        #expect(plan.isOptimal && plan.loss == best, "seed \(seed): \(plan.loss), not \(best)")
        #expect(plan.spending[0].used <= limit, "seed \(seed)")
        let fused = try #require(plan.fused)
        fusedSomewhere += fused.count
        let formats = chosen(table, plan.choices).map(\.format)
        for layers in fused {
          #expect(layers.count > 1)
          #expect(Set(layers.compactMap { Int($0.dropFirst()) }.map { formats[$0] }).count == 1)
        }
      }
    }
    #expect(fusedSomewhere > 50)
  }

  /// The least latency of given candidates over all ways to run the first three groups.
  private func leastLatency(
    _ candidates: [Candidate], _ kernels: [Fusion.Kernel], _ names: [String]
  ) -> Double {
    func kernel(_ set: [Int]) -> Double {
      let groups = set.map { names[$0] }
      return kernels.filter { kernel in
        kernel.groups == groups && set.allSatisfy { candidates[$0].format == kernel.format }
      }.compactMap(\.latency).min() ?? .infinity
    }
    func alone(_ g: Int) -> Double { candidates[g].latency ?? .nan }
    let ways = [
      alone(0) + alone(1) + alone(2), kernel([0, 1]) + alone(2), kernel([1, 2]) + alone(0),
      kernel([0, 2]) + alone(1), kernel([0, 1, 2]),
    ]
    return (ways.min() ?? .nan) + alone(3)
  }

  @Test func tiedMembersOfAFusionAreOneKernelsBusiness() throws {
    var table = table(seed: 5, groups: 3)
    let names = table.groups.map(\.name)
    table.ties = [[names[0], names[1]]]
    table.fusions = [
      Fusion(
        members: names,
        kernels: [Fusion.Kernel(groups: [names[0], names[1]], format: "f1", latency: 0.5)])
    ]
    let plan = try PlanningProblem(table, budgets: [], minimising: .latency)
      .solved(by: IntegerProgramming(), timeLimit: 10)
    #expect(plan.fused == [["l0", "l1"]])
    table.fusions?[0].kernels[0].groups = [names[1], names[2]]
    let error = #expect(throws: UserError.self) { try PlanningProblem(table, budgets: []) }
    #expect(error?.description.contains("tied") ?? false)
    table.ties = nil
    table.fusions = [
      Fusion(members: [names[0], names[1]], kernels: []),
      Fusion(members: [names[1], names[2]], kernels: []),
    ]
    #expect(throws: UserError.self) { try PlanningProblem(table, budgets: []) }
    table.fusions = [Fusion(members: ["x", names[0]], kernels: [])]
    #expect(throws: UserError.self) { try PlanningProblem(table, budgets: []) }
  }

  @Test func aWholeModelWithFusedProjectionsIsSolved() throws {
    // 30 blocks of q, k, v and two more, 6 formats: 6³ combinations and the ways to run them.
    var random = SplitMix64(seed: 9)
    var groups: [GroupSensitivity] = []
    var fusions: [Fusion] = []
    for block in 0..<30 {
      for name in ["q", "k", "v", "up", "down"] {
        let scale = random.uniform()
        groups.append(
          GroupSensitivity(
            name: "\(block).\(name)", layers: ["\(block).\(name)"], weights: 1000,
            candidates: [2, 3, 4, 5, 6, 8].map { bits in
              Candidate(
                format: "int\(bits)", loss: scale / Double(1 << (2 * bits)),
                bytes: 125 * bits + 20, latency: 1 + Double(bits) / 4 + random.uniform() / 10)
            }))
      }
      let members = ["q", "k", "v"].map { "\(block).\($0)" }
      fusions.append(
        Fusion(
          members: members,
          kernels: [2, 3, 4, 5, 6, 8].map {
            Fusion.Kernel(
              groups: members, format: "int\($0)", latency: 1.5 + 0.7 * Double($0))
          }))
    }
    let table = SensitivityTable(unit: "nats", groups: groups, fusions: fusions)
    let plan = try PlanningProblem(
      table, budgets: [Budget(.bpw, 4.4), Budget(.latency, 240)]
    ).solved(by: IntegerProgramming(), timeLimit: 20)
    #expect((plan.loss - plan.lowerBound) / plan.loss < 1e-3)
    #expect(plan.spending.allSatisfy { $0.used <= $0.limit })
    #expect((plan.fused ?? []).count > 5)
  }
}
