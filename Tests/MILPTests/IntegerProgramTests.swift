import Dispatch
import Foundation
import MILP
import Synchronization
import Testing
import Vocabulary

@Suite struct IntegerProgramTests {
  /// A linear program with a known answer.
  ///
  /// max 5a + 4b + 3c with 2a + 3b + c ≤ 5, 4a + b + 2c ≤ 11, 3a + 4b + 2c ≤ 8, all at least 0:
  /// 13 at (2, 0, 1). Chvátal, "Linear Programming", chapter 2.
  @Test func linearProgram() throws {
    var program = IntegerProgram()
    for cost in [-5.0, -4, -3] {
      program.addColumn(.continuous(lower: 0, upper: .infinity), cost: cost)
    }
    for (row, upper) in [([2.0, 3, 1], 5.0), ([4, 1, 2], 11), ([3, 4, 2], 8)] {
      program.addRow(.init(row.enumerated().map { .init($0, $1) }, upper: upper))
    }
    let result = try program.solved()
    #expect(result.status == .optimal)
    #expect(abs(result.objective + 13) < 1e-9)
    #expect(zip(result.values, [2.0, 0, 1]).allSatisfy { abs($0 - $1) < 1e-9 })
  }

  @Test func knapsacksAgainstEnumeration() throws {
    var random = SplitMix64(seed: 7)
    for _ in 0..<100 {
      let count = 3 + Int(random.next() % 7)
      let costs = (0..<count).map { _ in -random.uniform() }
      let weights = (0..<count).map { _ in Double(random.next() % 50) }
      let limit = Double(random.next() % 150)
      var best = 0.0
      for mask in 0..<1 << count {
        var cost = 0.0
        var weight = 0.0
        for item in 0..<count where mask >> item & 1 == 1 {
          cost += costs[item]
          weight += weights[item]
        }
        if weight <= limit { best = min(best, cost) }
      }
      let result = try Self.knapsack(costs, weights, limit).solved()
      #expect(result.status == .optimal)
      #expect(abs(result.objective - best) < 1e-9)
      #expect(result.values.allSatisfy { $0 == 0 || $0 == 1 })
    }
  }

  @Test func infeasibleAndUnboundedAndEmpty() throws {
    var impossible = IntegerProgram()
    let column = impossible.addColumn(.binary, cost: 1)
    impossible.addRow(.init([.init(column, 1)], lower: 2))
    #expect(try impossible.solved().status == .infeasible)
    // Feasible for fractions only.
    var fractional = IntegerProgram()
    fractional.addColumn(.binary, cost: 1)
    fractional.addRow(.init([.init(0, 2)], lower: 1, upper: 1))
    #expect(try fractional.solved().status == .infeasible)
    var endless = IntegerProgram()
    endless.addColumn(.continuous(lower: 0, upper: .infinity), cost: -1)
    #expect(throws: MILPError.unbounded) { try endless.solved() }
    let nothing = try IntegerProgram().solved()
    #expect(nothing.status == .optimal && nothing.objective == 0 && nothing.values.isEmpty)
  }

  @Test func garbageIsAnError() throws {
    func make(_ change: (inout IntegerProgram) -> Void) -> IntegerProgram {
      var program = IntegerProgram()
      program.addColumn(.binary, cost: 1)
      program.addColumn(.continuous(lower: 0, upper: 1), cost: 1)
      change(&program)
      return program
    }
    let broken = [
      make { $0.addColumn(.binary, cost: .nan) },
      make { $0.addColumn(.binary, cost: .infinity) },
      make { $0.addColumn(.continuous(lower: 1, upper: 0), cost: 0) },
      make { $0.addColumn(.continuous(lower: .nan, upper: 0), cost: 0) },
      make { $0.addColumn(.continuous(lower: .infinity, upper: .infinity), cost: 0) },
      make { $0.addRow(.init([.init(2, 1)], upper: 1)) },
      make { $0.addRow(.init([.init(-1, 1)], upper: 1)) },
      make { $0.addRow(.init([.init(0, 1), .init(0, 2)], upper: 1)) },
      make { $0.addRow(.init([.init(0, .nan)], upper: 1)) },
      make { $0.addRow(.init([.init(0, .infinity)], upper: 1)) },
      make { $0.addRow(.init([.init(0, 1)], lower: 2, upper: 1)) },
      make { $0.addRow(.init([.init(0, 1)], lower: .nan)) },
    ]
    for (index, program) in broken.enumerated() {
      let error = #expect(throws: MILPError.self, "program \(index)") { try program.solved() }
      if case .invalid = error {} else { Issue.record("\(String(describing: error))") }
    }
    let fine = make { _ in }
    #expect(throws: MILPError.self) { try fine.solved(timeLimit: 0) }
    #expect(throws: MILPError.self) { try fine.solved(timeLimit: .nan) }
    #expect(throws: MILPError.self) { try fine.solved(relativeGap: -1) }
    #expect(throws: MILPError.self) { try fine.solved(start: [0]) }
    #expect(throws: MILPError.self) { try fine.solved(start: [0.5, 0]) }
  }

  /// GLPK calls `abort()` on these; the C target turns that into an error and starts afresh.
  @Test func fatalErrorsOfTheSolverComeBack() throws {
    var twice = IntegerProgram()
    twice.addColumn(.binary, cost: 1)
    twice.addRow(.init([.init(0, 1), .init(0, 2)], upper: 1))
    var outside = IntegerProgram()
    outside.addColumn(.binary, cost: 1)
    outside.addRow(.init([.init(5, 1)], upper: 1))
    for _ in 0..<3 {
      for (program, word) in [(twice, "duplicate"), (outside, "out of range")] {
        let error = #expect(throws: MILPError.self) { try program.solvedUnchecked() }
        #expect(error.map { "\($0)".contains(word) } ?? false, "\(String(describing: error))")
      }
      #expect(try Self.hard(seed: 1, count: 10).solved().status == .optimal)
    }
  }

  @Test func nothingIsPrinted() throws {
    let path = NSTemporaryDirectory() + "milp-output-\(ProcessInfo.processInfo.processIdentifier)"
    let file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
    let console = dup(1)
    dup2(file, 1)
    // Whatever else the test process prints meanwhile goes to the console in the end.
    defer {
      fflush(nil)
      dup2(console, 1)
      let text = FileManager.default.contents(atPath: path) ?? Data()
      FileHandle.standardOutput.write(text)
      close(file)
      close(console)
      unlink(path)
    }
    _ = try Self.hard(seed: 2, count: 15).solved()
    var broken = IntegerProgram()
    broken.addColumn(.binary, cost: 1)
    broken.addRow(.init([.init(0, 1), .init(0, 2)], upper: 1))
    _ = try? broken.solvedUnchecked()
    fflush(nil)
    let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    for word in ["Optimizer", "OPTIMAL", "glp_", "Error detected"] {
      #expect(!text.contains(word))
    }
  }

  @Test func concurrentSolvesAgree() throws {
    let program = Self.hard(seed: 3, count: 30)
    let expected = try program.solved()
    let results = Mutex<[MILPResult?]>([])
    DispatchQueue.concurrentPerform(iterations: 32) { _ in
      let result = try? program.solved()
      results.withLock { $0.append(result) }
    }
    #expect(results.withLock { $0 } == Array(repeating: expected, count: 32))
  }

  /// A correlated knapsack that GLPK does not finish in a moment.
  @Test func timeRunsOut() throws {
    let program = Self.hard(seed: 5, count: 200)
    let result = try program.solved(
      timeLimit: 0.05, start: [Double](repeating: 0, count: 200))
    #expect(result.status == .feasible)
    #expect(result.bound < result.objective)
    #expect(result.objective <= 0)
  }

  @Test func aStartIsNeverMadeWorse() throws {
    let program = Self.hard(seed: 9, count: 20)
    let best = try program.solved()
    let again = try program.solved(start: best.values)
    #expect(again.status == .optimal)
    #expect(abs(again.objective - best.objective) <= 1e-9 * abs(best.objective))
  }

  private static func knapsack(
    _ costs: [Double], _ weights: [Double], _ limit: Double
  ) -> IntegerProgram {
    var program = IntegerProgram()
    for cost in costs { program.addColumn(.binary, cost: cost) }
    program.addRow(.init(weights.enumerated().map { .init($0, $1) }, upper: limit))
    return program
  }

  /// Costs close to proportional to weights: the linear bound says little.
  private static func hard(seed: UInt64, count: Int) -> IntegerProgram {
    var random = SplitMix64(seed: seed)
    let weights = (0..<count).map { _ in Double(1000 + random.next() % 100_000) }
    let costs = weights.map { -($0 + 5000 + random.uniform()) }
    return knapsack(costs, weights, (weights.reduce(0, +) / 3).rounded())
  }
}
