import Optimization
import Testing
import Vocabulary

@Suite struct PlanningProblemTests {
  private let ilp = IntegerProgramming()

  /// Three groups of 8 000 weights, widths 2, 4 and 8 without scales.
  private func table(
    ties: [[String]]? = nil, fixedBytes: Int? = 500, latency: Bool = false
  ) -> SensitivityTable {
    SensitivityTable(
      unit: "nats/token",
      groups: [("a", 1.0), ("b", 2.0), ("c", 8.0)].map { name, weight in
        GroupSensitivity(
          name: name, layers: [name + ".0"], weights: 8000,
          candidates: [2, 4, 8].map { bits in
            Candidate(
              format: "int\(bits)-channel", loss: weight / Double(1 << (2 * bits)),
              standardError: 0.1, bytes: 1000 * bits, latency: latency ? Double(bits) : nil)
          })
      }, ties: ties, fixedBytes: fixedBytes)
  }

  /// All nine published instances, bit for bit: bytes, BOPs or milliseconds, with tied layers.
  @Test(arguments: HAWQResNet18.optima.indices) func hawqResNet18(_ index: Int) throws {
    let data = HAWQResNet18.self
    let instance = data.optima[index]
    let layers = data.trace.indices
    let unit = 1_048_576.0
    let table = SensitivityTable(
      unit: "perturbation",
      groups: layers.map { i in
        GroupSensitivity(
          name: "\(i)", layers: ["\(i)"], weights: Int(data.weights[i] * unit),
          candidates: [
            Candidate(
              format: "int4", loss: 0, bytes: Int(data.weights[i] * unit / 2),
              bops: data.macs[i] / 64, latency: data.latency4[i]),
            Candidate(
              format: "int8", loss: data.trace[i] * (data.error8[i] - data.error4[i]),
              bytes: Int(data.weights[i] * unit), bops: data.macs[i] / 16,
              latency: data.latency8[i]),
          ])
      }, ties: data.ties.map { $0.map(String.init) })
    let kind: CostKind =
      switch instance.kind {
      case "size": .bytes
      case "bops": .bops
      default: .latency
      }
    func total(_ j: Int) -> Double {
      table.groups.reduce(0) { $0 + ($1.candidates[j].cost(kind) ?? .nan) }
    }
    let limit = total(0) + (total(1) - total(0)) * instance.share
    let planning = try PlanningProblem(table, budgets: [Budget(kind, limit)])
    let plan = try planning.solved(by: ilp, timeLimit: 10)
    #expect(plan.isOptimal)
    #expect(plan.choices.map { $0 == 0 ? "4" : "8" }.joined() == instance.bits)
    #expect(abs(plan.loss - instance.objective) < 1e-8)
    #expect(plan.spending[0].used <= limit)
  }

  @Test func bytesBoundTheWholeModelAndBitsTheGroups() throws {
    let bytes = try PlanningProblem(table(), budgets: [Budget(.bytes, 12_500.9)])
    #expect(bytes.problem.constraints.map(\.limit) == [12_000])
    let bits = try PlanningProblem(table(), budgets: [Budget(.bpw, 4)])
    #expect(bits.problem.constraints.map(\.limit) == [12_000])
    let both = try PlanningProblem(
      table(), budgets: [Budget(.bpw, 4), Budget(.bytes, 11_500), Budget(.bytes, 1e9)])
    #expect(both.problem.constraints.map(\.limit) == [11_000])
    let plan = try bits.solved(by: ilp, timeLimit: 10)
    #expect(plan.choices == [1, 1, 1] && plan.isOptimal)
    #expect(plan.spending == [.init(kind: .bpw, limit: 4, used: 4)])
    let spent = try PlanningProblem(table(), budgets: [Budget(.bytes, 12_500)])
      .spending(of: [1, 1, 1])
    #expect(spent == [.init(kind: .bytes, limit: 12_500, used: 12_500)])
  }

  @Test func withoutABudgetTheLeastLossIsTaken() throws {
    let plan = try PlanningProblem(table(), budgets: []).solved(by: ilp, timeLimit: 10)
    #expect(plan.choices == [2, 2, 2] && plan.isOptimal && plan.lowerBound == plan.loss)
  }

  @Test func pinsAndTies() throws {
    let pinned = try PlanningProblem(
      table(), budgets: [Budget(.bpw, 4)], pins: [0: "int8-channel"])
    #expect(try pinned.solved(by: ilp, timeLimit: 10).choices == [2, 0, 0])
    let tied = try PlanningProblem(
      table(ties: [["c", "a"]]), budgets: [Budget(.bpw, 6)])
    #expect(tied.groups.members == [[0, 2], [1]])
    #expect(tied.groups.groups[0].weights == 16_000)
    #expect(tied.groups.groups[0].candidates.map(\.bytes) == [4000, 8000, 16_000])
    #expect(tied.groups.groups[0].candidates[0].loss == 9.0 / 16)
    #expect(
      tied.groups.groups[0].candidates[0].standardError.map { abs($0 - 0.02.squareRoot()) < 1e-15 }
        ?? false)
    #expect(try tied.solved(by: ilp, timeLimit: 10).choices == [1, 2, 1])
    // A pin on one member holds for all; chains of ties are one group.
    let chain = try PlanningProblem(
      table(ties: [["a", "b"], ["b", "c"]]), budgets: [], pins: [2: "int4-channel"])
    #expect(try chain.solved(by: ilp, timeLimit: 10).choices == [1, 1, 1])
    #expect(chain.groups.members == [[0, 1, 2]])
  }

  @Test func tiedGroupsTakeCommonFormats() throws {
    var table = table(ties: [["a", "b"]])
    table.groups[1].candidates.remove(at: 2)
    table.groups[1].candidates.reverse()
    let problem = try PlanningProblem(table, budgets: [])
    #expect(problem.groups.groups[0].candidates.map(\.format) == ["int2-channel", "int4-channel"])
    #expect(try problem.solved(by: ilp, timeLimit: 10).choices == [1, 0, 2])
    table.groups[1].candidates = [Candidate(format: "fp16", loss: 0, bytes: 16_000)]
    #expect(throws: UserError.self) { try PlanningProblem(table, budgets: []) }
  }

  @Test func whatIsNotThereIsNamed() {
    func message(_ body: () throws -> Void) -> String {
      (#expect(throws: UserError.self) { try body() })?.description ?? ""
    }
    let pin = message {
      _ = try PlanningProblem(table(), budgets: [], pins: [1: "int3-g64"])
    }
    #expect(pin.contains("'b'") && pin.contains("int2-channel, int4-channel, int8-channel"))
    let tie = message { _ = try PlanningProblem(table(ties: [["a", "z"]]), budgets: []) }
    #expect(tie.contains("'z'"))
    let clash = message {
      _ = try PlanningProblem(
        table(ties: [["a", "b"]]), budgets: [], pins: [0: "int2-channel", 1: "int8-channel"])
    }
    #expect(clash.contains("tied"))
    let latency = message { _ = try PlanningProblem(table(), budgets: [Budget(.latency, 1)]) }
    #expect(latency.contains("latency") && latency.contains("'a'"))
    var unweighted = table()
    unweighted.groups[2].weights = nil
    let bits = message { _ = try PlanningProblem(unweighted, budgets: [Budget(.bpw, 4)]) }
    #expect(bits.contains("weights"))
    var broken = table()
    broken.groups[0].candidates[0].bytes = .max
    #expect(message { _ = try PlanningProblem(broken, budgets: []) }.contains("'a'"))
    broken = table()
    broken.groups[1].name = "a"
    #expect(message { _ = try PlanningProblem(broken, budgets: []) }.contains("two groups"))
  }

  @Test func aLossBudgetTurnsTheProblemRound() throws {
    // Losses at 2, 4, 8 bits: a 1/16, 1/256; b 1/8, 1/128; c 1/2, 1/32.
    let problem = try PlanningProblem(table(), budgets: [Budget(.loss, 0.1)])
    #expect(problem.objective == .bytes)
    let plan = try problem.solved(by: ilp, timeLimit: 10)
    #expect(plan.isOptimal && plan.choices == [1, 1, 1])
    let spent = try #require(plan.spending.first)
    #expect(spent.used == plan.loss && spent.used <= 0.1)
    // Two policies of 10 000 bytes keep 0.17; the one that loses less is taken.
    let loose = try PlanningProblem(table(), budgets: [Budget(.loss, 0.17)])
    #expect(try loose.solved(by: ilp, timeLimit: 10).choices == [0, 1, 1])
  }

  @Test func infeasibleNamesTheSmallestPossible() throws {
    func message(_ budgets: [Budget], latency: Bool = false) throws -> UserError {
      let problem = try PlanningProblem(table(latency: latency), budgets: budgets)
      let error = #expect(throws: UserError.self) { try problem.solved(by: ilp, timeLimit: 10) }
      return try #require(error)
    }
    let bytes = try message([Budget(.bytes, 6000)])
    #expect(bytes.kind == .infeasible)
    #expect(bytes.description.contains("6500 bytes"), "\(bytes)")
    #expect(bytes.description.contains("2.0000 bpw"), "\(bytes)")
    let bits = try message([Budget(.bpw, 1.9)])
    #expect(bits.description.contains("1.9 bpw") && bits.description.contains("2.0000 bpw"))
    let loss = try message([Budget(.loss, 1e-6)])
    #expect(loss.description.contains("nats/token"), "\(loss)")
    let latency = try message([Budget(.latency, 5)], latency: true)
    #expect(latency.description.contains("6.0 ms"), "\(latency)")
    let pair = try message([Budget(.loss, 0.1), Budget(.latency, 8)], latency: true)
    #expect(pair.description.contains("while the other budgets are kept"), "\(pair)")
    #expect(pair.description.contains("12.0 ms"), "\(pair)")
  }
}
