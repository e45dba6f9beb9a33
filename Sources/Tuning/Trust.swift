internal import Calibration
internal import Models
internal import Optimization
internal import Quantization
internal import Sensitivity
internal import Study
public import Vocabulary

/// What estimators are compared on.
public struct TrustOptions: Sendable {
  /// The data; its held-out part is measured on.
  public var data: CalibrationOptions
  /// Other data for it; nil for the held-out part.
  public var heldOut: String?
  /// Whose scores of single groups are the truth.
  public var reference = "exact-kl"
  /// Bits per weight.
  public var budgets = [3.0, 4, 5]
  /// Random policies over all budgets.
  public var policies = 60
  /// Threads.
  public var workers: Int

  /// A comparison on data.
  public init(data: CalibrationOptions, workers: Int) {
    self.data = data
    self.workers = workers
  }
}

/// One way to predict the loss of a policy, to be compared with what it really loses.
private struct Contestant {
  var name: String
  var source: PlanningSource
  var forwardPasses: Double
  /// The best policy under the scores, per budget, as candidate indices of the table's groups.
  var plans: [[Int]] = []
  var predict: ([Int]) -> Double
}

extension OpenedModel {
  /// Compares every estimator that a study has complete scores of.
  ///
  /// Random policies near each budget and the best policy under each estimator are run on held-out data,
  /// all on the same samples. An estimator is worth what its policies lose: rank correlations say why.
  ///
  /// - Throws: `UserError` when the study is of another model, or lacks the reference's scores.
  public func trust(
    _ options: TrustOptions, study directory: String, progress: @escaping ProgressHandler
  ) throws -> TrustReport {
    let study = try Study.open(at: directory)
    guard study.header.model.digest == (try identity().digest) else {
      throw UserError(
        .failed, "the study '\(directory)' is of another model (\(study.header.model.name))")
    }
    let reference = try PlanningSource(directory, estimator: options.reference, raw: true)
    let contestants = try contestants(study, directory, like: reference, options)
    let groups = try reference.table.groups.map { try measured($0) }
    let data = try trustData(options)
    var policies: [[Int]] = []
    for (place, budget) in options.budgets.enumerated() {
      var generator = SplitMix64(seed: options.data.seed, job: place)
      let count = (options.policies + options.budgets.count - 1 - place) / options.budgets.count
      policies += try RandomPolicies(reference.table, bitsPerWeight: budget)
        .policies(count, using: &generator)
    }
    let randomCount = policies.count
    let perBudget = options.budgets.indices.map { place in
      (options.policies + options.budgets.count - 1 - place) / options.budgets.count
    }
    for contestant in contestants { policies += contestant.plans }
    let losses = try measure(
      policies, groups, reference.ranges, data, options.workers, progress)
    return TrustReport(
      model: graph.name, unit: reference.table.unit, reference: options.reference,
      budgets: options.budgets, policies: randomCount, samples: data.samples.count,
      data: data.digest, seed: options.data.seed,
      rows: rows(
        contestants, reference: reference.table, random: Array(policies[..<randomCount]),
        perBudget: perBudget, losses: losses, seed: options.data.seed))
  }

  private func trustData(_ options: TrustOptions) throws -> CalibrationSet {
    var held = options.data
    if let other = options.heldOut { held.path = other }
    return try data(held, part: options.heldOut == nil ? .heldOut : .all)
  }

  /// Every estimator with a complete run over the reference's candidates, planned at every budget.
  private func contestants(
    _ study: Study, _ directory: String, like reference: PlanningSource, _ options: TrustOptions
  ) throws -> [Contestant] {
    var found: [Contestant] = []
    let candidates = reference.run?.candidates
    for type in Estimators.all {
      guard let run = try study.latestCompleteRun(estimator: type.id), run.candidates == candidates
      else { continue }
      let source = try PlanningSource(directory, estimator: type.id, raw: false)
      let task = MeasurementTask(
        executor: executor, groups: try source.table.groups.map { try measured($0) },
        ranges: source.ranges, seed: run.key.seed, workers: options.workers)
      let work = type.init().forwardPasses(task) * Double(run.samples)
      let table = source.table
      found.append(
        Contestant(
          name: type.id, source: source, forwardPasses: work,
          plans: try plans(source, "ilp", options.budgets),
          predict: { choices in
            zip(table.groups, choices).reduce(0) { $0 + $1.0.candidates[$1.1].loss }
          }))
      guard let model = try source.interactions() else { continue }
      found.append(
        Contestant(
          name: "\(type.id) + pairs", source: source, forwardPasses: work,
          plans: try plans(source, QuadraticOptimizer.id, options.budgets),
          predict: { model.loss(of: $0) }))
    }
    return found
  }

  private func plans(
    _ source: PlanningSource, _ optimizer: String, _ budgets: [Double]
  ) throws -> [[Int]] {
    try budgets.map { bits in
      let policy = try source.plan(
        PlanningOptions(
          budgets: [Budget(.bpw, bits)], estimator: nil, optimizer: optimizer, pins: [],
          raw: false, timeLimit: 20))
      var names = [String](repeating: "", count: source.table.groups.count)
      for layer in policy.layers {
        names[layer.group] =
          layer.activation == "none" ? layer.weight : "\(layer.weight)/\(layer.activation)"
      }
      return zip(source.table.groups, names).map { group, name in
        group.candidates.firstIndex { $0.name == name } ?? 0
      }
    }
  }

  private func measure(
    _ policies: [[Int]], _ groups: [MeasuredGroup], _ ranges: ActivationRanges,
    _ data: CalibrationSet, _ workers: Int, _ progress: @escaping ProgressHandler
  ) throws -> [[Double]] {
    // Estimators often choose the same: each policy is run once.
    var places: [[Int]: Int] = [:]
    var distinct: [[Int]] = []
    for policy in policies where places[policy] == nil {
      places[policy] = distinct.count
      distinct.append(policy)
    }
    let scorer = PolicyScorer(
      executor: executor, groups: groups, ranges: ranges, samples: data.samples.map(\.inputs),
      workers: workers, memory: 1_500_000_000)
    let counter = ProgressCounter("measuring policies", handler: progress)
    var losses = [[Double]](repeating: [], count: distinct.count)
    try scorer.score(distinct, on: 0..<data.samples.count) { index, values in
      losses[index] = values
      counter.advance(by: 1 / Double(distinct.count))
    }
    counter.finish()
    return policies.map { losses[places[$0] ?? 0] }
  }

  private func rows(
    _ contestants: [Contestant], reference: SensitivityTable, random: [[Int]], perBudget: [Int],
    losses: [[Double]], seed: UInt64
  ) -> [TrustReport.Row] {
    let means = losses.map { SampleMean($0).mean }
    func planned(_ contestant: Int, _ budget: Int) -> Int {
      random.count + contestant * perBudget.count + budget
    }
    var starts = [0]
    for count in perBudget { starts.append((starts.last ?? 0) + count) }
    // The least of everything that was measured at a budget.
    let best = perBudget.indices.map { budget -> Int in
      let all =
        Array(starts[budget]..<starts[budget + 1])
        + contestants.indices.map { planned($0, budget) }
      return all.min { means[$0] < means[$1] } ?? 0
    }
    let truth = reference.groups.flatMap { $0.candidates.map(\.loss) }
    return contestants.enumerated().map { index, contestant in
      let table = contestant.source.table
      let scores = table.groups.flatMap { $0.candidates.map { $0.rawLoss ?? $0.loss } }
      let predicted = random.map(contestant.predict)
      let within = perBudget.indices.compactMap { budget -> Double? in
        let range = starts[budget]..<starts[budget + 1]
        return RankCorrelation.spearman(Array(predicted[range]), Array(means[range]))
      }
      let chosen = perBudget.indices.map { planned(index, $0) }
      return TrustReport.Row(
        estimator: contestant.name, forwardPasses: contestant.forwardPasses,
        spearman: RankCorrelation.spearman(scores, truth),
        kendall: RankCorrelation.kendall(scores, truth),
        spearmanWithinFormats: withinFormats(table, reference),
        policySpearman: RankCorrelation.spearman(predicted, Array(means[..<random.count])),
        policySpearmanWithinBudgets: within.isEmpty
          ? nil : within.reduce(0, +) / Double(within.count),
        losses: chosen.map { means[$0] },
        regret: zip(chosen, best).map { means[$0] / max(means[$1], .leastNormalMagnitude) },
        excess: zip(chosen, best).map { mine, least in
          Interval.bootstrap(zip(losses[mine], losses[least]).map { $0 - $1 }, seed: seed)
        })
    }.sorted { ($0.meanRegret, $0.estimator) < ($1.meanRegret, $1.estimator) }
  }

  /// The mean over formats of the rank correlation among the groups that have it.
  private func withinFormats(_ table: SensitivityTable, _ reference: SensitivityTable) -> Double? {
    var pairs: [String: (mine: [Double], theirs: [Double])] = [:]
    for (mine, theirs) in zip(table.groups, reference.groups) {
      for (a, b) in zip(mine.candidates, theirs.candidates) {
        pairs[a.name, default: ([], [])].mine.append(a.rawLoss ?? a.loss)
        pairs[a.name, default: ([], [])].theirs.append(b.loss)
      }
    }
    // Three groups say nothing about an order.
    let correlations = pairs.keys.sorted().compactMap { format -> Double? in
      guard let pair = pairs[format], pair.mine.count > 3 else { return nil }
      return RankCorrelation.spearman(pair.mine, pair.theirs)
    }
    return correlations.isEmpty ? nil : correlations.reduce(0, +) / Double(correlations.count)
  }
}
