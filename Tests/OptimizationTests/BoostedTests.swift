import Foundation
import Optimization
import Testing
import Vocabulary

/// Quantune's space of 96 points with made-up losses: main effects and one interaction.
private struct Pipeline {
  static let knobs = [
    SearchProblem.Knob(name: "samples", choices: ["1", "100", "1000"], isOrdered: true),
    SearchProblem.Knob(
      name: "scheme", choices: ["affine", "symmetric", "unsigned", "power"], isOrdered: false),
    SearchProblem.Knob(name: "clipping", choices: ["max", "kl"], isOrdered: false),
    SearchProblem.Knob(name: "granularity", choices: ["tensor", "channel"], isOrdered: false),
    SearchProblem.Knob(name: "ends", choices: ["float", "int"], isOrdered: false),
  ]
  let effects: [[Double]]

  /// `drift` is how far each effect is from that of the model at hand: another model's.
  init(drift: Double = 0, seed: UInt64 = 0) {
    var generator = SplitMix64(seed: seed)
    let mine: [[Double]] = [
      [1.1, 0.35, 0.2], [0.3, 0.8, 0.6, 1.4], [0.55, 0], [0.9, 0], [0, 0.45],
    ]
    effects = mine.map { $0.map { $0 + drift * (generator.uniform() - 0.5) } }
  }

  /// KL clipping helps, but not with symmetric grids per channel.
  func loss(_ x: [Int]) -> Double {
    let main = zip(effects, x).reduce(0) { $0 + $1.0[$1.1] }
    return main + (x[1] == 0 && x[2] == 1 ? 0.9 : 0)
  }

  static var points: [[Int]] {
    var points: [[Int]] = [[]]
    for knob in knobs { points = points.flatMap { p in knob.choices.indices.map { p + [$0] } } }
    return points
  }

  func trials(_ points: [[Int]]) -> [Trial] {
    points.map { Trial(Proposal($0, samples: 0..<1), values: [loss($0)]) }
  }
}

@Suite struct BoostedTests {
  private static let toy = Pipeline()

  /// Every trial of a search to its end or to the best point, in its order.
  private static func run(
    _ problem: SearchProblem, seed: UInt64, options: [String: Double] = [:], evaluations: Int = 96,
    history: [Trial] = [], stopAt best: Double = -.infinity,
    loss: ([Int]) -> Double = { toy.loss($0) }, evaluated: ([Proposal]) -> Void = { _ in }
  ) throws -> (trials: [Trial], end: SearchLoop.End) {
    var strategy: any SearchStrategy = try BoostedSearch(
      problem, settings: SearchSettings(seed: seed, evaluations: evaluations, options: options))
    var found = false
    return try SearchLoop(evaluations: evaluations, shouldStop: { found }).run(
      &strategy, history: history,
      evaluate: { batch in
        evaluated(batch)
        return batch.map { Trial($0, values: [loss($0.choices)]) }
      },
      observe: { _, trials in found = found || trials.contains { $0.values[0] <= best } })
  }

  /// The mean number of trials up to the best point.
  private static func trialsToBest(
    _ problem: SearchProblem, seeds: Int = 30, options: [String: Double] = [:]
  ) throws -> Double {
    let best = try #require(Pipeline.points.map(toy.loss).min())
    let counts = try (0..<seeds).map { seed in
      let trials = try run(problem, seed: UInt64(seed), options: options, stopAt: best).trials
      return try #require(trials.firstIndex { $0.values[0] == best }) + 1
    }
    return Double(counts.reduce(0, +)) / Double(seeds)
  }

  @Test func learnsFasterThanChanceAndFasterStillFromAnotherModel() throws {
    let best = Pipeline.points.map(Self.toy.loss).min()
    let chance = try (0..<30).map { seed -> Int in
      var generator = SplitMix64(seed: UInt64(seed))
      let order = Pipeline.points.shuffled(using: &generator)
      return try #require(order.firstIndex { Self.toy.loss($0) == best }) + 1
    }
    let random = Double(chance.reduce(0, +)) / 30
    let greedy = try Self.trialsToBest(SearchProblem(knobs: Pipeline.knobs))
    // Another model whose best point is a different one.
    let other = Pipeline(drift: 1, seed: 6)
    let theirs = try #require(Pipeline.points.min { other.loss($0) < other.loss($1) })
    #expect(Self.toy.loss(theirs) != best)
    let warm = SearchProblem(knobs: Pipeline.knobs, transfer: other.trials(Pipeline.points))
    let transfer = try Self.trialsToBest(warm)
    #expect(greedy < random / 2)
    #expect(transfer < greedy)
    // And one that is the same.
    let twin = SearchProblem(knobs: Pipeline.knobs, transfer: Self.toy.trials(Pipeline.points))
    #expect(try Self.trialsToBest(twin) <= 2)
  }

  @Test func expectedImprovementLearnsToo() throws {
    let mean = try Self.trialsToBest(
      SearchProblem(knobs: Pipeline.knobs), seeds: 10, options: ["ensemble": 4, "rounds": 20])
    // Half of what chance takes, (96 + 1) / 2.
    #expect(mean < 48.5 / 2)
  }

  @Test func neverAsksTwiceAndEndsWhenEverythingIsKnown() throws {
    let settings: [[String: Double]] = [
      [:], ["batch": 7], ["batch": 24, "ensemble": 3], ["warmup": 0, "epsilon": 1],
    ]
    for options in settings {
      let (trials, end) = try Self.run(
        SearchProblem(knobs: Pipeline.knobs), seed: 3, options: options, evaluations: 1_000)
      #expect(end == .finished)
      #expect(trials.count == 96)
      #expect(Set(trials.map(\.choices)).count == 96)
    }
  }

  @Test func keepsBoundsInSmallAndLargeSpaces() throws {
    for count in [5, 30] {
      let knobs = (0..<count).map {
        SearchProblem.Knob(name: "\($0)", choices: ["2", "4", "8"], isOrdered: true)
      }
      let bits = SearchProblem.Cost(
        kind: .bytes, values: knobs.map { _ in [2, 4, 8] }, limit: 4.5 * Double(count))
      let problem = SearchProblem(knobs: knobs, costs: [bits])
      let (trials, _) = try Self.run(
        problem, seed: 1, options: ["batch": 3], evaluations: 30,
        loss: { x in zip(1..., x).reduce(0) { $0 + Double($1.0) / Double(1 + $1.1) } })
      #expect(trials.count == 30)
      #expect(Set(trials.map(\.choices)).count == 30)
      #expect(trials.allSatisfy { problem.isFeasible($0.choices) })
      // Learning shows in a space too large to enumerate, too.
      let losses = trials.map { $0.values[0] }
      #expect(losses[15...].reduce(0, +) < losses[..<15].reduce(0, +))
    }
  }

  @Test func aResumedSearchEndsAsTheUninterruptedOne() throws {
    let settings: [[String: Double]] = [[:], ["batch": 4, "ensemble": 3, "epsilon": 0.3]]
    for options in settings {
      let seeds = [[1, 1, 1, 1, 1], [0, 0, 0, 0, 0]]
      let problem = SearchProblem(knobs: Pipeline.knobs, seeds: seeds)
      let whole = try Self.run(problem, seed: 9, options: options, evaluations: 40).trials
      #expect(whole[..<2].map(\.choices) == seeds)
      var again = 0
      let resumed = try Self.run(
        problem, seed: 9, options: options, evaluations: 40, history: Array(whole.prefix(17)),
        evaluated: { again += $0.count })
      #expect(resumed.trials == whole)
      #expect(again == 40 - 17)
      #expect(try Self.run(problem, seed: 10, options: options, evaluations: 40).trials != whole)
    }
  }

  @Test func failedEvaluationsAreBadPointsAndNoMore() throws {
    let (trials, end) = try Self.run(
      SearchProblem(knobs: Pipeline.knobs), seed: 2, evaluations: 200,
      loss: { $0[1] == 3 ? .nan : $0[0] == 0 ? .infinity : Self.toy.loss($0) })
    #expect(end == .finished && trials.count == 96)
  }

  /// Problems that were stored before there was a transfer are read as having none.
  @Test func transferIsStoredAndMayBeAbsent() throws {
    var problem = SearchProblem(
      knobs: Pipeline.knobs, transfer: Self.toy.trials([[0, 0, 0, 0, 0]]))
    let stored = try JSONEncoder().encode(problem)
    #expect(try JSONDecoder().decode(SearchProblem.self, from: stored) == problem)
    var fields = try #require(JSONSerialization.jsonObject(with: stored) as? [String: Any])
    fields["transfer"] = nil
    let older = try JSONSerialization.data(withJSONObject: fields)
    problem.transfer = []
    #expect(try JSONDecoder().decode(SearchProblem.self, from: older) == problem)
  }

  @Test func wrongProblemsAreRefused() throws {
    let settings = SearchSettings(seed: 0, evaluations: 10)
    let good = SearchProblem(knobs: Pipeline.knobs)
    var several = good
    several.objectives = [.measured(0), .measured(1)]
    var foreign = good
    foreign.transfer = [Trial(Proposal([0, 9, 0, 0, 0], samples: 0..<1), values: [1])]
    var empty = good
    empty.transfer = [Trial(Proposal([0, 0, 0, 0, 0], samples: 0..<1), values: [])]
    var tight = good
    tight.costs = [
      SearchProblem.Cost(
        kind: .bytes, values: good.knobs.map { $0.choices.map { _ in 1 } }, limit: 4)
    ]
    for problem in [several, foreign, empty, tight] {
      #expect(throws: UserError.self) { try BoostedSearch(problem, settings: settings) }
    }
    let options: [[String: Double]] = [
      ["batch": 0], ["epsilon": 2], ["rounds": 0.5], ["warmup": -1],
    ]
    for option in options {
      #expect(throws: UserError.self) {
        try BoostedSearch(
          good, settings: SearchSettings(seed: 0, evaluations: 10, options: option))
      }
    }
  }
}
