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
  var point: [Int]
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
          + "\(ceiling); the least was \(significant(least))")
    }
    let proof = PolicyScorer(
      executor: executor, groups: space.groups, ranges: space.source.ranges,
      samples: held.samples.map(\.inputs), workers: options.workers, memory: options.memory,
      loss: space.loss)
    let measure = { (contenders: [Contender], stage: String) throws -> [Contender] in
      var measured = contenders
      let counter = ProgressCounter(stage, handler: progress)
      try proof.score(contenders.map(\.point), on: 0..<held.samples.count) { index, losses in
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
      let frontier = try measuredFrontier(record, scorer: scorer, seed: options.data.seed) {
        points in
        try measure(
          points.map { Contender(name: "", point: $0, isSearched: true) },
          "proving the frontier on held-out data"
        ).map(\.losses)
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
        ? Contender(name: space.seedName, point: trial.choices, isSearched: false)
        : Contender(name: "searched", point: space.point(trial.choices), isSearched: true)
    }
    if let seed { all.append(Contender(name: space.seedName, point: seed, isSearched: false)) }
    all += space.uniforms.map { Contender(name: $0.name, point: $0.point, isSearched: false) }
      .filter { space.isFeasible($0.point) }
    // The seed may be the very policy that the search ends with, or a uniform one.
    var seen: Set<[Int]> = []
    return all.filter { seen.insert($0.point).inserted }
  }

  /// The one that is shipped: what loses least, or with a ceiling the cheapest that keeps it.
  private func winner(_ contenders: [Contender], space: SearchSpace) -> Int {
    let least = contenders.indices.min { contenders[$0].mean < contenders[$1].mean } ?? 0
    guard let ceiling = space.ceiling else { return least }
    return contenders.indices.filter { contenders[$0].mean <= ceiling.limit }.min { a, b in
      let (x, y) = (space.price(contenders[a].point), space.price(contenders[b].point))
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
      let point = Frontier.Point(space.source.table, choices: space.choices(contender.point))
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
    report.sentence = sentence(
      report, ceiling: space.ceiling?.limit, minimised: space.minimised)

    let rival = report.heldOut[shipped]
    let choices = space.choices(chosen.point)
    var spending = space.planning.spending(of: choices)
    if let ceiling = space.ceiling {
      spending.append(.init(kind: ceiling.kind, limit: ceiling.limit, used: chosen.mean))
    }
    let known = searched.first { space.point($0.choices) == chosen.point }?.values[0] ?? chosen.mean
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

  private func sentence(_ report: SearchReport, ceiling: Double?, minimised: CostKind) -> String {
    guard let shipped = report.shipped, let first = report.heldOut.first else { return "" }
    let rival = report.heldOut[shipped]
    if let ceiling {
      let what = "\(rival.name) at \(ByteCount(rival.bytes))"
      let best =
        minimised == .bytes
        ? "smallest" : minimised == .latency ? "fastest" : "least in \(minimised.rawValue)"
      return rival.loss <= ceiling
        ? "shipped: \(what), the \(best) that keeps the ceiling on held-out data"
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
  /// Held-out means have 95 % bootstrap intervals; all are of the same samples, resampled alike.
  ///
  /// - Parameters:
  ///   - seed: Decides the resampling.
  ///   - heldOut: Held-out losses of points, sample by sample.
  private func measuredFrontier(
    _ record: SearchRecord, scorer: PolicyScorer, seed: UInt64,
    heldOut: ([[Int]]) throws -> [[Double]]
  ) throws -> Frontier {
    let space = record.space
    let table = space.source.table
    let trials = record.frontier(on: record.mostSamples)
    let uniforms = space.uniforms
    var onSearched = [Double](repeating: 0, count: uniforms.count)
    try scorer.score(uniforms.map(\.point), on: 0..<space.problem.samples) { index, losses in
      onSearched[index] = SampleMean(losses).mean
    }
    let chosen = spread(trials.count, 16)
    let proofs = try heldOut(
      chosen.map { space.point(trials[$0].choices) } + uniforms.map(\.point)
    ).map { (mean: SampleMean($0).mean, interval: Interval.bootstrap($0, seed: seed)) }
    var points = trials.map { trial in
      var point = Frontier.Point(table, choices: space.choices(space.point(trial.choices)))
      point.loss = trial.values[0]
      point.costs = further(trial, space)
      return point
    }
    for (k, point) in chosen.enumerated() {
      points[point].measured = proofs[k].mean
      (points[point].low, points[point].high) = (proofs[k].interval.low, proofs[k].interval.high)
    }
    let baselines = uniforms.enumerated().map { k, uniform in
      let point = Frontier.Point(table, choices: space.choices(uniform.point))
      let proof = proofs[chosen.count + k]
      return Frontier.Baseline(
        name: uniform.name, bytes: point.bytes, bpw: point.bpw, loss: onSearched[k],
        measured: proof.mean, low: proof.interval.low, high: proof.interval.high)
    }
    guard space.axes != ["bytes", "loss"] else {
      return Frontier(
        table, model: graph.name, kind: .measured, points: points, baselines: baselines)
    }
    return try Frontier(
      table, model: graph.name, axes: space.axes, points: points, baselines: baselines)
  }

  /// The costs of a trial that are axes and that a point of a frontier has no place of its own for.
  private func further(_ trial: Trial, _ space: SearchSpace) -> [String: Double]? {
    let own = ["bytes", "bpw", "latency", "loss"]
    let more = zip(space.axes, space.values(of: trial)).filter { !own.contains($0.0) }
    return more.isEmpty ? nil : Dictionary(more.map { ($0.0, $0.1) }) { first, _ in first }
  }
}
