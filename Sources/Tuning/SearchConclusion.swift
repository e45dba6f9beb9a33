internal import Calibration
internal import Export
internal import Models
internal import Optimization
internal import Pareto
internal import Quantization
internal import Sensitivity
internal import Study
internal import Vocabulary

/// A point of the space with its losses on held-out data.
private struct Contender {
  var name: String
  var knobs: [Int]
  /// Whether the search itself found it.
  var isSearched: Bool
  var losses: [Double] = []

  var mean: Double { SampleMean(losses).mean }
}

extension OpenedModel {
  /// Proves the best policies on held-out data, and writes what is shipped.
  func conclude(
    _ report: inout SearchReport, record: SearchRecord, scorer: PolicyScorer,
    held: CalibrationSet, options: SearchOptions, study: Study,
    progress: @escaping ProgressHandler
  ) throws {
    let space = record.space
    guard record.best != nil else {
      guard let ceiling = space.ceiling, let least = record.trials.map({ $0.values[0] }).min()
      else {
        throw UserError(.failed, "the search evaluated no policy within the budgets")
      }
      throw UserError(
        .infeasible,
        "none of the \(record.trials.count) evaluated policies loses at most "
          + "\(significant(ceiling)) \(report.unit); the least was \(significant(least))")
    }
    let proof = PolicyScorer(
      executor: executor, groups: space.groups, samples: held.samples.map(\.inputs),
      workers: options.workers, memory: options.memory)
    let measure = { (contenders: [Contender], stage: String) throws -> [Contender] in
      var measured = contenders
      let counter = ProgressCounter(stage, handler: progress)
      try proof.score(contenders.map(\.knobs), on: 0..<held.samples.count) { index, losses in
        measured[index].losses = losses
        counter.advance(by: 1 / Double(contenders.count))
      }
      counter.finish()
      return measured
    }
    if !options.budgets.isEmpty {
      let contenders = try measure(contenders(record), "proving on held-out data")
      try ship(
        contenders, record: record, held: held, options: options, study: study, report: &report)
    }
    if space.problem.objectives.count > 1 {
      let frontier = try measuredFrontier(record, scorer: scorer) { points in
        try measure(
          points.map { Contender(name: "", knobs: $0, isSearched: true) },
          "proving the frontier on held-out data"
        ).map(\.mean)
      }
      report.files += try FrontierFiles.write(frontier, to: report.study)
      report.frontier = frontier
      if options.budgets.isEmpty {
        report.sentence =
          "\(frontier.points.count) policies that no other beats, measured on both parts of the data"
      }
    }
  }

  /// The best of the search first (with a ceiling also the next larger ones), then its rivals.
  private func contenders(_ record: SearchRecord) -> [Contender] {
    let space = record.space
    let finalists = record.ranked(on: record.mostSamples).prefix(space.ceiling == nil ? 1 : 8)
    let seed = space.problem.seeds.first
    // A search may end where it began: then nothing was found.
    var all = finalists.map { trial in
      trial.choices == seed
        ? Contender(name: space.seedName, knobs: trial.choices, isSearched: false)
        : Contender(name: "searched", knobs: trial.choices, isSearched: true)
    }
    if let seed { all.append(Contender(name: space.seedName, knobs: seed, isSearched: false)) }
    all += space.uniforms.map { Contender(name: $0.name, knobs: $0.knobs, isSearched: false) }
      .filter { space.problem.isFeasible($0.knobs) }
    // The seed may be the very policy that the search ends with, or a uniform one.
    var seen: Set<[Int]> = []
    return all.filter { seen.insert($0.knobs).inserted }
  }

  /// The one that is shipped: what loses least, or with a ceiling the smallest that keeps it.
  private func winner(_ contenders: [Contender], space: SearchSpace) -> Int {
    let least = contenders.indices.min { contenders[$0].mean < contenders[$1].mean } ?? 0
    guard let ceiling = space.ceiling else { return least }
    return contenders.indices.filter { contenders[$0].mean <= ceiling }.min { a, b in
      let (x, y) = (space.bytes(contenders[a].knobs), space.bytes(contenders[b].knobs))
      return (x, contenders[a].mean, a) < (y, contenders[b].mean, b)
    } ?? least
  }

  private func ship(
    _ contenders: [Contender], record: SearchRecord, held: CalibrationSet,
    options: SearchOptions, study: Study, report: inout SearchReport
  ) throws {
    let space = record.space
    let seed = options.data.seed
    let own = contenders[0].losses
    report.heldOut = contenders.enumerated().map { place, contender in
      let point = Frontier.Point(space.source.table, choices: space.choices(contender.knobs))
      let differences = zip(contender.losses, own).map { $0 - $1 }
      return SearchRival(
        name: contender.name, bytes: point.bytes, bpw: point.bpw, loss: contender.mean,
        interval: .bootstrap(contender.losses, seed: seed),
        excess: place == 0 ? nil : SampleMean(differences).mean,
        excessInterval: place == 0 ? nil : .bootstrap(differences, seed: seed))
    }
    let shipped = winner(contenders, space: space)
    let chosen = contenders[shipped]
    let searched = record.ranked(on: record.mostSamples)
    report.loss = searched.first?.values[0]
    report.seedLoss = space.problem.seeds.first.flatMap { seed in
      searched.first { $0.choices == seed }?.values[0]
    }
    report.shipped = shipped
    report.sentence = sentence(report, ceiling: space.ceiling)

    let rival = report.heldOut[shipped]
    let choices = space.choices(chosen.knobs)
    var spending = space.planning.spending(choices)
    if let ceiling = space.ceiling {
      spending.append(.init(kind: .loss, limit: ceiling, used: chosen.mean))
    }
    let known = searched.first { $0.choices == chosen.knobs }?.values[0] ?? chosen.mean
    var policy = space.source.policy(
      choices: choices, pinned: space.pinned, budget: spending,
      // Measured, not predicted; nothing bounds what was not evaluated.
      predicted: .init(loss: known, unit: report.unit, lowerBound: 0, gap: known > 0 ? 1 : 0),
      optimizer: chosen.isSearched
        ? options.strategy : chosen.name.hasPrefix("uniform") ? "uniform" : chosen.name)
    if !space.hasPrior { policy.provenance.estimator = "none" }
    policy.provenance.seed = seed
    policy.provenance.data = report.data
    if chosen.isSearched {
      for k in policy.layers.indices where !policy.layers[k].pinned {
        policy.layers[k].why = "the best of \(report.evaluations) policies that were evaluated"
      }
    }
    let uniform = report.heldOut.filter { $0.name.hasPrefix("uniform ") }
      .min { $0.loss < $1.loss }
    policy.verified = .init(
      loss: rival.loss, low: rival.interval.low, high: rival.interval.high, data: held.digest,
      uniform: uniform.map {
        .init(
          format: String($0.name.dropFirst("uniform ".count)), bytes: $0.bytes, loss: $0.loss)
      })
    let path = options.policy ?? report.study + "/policy.json"
    try PolicyFile.write(policy, to: path)
    try study.savePolicy(
      name: "search \(options.strategy)", json: PolicyFile.text(policy), created: Tool.now())
    report.policy = policy
    report.files.append(path)
  }

  private func sentence(_ report: SearchReport, ceiling: Double?) -> String {
    guard let shipped = report.shipped, let first = report.heldOut.first else { return "" }
    let rival = report.heldOut[shipped]
    if let ceiling {
      let what = "\(rival.name) at \(ByteCount(rival.bytes))"
      return rival.loss <= ceiling
        ? "shipped: \(what), the smallest that keeps the ceiling on held-out data"
        : "shipped: \(what), which loses least; on held-out data nothing keeps the ceiling"
    }
    guard first.name == "searched" || shipped != 0 else {
      return "shipped: \(rival.name), where the search began; it found nothing better"
    }
    guard rival.name == "searched" else {
      return "shipped: \(rival.name), since the best of the search loses "
        + "\(significant(first.loss - rival.loss)) \(report.unit) more on held-out data"
    }
    let isSure = report.heldOut.dropFirst().allSatisfy { ($0.excessInterval?.low ?? 0) > 0 }
    return isSure
      ? "shipped: the searched policy, which loses less than every rival on held-out data"
      : "shipped: the searched policy, which loses least, but too little to be sure against all"
  }

  /// The evaluated policies that no other beats, with uniform formats measured beside them.
  ///
  /// - Parameter heldOut: Mean held-out losses of points.
  private func measuredFrontier(
    _ record: SearchRecord, scorer: PolicyScorer, heldOut: ([[Int]]) throws -> [Double]
  ) throws -> Frontier {
    let space = record.space
    let table = space.source.table
    let trials = record.frontier(on: record.mostSamples)
    let uniforms = space.uniforms
    var onSearched = [Double](repeating: 0, count: uniforms.count)
    try scorer.score(uniforms.map(\.knobs), on: 0..<space.problem.samples) { index, losses in
      onSearched[index] = SampleMean(losses).mean
    }
    let spread = spread(trials.count, 16)
    let means = try heldOut(spread.map { trials[$0].choices } + uniforms.map(\.knobs))
    var points = trials.map { trial in
      var point = Frontier.Point(table, choices: space.choices(trial.choices))
      point.loss = trial.values[0]
      return point
    }
    for (k, point) in spread.enumerated() { points[point].measured = means[k] }
    let baselines = uniforms.enumerated().map { k, uniform in
      let point = Frontier.Point(table, choices: space.choices(uniform.knobs))
      return Frontier.Baseline(
        name: uniform.name, bytes: point.bytes, bpw: point.bpw, loss: onSearched[k],
        measured: means[spread.count + k])
    }
    return Frontier(
      table, model: graph.name, kind: .measured, points: points, baselines: baselines)
  }

  /// `wanted` of `count` indices, the ends among them.
  private func spread(_ count: Int, _ wanted: Int) -> [Int] {
    guard wanted < count else { return Array(0..<count) }
    return (0..<wanted).map { $0 * (count - 1) / (wanted - 1) }
  }
}
