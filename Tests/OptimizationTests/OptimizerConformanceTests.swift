import Dispatch
import Optimization
import Synchronization
import Testing
import Vocabulary

/// What every optimizer of the catalogue must do.
@Suite struct OptimizerConformanceTests {
  private let exact = Optimizers.all.filter { type(of: $0).isExact }
  private let large = Optimizers.all.filter { type(of: $0).largestCombinationCount == .infinity }
  private var wholeModel: [any Optimizer] { large.filter { type(of: $0).isExact } }

  @Test func agreesWithExhaustiveSearch() throws {
    for optimizer in Optimizers.all {
      var infeasible = 0
      for seed in 0..<1000 as Range<UInt64> {
        let problem = randomProblem(seed: seed, constraints: Int(seed % 4))
        let truth = exhaustive(problem)
        let outcome = try optimizer.solve(problem, timeLimit: 60)
        guard let truth else {
          infeasible += 1
          checkInfeasible(outcome, problem, seed)
          continue
        }
        guard let found = outcome.assignment else {
          Issue.record("seed \(seed): \(outcome)")
          continue
        }
        let size = zip(problem.objective, truth.choices).reduce(0) { $0 + abs($1.0[$1.1]) }
        var isProven = false
        if case .optimal = outcome { isProven = true }
        #expect(isProven || !type(of: optimizer).isExact, "seed \(seed): \(outcome)")
        #expect(found.objective >= truth.objective - 1e-9 * size, "seed \(seed)")
        #expect(problem.isFeasible(found.choices), "seed \(seed)")
        #expect(found.objective == problem.objective(of: found.choices), "seed \(seed)")
        if isProven {
          #expect(found.objective - truth.objective <= 1e-9 * size, "seed \(seed)")
        }
        #expect(found.lowerBound <= truth.objective + 1e-9 * size, "seed \(seed)")
      }
      #expect(infeasible > 20)
    }
  }

  private func checkInfeasible(
    _ outcome: Outcome, _ problem: AssignmentProblem, _ seed: UInt64
  ) {
    guard case .infeasible(let kind, let smallest) = outcome else {
      Issue.record("seed \(seed): \(outcome)")
      return
    }
    for (k, constraint) in problem.constraints.enumerated() where constraint.kind == kind {
      #expect(smallest > constraint.limit, "seed \(seed)")
      let alone = AssignmentProblem(
        objective: constraint.cost, constraints: Array(problem.constraints[..<k]))
      let least = exhaustive(alone)?.objective ?? .nan
      let best = [constraint.smallestPossible, least]
      #expect(best.contains { abs($0 - smallest) <= 1e-9 * abs(smallest) }, "seed \(seed)")
    }
  }

  @Test func hullIsNotEnough() throws {
    // A Lagrangian alone takes loss 10 or breaks the budget; the optimum is off the hull.
    let problem = AssignmentProblem(
      objective: [[10, 9, 1]],
      constraints: [.init(kind: .bytes, cost: [[1, 2, 3]], limit: 2)])
    for optimizer in exact {
      #expect(
        try optimizer.solve(problem, timeLimit: 1)
          == .optimal(Assignment(choices: [1], objective: 9, lowerBound: 9)))
    }
  }

  /// Errors `a · 4^(−b)` with a = 1, 1, 1, 16 and 4 bits on average: with real-valued widths
  /// 3.5, 3.5, 3.5, 5.5 and an error of 1/32; uniform 4 bits 0.0742. (Cover and Thomas,
  /// "Elements of Information Theory", 10.3.)
  @Test func reverseWaterFilling() throws {
    let bits = (1...8).map(Double.init)
    let problem = AssignmentProblem(
      objective: [1.0, 1, 1, 16].map { a in bits.map { a / Double(1 << Int(2 * $0)) } },
      constraints: [
        .init(kind: .bpw, cost: Array(repeating: bits, count: 4), limit: 16)
      ])
    let truth = try #require(exhaustive(problem))
    for optimizer in exact {
      let found = try #require(try optimizer.solve(problem, timeLimit: 1).assignment)
      #expect(found.objective == truth.objective)
      #expect(found.objective >= 0.03125 && found.objective < 0.07421875)
      // Half steps in between reach the continuous optimum.
      var fine = problem
      let halves = (2...16).map { Double($0) / 2 }
      fine.objective = [1.0, 1, 1, 16].map { a in
        halves.map { a / Double(1 << Int(2 * $0)) }
      }
      fine.constraints[0].cost = Array(repeating: halves, count: 4)
      let exact = try #require(try optimizer.solve(fine, timeLimit: 1).assignment)
      #expect(exact.choices.map { halves[$0] } == [3.5, 3.5, 3.5, 5.5])
      #expect(exact.objective == 0.03125)
    }
  }

  @Test func moreBudgetNeverHurts() throws {
    for optimizer in wholeModel {
      var problem = realisticProblem(seed: 77, groups: 12, bitsPerWeight: 4)
      let smallest = problem.constraints[0].smallestPossible
      let largest = problem.constraints[0].cost.reduce(0) { $0 + ($1.max() ?? 0) }
      var last = Double.infinity
      var steps = 0
      for step in 0...60 {
        problem.constraints[0].limit = smallest + (largest - smallest) * Double(step) / 60
        let found = try #require(try optimizer.solve(problem, timeLimit: 10).assignment)
        #expect(found.objective <= last)
        steps += found.objective < last ? 1 : 0
        last = found.objective
      }
      #expect(steps > 40)
      #expect(last == problem.objective.reduce(0) { $0 + ($1.min() ?? 0) })
    }
  }

  @Test func orderAndScaleDoNotMatter() throws {
    for optimizer in wholeModel {
      for seed in 100..<110 as Range<UInt64> {
        let problem = realisticProblem(seed: seed, groups: 40, bitsPerWeight: 4)
        let found = try #require(try optimizer.solve(problem, timeLimit: 60).assignment)
        var turned = problem
        turned.objective.reverse()
        turned.constraints[0].cost.reverse()
        let mirrored = try #require(try optimizer.solve(turned, timeLimit: 60).assignment)
        #expect(abs(mirrored.objective - found.objective) <= 1e-9 * found.objective)
        var doubled = problem
        for g in doubled.objective.indices {
          doubled.objective[g] = doubled.objective[g].map { $0 * 2 }
        }
        let twice = try #require(try optimizer.solve(doubled, timeLimit: 60).assignment)
        #expect(twice.choices == found.choices)
        #expect(twice.objective == 2 * found.objective)
      }
    }
  }

  /// Where there is one best choice, the order of the groups decides nothing.
  @Test func permutingTheGroupsPermutesTheAnswer() throws {
    var unique = 0
    for seed in 0..<200 as Range<UInt64> {
      let problem = randomProblem(seed: seed, constraints: 1 + Int(seed % 2))
      guard let truth = exhaustive(problem) else { continue }
      let size = zip(problem.objective, truth.choices).reduce(0) { $0 + abs($1.0[$1.1]) }
      var other = problem
      // Nothing else comes near the best: forbid it one group at a time.
      let isUnique = problem.objective.indices.allSatisfy { g in
        guard problem.objective[g].count > 1 else { return true }
        other = problem
        let dearest = problem.objective.reduce(0) { $0 + $1.map(abs).reduce(0, +) } + 1
        other.objective[g][truth.choices[g]] += dearest
        guard let second = exhaustive(other) else { return true }
        return second.objective - truth.objective > 1e-6 * size
      }
      guard isUnique, problem.objective.count > 1 else { continue }
      unique += 1
      var order = Array(problem.objective.indices)
      var random = SplitMix64(seed: seed)
      order.shuffle(using: &random)
      let permuted = AssignmentProblem(
        objective: order.map { problem.objective[$0] },
        constraints: problem.constraints.map { constraint in
          .init(
            kind: constraint.kind, cost: order.map { constraint.cost[$0] }, limit: constraint.limit)
        })
      for optimizer in exact {
        let found = try #require(try optimizer.solve(permuted, timeLimit: 20).assignment)
        #expect(found.choices == order.map { truth.choices[$0] }, "seed \(seed)")
      }
    }
    #expect(unique > 40)
  }

  @Test func provesTheOptimumOfAWholeModel() throws {
    for bitsPerWeight in [2.6, 3.5, 4.5, 5.5] {
      let problem = realisticProblem(seed: 1, groups: 211, bitsPerWeight: bitsPerWeight)
      let objectives = try wholeModel.map { optimizer in
        guard case .optimal(let found) = try optimizer.solve(problem, timeLimit: 60) else {
          Issue.record("no proof at \(bitsPerWeight) bits")
          return Double.nan
        }
        #expect(problem.isFeasible(found.choices))
        return found.objective
      }
      // Methods with nothing in common after the first bound.
      #expect(objectives.allSatisfy { abs($0 - objectives[0]) <= 1e-9 * objectives[0] })
    }
  }

  @Test func withoutTimeThereIsAPolicyAndABound() throws {
    for optimizer in wholeModel {
      var open = 0
      for seed in 0..<20 as Range<UInt64> {
        let problem = realisticProblem(seed: seed, groups: 50, bitsPerWeight: 3.3)
        guard case .optimal(let best) = try optimizer.solve(problem, timeLimit: 60) else {
          Issue.record("seed \(seed) was not solved")
          continue
        }
        let hasty = try optimizer.solve(problem, timeLimit: 1e-12)
        let found = try #require(hasty.assignment)
        #expect(problem.isFeasible(found.choices))
        #expect(found.lowerBound <= best.objective * (1 + 1e-12))
        #expect(found.objective >= best.objective * (1 - 1e-9))
        if case .feasible = hasty {
          open += 1
          #expect(found.gap > 0 && found.gap < 0.1)
        }
      }
      #expect(open > 0)
    }
  }

  @Test func concurrentSolvesAgree() throws {
    let problem = realisticProblem(seed: 5, groups: 60, bitsPerWeight: 3.7)
    for optimizer in large {
      let expected = try optimizer.solve(problem, timeLimit: 60)
      let outcomes = Mutex<[Outcome?]>([])
      DispatchQueue.concurrentPerform(iterations: 32) { _ in
        let outcome = try? optimizer.solve(problem, timeLimit: 60)
        outcomes.withLock { $0.append(outcome) }
      }
      #expect(outcomes.withLock { $0 } == Array(repeating: expected, count: 32))
    }
  }

  @Test func emptyAndUnboundedProblems() throws {
    for optimizer in Optimizers.all {
      let nothing = AssignmentProblem(objective: [], constraints: [])
      #expect(
        try optimizer.solve(nothing, timeLimit: 1)
          == .optimal(Assignment(choices: [], objective: 0, lowerBound: 0)))
      let free = AssignmentProblem(
        objective: [[3, 1, 2], [-1, 5]],
        constraints: [.init(kind: .bytes, cost: [[1, 2, 3], [4, 5]], limit: .infinity)])
      #expect(
        try optimizer.solve(free, timeLimit: 1)
          == .optimal(Assignment(choices: [1, 0], objective: 0, lowerBound: 0)))
      let broke = AssignmentProblem(
        objective: [], constraints: [.init(kind: .bytes, cost: [], limit: -1)])
      #expect(
        try optimizer.solve(broke, timeLimit: 1) == .infeasible(kind: .bytes, smallestPossible: 0))
    }
  }

  @Test func malformedProblemsAreErrors() {
    let bytes = AssignmentProblem.Constraint(kind: .bytes, cost: [[1, 2]], limit: 3)
    func with(_ cost: [[Double]], _ limit: Double) -> AssignmentProblem {
      AssignmentProblem(
        objective: [[1, 2]], constraints: [.init(kind: .bytes, cost: cost, limit: limit)])
    }
    let broken = [
      AssignmentProblem(objective: [[]], constraints: []),
      AssignmentProblem(objective: [[1, .nan]], constraints: [bytes]),
      AssignmentProblem(objective: [[1, .infinity]], constraints: [bytes]),
      AssignmentProblem(objective: [[1], [2]], constraints: [bytes]),
      with([[1]], 1), with([], 1), with([[1, .nan]], 1), with([[1, 2]], .nan),
      with([[1, 2]], -.infinity),
    ]
    for optimizer in Optimizers.all {
      for (index, problem) in broken.enumerated() {
        #expect(throws: UserError.self, "problem \(index)") {
          try optimizer.solve(problem, timeLimit: 1)
        }
      }
      #expect(throws: UserError.self) {
        try optimizer.solve(with([[1, 2]], 3), timeLimit: 0)
      }
    }
  }

  @Test func catalogue() throws {
    let names = Optimizers.all.map { type(of: $0).id }
    #expect(Set(names).count == names.count)
    #expect(names.first == "ilp")
    for name in names { #expect(type(of: try Optimizers.named(name)).id == name) }
    let error = #expect(throws: UserError.self) { try Optimizers.named("ipl") }
    #expect(error?.description.contains("'ilp'") ?? false)
  }
}
