import Optimization
import Testing
import Vocabulary

/// Small search problems whose best point is known.
enum SwapToy {
  /// Ten equal layers of five levels, 2 to 6 bits, with loss a · 4^−bits: separable and convex.
  static func convex(seed: UInt64, samples: Int = 1) -> SearchProblem {
    var random = SplitMix64(seed: seed)
    let prior = (0..<10).map { _ in
      let sensitivity = 0.1 + random.uniform() * 10
      return (0..<5).map { level in
        sensitivity / Double(1 << (2 * (level + 2)))
      }
    }
    return SearchProblem(
      knobs: knobs(10, choices: 5),
      costs: [
        .init(kind: .bytes, values: Array(repeating: [2, 3, 4, 5, 6], count: 10), limit: 40)
      ],
      prior: prior, seeds: [Array(repeating: 2, count: 10)], samples: samples)
  }

  /// Knobs of different sizes, choices in no order of cost, two bounds that some point keeps.
  static func uneven(seed: UInt64, samples: Int = 1) -> SearchProblem {
    var random = SplitMix64(seed: seed)
    let sizes = (0..<6).map { _ in Double(1 + random.next() % 9) }
    func values(_ spread: Double) -> [[Double]] {
      sizes.map { size in (0..<4).map { _ in size * (1 + spread * random.uniform()) } }
    }
    var costs = [
      SearchProblem.Cost(kind: .bytes, values: values(3), fixed: 2),
      SearchProblem.Cost(kind: .latency, values: values(1)),
    ]
    let within = sizes.map { _ in Int(random.next() % 4) }
    for k in costs.indices { costs[k].limit = costs[k].total(of: within) * 1.1 }
    let prior = sizes.map { size in (0..<4).map { _ in size * random.uniform() } }
    return SearchProblem(
      knobs: knobs(6, choices: 4), costs: costs, prior: random.next() % 2 == 0 ? prior : nil,
      samples: samples)
  }

  /// 253 groups of 19 formats and different sizes, with loss that falls with the bytes.
  static var large: SearchProblem {
    var random = SplitMix64(seed: 42)
    let sizes = (0..<253).map { _ in Double(1 + random.next() % 100) }
    return SearchProblem(
      knobs: knobs(253, choices: 19),
      costs: [
        .init(kind: .bytes, values: sizes.map { size in (0..<19).map { size * Double($0) } })
      ],
      prior: sizes.map { size in
        let sensitivity = size * random.uniform()
        return (0..<19).map { sensitivity / Double(1 << $0) }
      })
  }

  static func knobs(_ count: Int, choices: Int) -> [SearchProblem.Knob] {
    (0..<count).map { k in
      .init(name: "g\(k)", choices: (0..<choices).map { "c\($0)" }, isOrdered: true)
    }
  }

  /// Every point of a small space.
  static func points(_ problem: SearchProblem) -> [[Int]] {
    problem.knobs.reduce([[]]) { points, knob in
      points.flatMap { point in knob.choices.indices.map { point + [$0] } }
    }
  }

  /// The least sum of `table` within the first cost's limit, whose values are whole numbers.
  static func optimum(_ problem: SearchProblem, _ table: [[Double]]) -> Double {
    let limit = Int(problem.costs[0].limit ?? 0)
    var best = Array(repeating: 0.0, count: limit + 1)
    for (k, row) in table.enumerated() {
      best = (0...limit).map { budget in
        row.indices.map { c in
          let cost = Int(problem.costs[0].values[k][c])
          return cost <= budget ? best[budget - cost] + row[c] : .infinity
        }.min() ?? .infinity
      }
    }
    return best[limit]
  }

  static func sum(_ table: [[Double]], _ choices: [Int]) -> Double {
    zip(table, choices).reduce(0) { $0 + $1.0[$1.1] }
  }

  /// Runs a strategy and checks what holds for all: bounds, samples and the number of evaluations.
  static func run(
    _ id: String, _ problem: SearchProblem, _ settings: SearchSettings, history: [Trial] = [],
    stopAfter: Int = .max, value: (Proposal) -> Double
  ) throws -> (trials: [Trial], end: SearchLoop.End) {
    var strategy = try SearchStrategies.named(id).init(problem, settings: settings)
    var done = 0
    // One evaluation more than the strategy may take, so that taking it would be seen.
    var loop = SearchLoop(evaluations: settings.evaluations + 1)
    loop.shouldStop = { done >= stopAfter }
    let result = try loop.run(
      &strategy, history: history,
      evaluate: { proposals in
        proposals.map { Trial($0, values: [value($0)]) }
      }, observe: { count, _ in done = count })
    #expect(result.trials.count <= settings.evaluations)
    #expect(result.end != .evaluations)
    for trial in result.trials {
      #expect(problem.isFeasible(trial.choices))
      #expect(!trial.proposal.samples.isEmpty)
      #expect(trial.proposal.samples.lowerBound >= 0)
      #expect(trial.proposal.samples.upperBound <= problem.samples)
    }
    return result
  }

  /// Killed after some trials and resumed is the same as uninterrupted; so is a second run.
  static func checkResuming(
    _ id: String, _ problem: SearchProblem, _ settings: SearchSettings, value: (Proposal) -> Double
  ) throws {
    let whole = try run(id, problem, settings, value: value)
    #expect(whole.end == .finished)
    for stop in [1, 7, whole.trials.count / 2, whole.trials.count - 1] where stop > 0 {
      let part = try run(id, problem, settings, stopAfter: stop, value: value)
      #expect(part.trials.count < whole.trials.count || part.trials == whole.trials)
      let rest = try run(id, problem, settings, history: part.trials, value: value)
      #expect(rest.trials == whole.trials)
    }
  }

  /// A value that depends on the samples a little, and on the point in no orderly way.
  static func rough(_ proposal: Proposal) -> Double {
    let code = proposal.choices.reduce(17 as UInt64) { $0 &* 31 &+ UInt64($1) }
    var point = SplitMix64(seed: code)
    var batch = SplitMix64(seed: code, job: proposal.samples.lowerBound + 1)
    return point.uniform() + 0.05 * batch.uniform()
  }
}
