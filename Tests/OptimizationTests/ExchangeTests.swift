import Optimization
import Testing
import Vocabulary

@Suite struct ExchangeTests {
  /// Known answer: 128 children on a separable convex table reach the optimum of the dynamic
  /// programme from the uniform point, for 20 seeds of 20, and the bytes never change.
  @Test func convexTableReachesTheOptimum() throws {
    for seed in 0..<20 as Range<UInt64> {
      let problem = SwapToy.convex(seed: seed)
      let table = try #require(problem.prior)
      let trials = try SwapToy.run(
        "exchange", problem,
        .init(seed: seed, evaluations: 128 * 8, options: ["offspring": 128])
      ) { SwapToy.sum(table, $0.choices) }.trials
      let best = try #require(trials.map { $0.values[0] }.min())
      let optimum = SwapToy.optimum(problem, table)
      #expect(best <= optimum * (1 + 1e-12), "seed \(seed)")
      #expect(trials.allSatisfy { problem.costs[0].total(of: $0.choices) == 40 })
    }
  }

  /// Uneven sizes and two bounds: the checks of `SwapToy.run`, and the answer is no worse than the
  /// start.
  @Test func boundsAreKept() throws {
    for seed in 0..<60 as Range<UInt64> {
      let problem = SwapToy.uneven(seed: seed, samples: seed % 3 == 0 ? 1 : 64)
      let trials = try SwapToy.run(
        "exchange", problem, .init(seed: seed, evaluations: 120), value: SwapToy.rough
      ).trials
      let whole = trials.filter { $0.proposal.samples == 0..<problem.samples }
      #expect(whole.first == trials.first)
      #expect(whole.last == trials.last)
    }
  }

  /// The stages of a generation: children on few samples, a quarter on more, two on most.
  @Test func stagesShareTheirSamples() throws {
    let problem = SwapToy.convex(seed: 5, samples: 64)
    let table = try #require(problem.prior)
    var strategy: any SearchStrategy = try ExchangeSearch(
      problem, settings: .init(seed: 3, evaluations: 200))
    var batches: [[Proposal]] = []
    while true {
      let batch = try strategy.ask()
      if batch.isEmpty { break }
      batches.append(batch)
      try strategy.tell(batch.map { Trial($0, values: [SwapToy.sum(table, $0.choices)]) })
    }
    for batch in batches {
      #expect(Set(batch.map { $0.samples }).count == 1)
      #expect(Set(batch).count == batch.count)
    }
    #expect(batches.prefix(4).map { $0.count } == [1, 16, 4, 2])
    #expect(batches.prefix(4).map { $0[0].samples.count } == [64, 4, 16, 32])
    #expect(batches.last?.map { $0.samples } == [0..<64])
    // The parent of the first generation is the start; the samples move on.
    #expect(batches[3][1].choices == batches[0][0].choices)
    #expect(batches[1][0].samples != batches[4][0].samples)
    // Without noise an elitist search ends no worse than it began.
    let last = try #require(batches.last).map { SwapToy.sum(table, $0.choices) }
    #expect(last[0] < SwapToy.sum(table, batches[0][0].choices))
  }

  /// A strong interaction of two groups is invisible to the additive optimum, not to the search.
  @Test func interactionBeatsTheAdditiveOptimum() throws {
    for seed in 0..<10 as Range<UInt64> {
      var problem = SwapToy.convex(seed: seed)
      let table = try #require(problem.prior)
      let additive = try SwapToy.run(
        "exchange", problem, .init(seed: 1, evaluations: 1000)
      ) { SwapToy.sum(table, $0.choices) }.trials.min { $0.values[0] < $1.values[0] }
      let start = try #require(additive).choices
      problem.seeds = [start]
      func value(_ choices: [Int]) -> Double {
        let both = choices[0] == start[0] && choices[1] == start[1]
        return SwapToy.sum(table, choices) + (both ? 5 : 0)
      }
      let trials = try SwapToy.run(
        "exchange", problem, .init(seed: seed, evaluations: 300)
      ) { value($0.choices) }.trials
      #expect(trials[0].choices == start)
      let best = try #require(trials.map { $0.values[0] }.min())
      #expect(best < value(start) - 1)
    }
  }

  /// A space of nine points is searched to its end, with and without bounds.
  @Test func tinySpaceEnds() throws {
    for limit in [nil, 3.0] {
      for samples in [1, 2, 40] {
        let problem = SearchProblem(
          knobs: SwapToy.knobs(2, choices: 3),
          costs: [.init(kind: .bytes, values: [[0, 1, 2], [0, 1, 2]], limit: limit)],
          samples: samples)
        let result = try SwapToy.run("exchange", problem, .init(seed: 1, evaluations: 5000)) {
          Double($0.choices[0]) - 2 * Double($0.choices[1])
        }
        #expect(result.end == .finished)
        #expect(result.trials.last?.choices == [0, 2] || samples == 1)
        #expect(result.trials.contains { $0.choices == [0, 2] })
      }
    }
  }

  /// The groups of a language model: from a uniform point the loss falls within 300 evaluations.
  @Test func manyGroups() throws {
    var problem = SwapToy.large
    let table = try #require(problem.prior)
    problem.samples = 32
    let start = Array(repeating: 9, count: table.count)
    problem.costs[0].limit = problem.costs[0].total(of: start)
    problem.seeds = [start]
    let value = { (proposal: Proposal) in SwapToy.sum(table, proposal.choices) }
    let trials = try SwapToy.run(
      "exchange", problem, .init(seed: 0, evaluations: 300), value: value
    ).trials
    let last = try #require(trials.last).values[0]
    #expect(last < trials[0].values[0])
    // Without a seed it starts from the greedy point, which is better than the uniform one.
    problem.seeds = []
    let greedy = try SwapToy.run("exchange", problem, .init(seed: 0, evaluations: 1), value: value)
    #expect(greedy.trials.count == 1)
    #expect(greedy.trials[0].values[0] < trials[0].values[0])
  }

  @Test func resumedEqualsUninterrupted() throws {
    for seed in 0..<10 as Range<UInt64> {
      try SwapToy.checkResuming(
        "exchange", SwapToy.uneven(seed: seed, samples: 32),
        .init(seed: seed, evaluations: 90), value: SwapToy.rough)
    }
  }

  @Test func missingPiecesAreNamed() {
    var problem = SwapToy.convex(seed: 0)
    problem.objectives = [.cost(0)]
    #expect(throws: UserError.self) { try start(problem) }
    problem = SwapToy.convex(seed: 0)
    problem.costs[0].limit = 19
    problem.seeds = []
    let thrown = #expect(throws: UserError.self) { try start(problem) }
    #expect(thrown?.kind == .infeasible)
    problem = SwapToy.convex(seed: 0)
    problem.seeds = [[5]]
    #expect(throws: UserError.self) { try start(problem) }
  }

  private func start(_ problem: SearchProblem) throws -> ExchangeSearch {
    try ExchangeSearch(problem, settings: .init(seed: 0, evaluations: 10))
  }
}
