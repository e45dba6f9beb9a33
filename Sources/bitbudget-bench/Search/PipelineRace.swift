import Optimization
import Quantization
import Tuning
import Vocabulary

/// Search strategies on a space whose every point is known, to see how soon each finds the best one.
struct PipelineRace {
  /// A strategy's trials to the best point, over the seeds.
  struct Row {
    /// The strategy's name.
    var name: String
    /// One number per seed, rising.
    var trials: [Int]
    /// Their mean.
    var mean: Double { Double(trials.reduce(0, +)) / Double(max(1, trials.count)) }
    /// Their median.
    var median: Int { trials[trials.count / 2] }
  }

  var space: PipelineSpace
  var target: PipelineTable
  /// The model whose trials are known beforehand, for the transfer row.
  var source: PipelineTable

  /// The strategies that take one objective, and `boosted` with transfer.
  func rows(seeds: UInt64) throws -> [Row] {
    let entrants: [(name: String, id: String, transfer: [Trial])] =
      ["random", "grid", "genetic", "annealing", "boosted"].map { ($0, $0, []) } + [
        ("boosted, transfer from MiniLM", "boosted", trials(source))
      ]
    return try entrants.map { entrant in
      Row(
        name: entrant.name,
        trials: try (1...seeds).map {
          try trialsToBest(entrant.id, transfer: entrant.transfer, seed: $0)
        }.sorted())
    }
  }

  /// The number of evaluations up to and with the best point; one more than there are points when it
  /// was never found.
  private func trialsToBest(_ id: String, transfer: [Trial], seed: UInt64) throws -> Int {
    let scores = Dictionary(
      target.results.map { ($0.choices, target.score($0)) }, uniquingKeysWith: { first, _ in first }
    )
    let best = scores.values.min() ?? 0
    let problem = SearchProblem(
      knobs: space.knobs.map {
        .init(name: $0.name, choices: $0.values, isOrdered: $0.ordered ?? false)
      }, transfer: transfer)
    let settings = SearchSettings(seed: seed, evaluations: scores.count)
    var strategy = try SearchStrategies.named(id).init(problem, settings: settings)
    let loop = SearchLoop(evaluations: scores.count)
    let (trials, _) = try loop.run(&strategy) { proposals in
      proposals.map { Trial($0, values: [scores[$0.choices] ?? .infinity]) }
    }
    return 1 + (trials.firstIndex { $0.values[0] <= best } ?? scores.count)
  }

  private func trials(_ table: PipelineTable) -> [Trial] {
    table.results.map { Trial(Proposal($0.choices, samples: 0..<1), values: [table.score($0)]) }
  }
}
