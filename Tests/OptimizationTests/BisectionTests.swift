import Optimization
import Testing
import Vocabulary

@Suite struct BisectionTests {
  /// Known answer: on a monotone oracle the threshold is found in at most ⌈log2(L+1)⌉ tests, whatever
  /// the guesses.
  @Test func thresholdWithinTheBound() {
    var random = SplitMix64(seed: 1)
    for length in 0...70 {
      let bound = (0..<64).first { 1 << $0 >= length + 1 } ?? 0
      for threshold in 0...length {
        for kind in 0..<4 {
          var search = GuidedBisection(0...length)
          var tests = 0
          while !search.isOver {
            let guesses: [Int?] = [nil, -100, 1000, Int(random.next() % 80)]
            let probe = search.probe(guess: guesses[kind])
            search.enter(probe, passed: probe <= threshold)
            tests += 1
            guard tests <= 64 else { break }
          }
          #expect(search.low == threshold)
          #expect(tests <= bound)
        }
      }
    }
    // Good guesses save tests: three of at most five.
    var search = GuidedBisection(0...20)
    var probes: [Int] = []
    while !search.isOver {
      let probe = search.probe(guess: probes.isEmpty ? 9 : 10)
      probes.append(probe)
      search.enter(probe, passed: probe <= 9)
    }
    #expect(search.low == 9)
    #expect(probes == [9, 13, 10])
  }

  /// Two levels, equal groups: the prefix that the ceiling allows, with the least evaluations.
  @Test func prefixOfEqualGroups() throws {
    for threshold in 0...20 {
      let problem = two(losses: Array(repeating: 1, count: 20), prior: nil)
      let settings = SearchSettings(
        seed: 0, evaluations: 6, options: ["ceiling": Double(threshold) + 0.5])
      let trials = try SwapToy.run("bisection", problem, settings) { loss(problem, $0) }.trials
      let best = try #require(
        cheapest(problem, trials, ceiling: Double(threshold) + 0.5))
      #expect(best == Double(40 - threshold))
    }
  }

  /// Whatever the oracle, the answer keeps the ceiling, when the start does.
  @Test func roughOraclesGiveAFeasiblePoint() throws {
    for seed in 0..<60 as Range<UInt64> {
      var problem = SwapToy.uneven(seed: seed)
      problem.objectives = [.cost(0)]
      if seed % 2 == 0 { problem.costs[1].limit = nil }
      var first: [Int]?
      let value = { (proposal: Proposal) -> Double in
        if first == nil { first = proposal.choices }
        return first == proposal.choices ? 0 : SwapToy.rough(proposal)
      }
      let trials = try SwapToy.run(
        "bisection", problem,
        .init(seed: seed, evaluations: 1 + Int(seed), options: ["ceiling": 0.5]), value: value
      ).trials
      #expect(cheapest(problem, trials, ceiling: 0.5) != nil)
    }
  }

  /// A wrong order is repaired: in the end no single step down keeps the ceiling, and on these small
  /// additive tables the answer is near the exhaustive one.
  @Test func repairsEndInALocalOptimum() throws {
    var gaps: [Double] = []
    for seed in 0..<30 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      let sizes = (0..<6).map { _ in 1 + Double(random.next() % 5) }
      let table = sizes.map { size in
        let sensitivity = size * (0.2 + random.uniform())
        return [0, sensitivity * 0.2, sensitivity]
      }
      let problem = SearchProblem(
        knobs: SwapToy.knobs(6, choices: 3),
        costs: [.init(kind: .bytes, values: sizes.map { [$0 * 8, $0 * 4, $0 * 2] })],
        objectives: [.cost(0)],
        prior: table.map { row in row.map { $0 * (0.3 + random.uniform()) } })
      let ceiling = SwapToy.sum(table, Array(repeating: 2, count: 6)) * 0.4
      let result = try SwapToy.run(
        "bisection", problem, .init(seed: 0, evaluations: 400, options: ["ceiling": ceiling])
      ) { SwapToy.sum(table, $0.choices) }
      #expect(result.end == .finished)
      let kept = result.trials.filter { $0.values[0] <= ceiling }
      let best = try #require(
        kept.min {
          problem.costs[0].total(of: $0.choices) < problem.costs[0].total(of: $1.choices)
        })
      for k in 0..<6 where best.choices[k] < 2 {
        var lower = best.choices
        lower[k] += 1
        #expect(SwapToy.sum(table, lower) > ceiling)
      }
      let exact = try #require(
        SwapToy.points(problem).filter { SwapToy.sum(table, $0) <= ceiling }
          .map { problem.costs[0].total(of: $0) }.min())
      gaps.append(problem.costs[0].total(of: best.choices) / exact - 1)
    }
    #expect(gaps.allSatisfy { $0 >= 0 && $0 < 0.15 })
    #expect(gaps.reduce(0, +) / 30 < 0.03)
  }

  /// With `seedOrder` the knobs that the seed lowers come first, against the prior.
  @Test func seedGivesTheOrder() throws {
    var problem = two(losses: [9, 9, 9, 1, 1, 1], prior: [0.1, 0.1, 0.1, 1, 1, 1])
    problem.seeds = [[0, 0, 0, 1, 1, 1]]
    let trials = try SwapToy.run(
      "bisection", problem,
      .init(seed: 0, evaluations: 4, options: ["ceiling": 3, "seedOrder": 1])
    ) { loss(problem, $0, losses: [9, 9, 9, 1, 1, 1]) }.trials
    #expect(cheapest(problem, trials, ceiling: 3) == 9)
  }

  /// A start above the ceiling ends the search; so does a space of one point.
  @Test func nothingToFind() throws {
    let problem = two(losses: [1, 1], prior: nil)
    let settings = SearchSettings(seed: 0, evaluations: 50, options: ["ceiling": -1])
    let result = try SwapToy.run("bisection", problem, settings) { loss(problem, $0) }
    #expect(result.trials.count == 1)
    var one = problem
    one.knobs = SwapToy.knobs(1, choices: 1)
    one.costs[0].values = [[3]]
    let single = try SwapToy.run(
      "bisection", one, .init(seed: 0, evaluations: 50, options: ["ceiling": 1])
    ) { _ in 0 }
    #expect(single.trials.count == 1)
    #expect(single.end == .finished)
  }

  /// The groups of a language model: no larger than the uniform point that defines the ceiling.
  @Test func manyGroups() throws {
    var problem = SwapToy.large
    problem.objectives = [.cost(0)]
    problem.costs[0].limit = nil
    let table = try #require(problem.prior)
    let uniform = Array(repeating: 9, count: table.count)
    let ceiling = SwapToy.sum(table, uniform)
    let trials = try SwapToy.run(
      "bisection", problem, .init(seed: 0, evaluations: 250, options: ["ceiling": ceiling])
    ) { SwapToy.sum(table, $0.choices) }.trials
    let best = try #require(cheapest(problem, trials, ceiling: ceiling))
    #expect(best <= problem.costs[0].total(of: uniform))
  }

  @Test func resumedEqualsUninterrupted() throws {
    for seed in 0..<10 as Range<UInt64> {
      var problem = SwapToy.uneven(seed: seed)
      problem.objectives = [.cost(0)]
      try SwapToy.checkResuming(
        "bisection", problem, .init(seed: seed, evaluations: 60, options: ["ceiling": 2]),
        value: SwapToy.rough)
    }
  }

  @Test func missingPiecesAreNamed() {
    var problem = two(losses: [1, 1], prior: nil)
    #expect(throws: UserError.self) {
      try BisectionSearch(problem, settings: .init(seed: 0, evaluations: 10))
    }
    problem.objectives = [.measured(0)]
    #expect(throws: UserError.self) {
      try BisectionSearch(
        problem, settings: .init(seed: 0, evaluations: 10, options: ["ceiling": 1]))
    }
  }

  /// Groups of 2 bytes that can go to 1.
  private func two(losses: [Double], prior: [Double]?) -> SearchProblem {
    SearchProblem(
      knobs: SwapToy.knobs(losses.count, choices: 2),
      costs: [.init(kind: .bytes, values: losses.map { _ in [2, 1] })], objectives: [.cost(0)],
      prior: prior.map { $0.map { [0, $0] } })
  }

  private func loss(_ problem: SearchProblem, _ proposal: Proposal, losses: [Double]? = nil)
    -> Double
  {
    proposal.choices.enumerated().reduce(0) { sum, entry in
      sum + (entry.element == 1 ? losses?[entry.offset] ?? 1 : 0)
    }
  }

  private func cheapest(_ problem: SearchProblem, _ trials: [Trial], ceiling: Double) -> Double? {
    trials.filter { $0.values[0] <= ceiling }.map { problem.costs[0].total(of: $0.choices) }.min()
  }
}
