import Optimization
import Testing
import Vocabulary

/// What holds for every search strategy; a new one is held to it by being listed.
@Suite struct SearchConformance {
  static let ids = SearchStrategies.all.map { $0.id }

  /// A separable toy (synthetic): losses fall with the choice, bytes rise, a bound on the bytes.
  ///
  /// `grid` takes small spaces only.
  private func toy(_ most: Int, choices: Int, bound: Double, for id: String) -> SearchProblem {
    let knobs = id == "grid" ? min(most, 6) : most
    var random = SplitMix64(seed: 5)
    let names = (0..<choices).map { "c\($0)" }
    let weights = (0..<knobs).map { _ in 1 + random.uniform() * 9 }
    let bytes = weights.map { weight in (0..<choices).map { (weight * Double($0 + 1)).rounded() } }
    let least = bytes.reduce(0) { $0 + $1[0] }
    let most = bytes.reduce(0) { $0 + $1[choices - 1] }
    let isBisection = id == "bisection"
    return SearchProblem(
      knobs: (0..<knobs).map { .init(name: "k\($0)", choices: names, isOrdered: true) },
      costs: [
        .init(
          kind: .bytes, values: bytes,
          limit: isBisection ? nil : (least + bound * (most - least)).rounded())
      ],
      objectives: isBisection ? [.cost(0)] : [.measured(0)],
      prior: weights.map { weight in (0..<choices).map { 40 / weight / Double(1 << (2 * $0)) } },
      samples: 8)
  }

  private func loss(_ choices: [Int]) -> Double {
    choices.enumerated().reduce(0) { $0 + Double(1 + $1.0 % 5) / Double(1 << (2 * $1.1)) }
  }

  private func evaluate(_ proposals: [Proposal]) -> [Trial] {
    proposals.map { proposal in
      // A sample's loss is the point's loss times a factor of the sample's own.
      let scores = proposal.samples.map { loss(proposal.choices) * (1 + 0.01 * Double($0)) }
      return Trial(
        proposal, values: [scores.reduce(0, +) / Double(scores.count)], perSample: scores)
    }
  }

  private func settings(_ seed: UInt64, _ evaluations: Int) -> SearchSettings {
    SearchSettings(seed: seed, evaluations: evaluations, options: ["ceiling": 4])
  }

  private func run(
    _ id: String, _ problem: SearchProblem, seed: UInt64, evaluations: Int, history: [Trial] = []
  ) throws -> (trials: [Trial], fresh: Int) {
    var strategy = try SearchStrategies.named(id).init(
      problem, settings: settings(seed, evaluations))
    var fresh = 0
    let (trials, _) = try SearchLoop(evaluations: evaluations).run(
      &strategy, history: history,
      evaluate: { proposals in
        fresh += proposals.count
        return evaluate(proposals)
      })
    return (trials, fresh)
  }

  @Test(arguments: ids)
  func theSameSeedMakesTheSameTrials(id: String) throws {
    let problem = toy(8, choices: 4, bound: 0.4, for: id)
    let first = try run(id, problem, seed: 3, evaluations: 60).trials
    #expect(try run(id, problem, seed: 3, evaluations: 60).trials == first)
    #expect(!first.isEmpty)
  }

  @Test(arguments: ids)
  func killedAndResumedEndsLikeUninterrupted(id: String) throws {
    let problem = toy(8, choices: 4, bound: 0.4, for: id)
    let whole = try run(id, problem, seed: 11, evaluations: 60).trials
    for kept in [0, 1, 7, whole.count / 2, whole.count] {
      let resumed = try run(
        id, problem, seed: 11, evaluations: 60, history: Array(whole.prefix(kept)))
      #expect(resumed.trials == whole)
      #expect(resumed.fresh == whole.count - min(kept, whole.count))
    }
  }

  @Test(arguments: ids)
  func everyProposalIsAPointWithinTheBounds(id: String) throws {
    for bound in [0.0, 0.05, 0.4, 1] {
      let problem = toy(8, choices: 4, bound: bound, for: id)
      let trials = try run(id, problem, seed: 1, evaluations: 50).trials
      #expect(trials.count <= 50)
      for trial in trials {
        #expect(trial.choices.count == problem.knobs.count)
        #expect(trial.choices.allSatisfy { (0..<4).contains($0) })
        #expect(problem.isFeasible(trial.choices))
        #expect(trial.proposal.samples.lowerBound >= 0 && !trial.proposal.samples.isEmpty)
        #expect(trial.proposal.samples.upperBound <= problem.samples)
      }
      #expect(Set(trials.map(\.proposal)).count == trials.count)
    }
  }

  @Test(arguments: ids)
  func aTinySpaceComesToAnEnd(id: String) throws {
    for problem in [
      toy(1, choices: 1, bound: 1, for: id), toy(2, choices: 2, bound: 1, for: id),
      toy(2, choices: 2, bound: 0, for: id),
    ] {
      let trials = try run(id, problem, seed: 2, evaluations: 1_000).trials
      #expect(!trials.isEmpty)
      #expect(trials.count < 1_000)
    }
  }

  @Test(arguments: ids)
  func impossibleBoundsAreInfeasible(id: String) throws {
    var problem = toy(8, choices: 4, bound: 0.4, for: id)
    problem.costs[0].limit = 1
    let error = #expect(throws: UserError.self) {
      var strategy = try SearchStrategies.named(id).init(problem, settings: settings(1, 20))
      _ = try SearchLoop(evaluations: 20).run(&strategy, evaluate: evaluate)
    }
    if id != "bisection" { #expect(error?.kind == .infeasible) }
  }

  /// The strategies that learn find better points than chance does, on average over seeds.
  @Test(arguments: ids.filter { !["random", "grid", "bisection", "bandit"].contains($0) })
  func learningBeatsChance(id: String) throws {
    func best(_ id: String, _ seed: UInt64) throws -> Double {
      let problem = toy(10, choices: 4, bound: 0.4, for: id)
      return try run(id, problem, seed: seed, evaluations: 120).trials
        .filter { $0.proposal.samples.count == problem.samples }
        .map { $0.values[0] }.min() ?? .infinity
    }
    let learned = try (1...5).map { try best(id, $0) }
    let chance = try (1...5).map { try best("random", $0) }
    #expect(learned.reduce(0, +) < chance.reduce(0, +))
  }
}

/// The parts that searches are made of, on known answers of the literature's formulas.
@Suite struct SearchParts {
  @Test func crowdingOfTheMiddlePoint() throws {
    let points = [[1.0, 3], [2, 2], [3, 1]]
    let ranks = try dominationRanks(points)
    #expect(ranks == [0, 0, 0])
    let crowding = try crowdingDistances(points)
    #expect(crowding[1] == 2)
    #expect(crowding[0] == .infinity && crowding[2] == .infinity)
    #expect(try dominationRanks(points + [[2.5, 2.5], [3, 3]]) == [0, 0, 0, 1, 2])
  }

  @Test func aTrialInMemoryCostsNothing() throws {
    let problem = SearchProblem(
      knobs: [.init(name: "a", choices: ["x", "y", "z"], isOrdered: false)])
    var grid: any SearchStrategy = try SearchStrategies.named("grid").init(
      problem, settings: SearchSettings(seed: 1, evaluations: 2))
    let (trials, end) = try SearchLoop(evaluations: 2).run(&grid) { proposals in
      proposals.map { Trial($0, values: [1]) }
    }
    #expect(trials.count == 2)
    #expect(end == .finished)
  }
}
