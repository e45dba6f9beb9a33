internal import Archives
internal import Calibration
internal import Models
internal import Optimization
internal import Quantization
internal import Sensitivity
internal import Study
public import Vocabulary

extension OpenedModel {
  /// Searches for policies with real evaluations, proves the best one and ships the winner.
  ///
  /// Every trial is kept in the study as soon as it is there: a killed or stopped search goes on when
  /// the same is asked for again, and ends as if it had been left alone.
  ///
  /// - Parameters:
  ///   - options: What to search, how and within which limits.
  ///   - directory: The study that keeps the trials.
  ///   - progress: Is told how far it is.
  ///   - improved: Is told whenever there is a better policy.
  /// - Throws: `UserError` of kind infeasible when nothing keeps the budgets.
  public func search(
    _ options: SearchOptions, into directory: String, progress: @escaping ProgressHandler,
    improved: @escaping (SearchStanding) -> Void = { _ in }
  ) throws -> SearchReport {
    let clock = ContinuousClock()
    let began = clock.now
    let kind = try SearchStrategies.named(options.strategy)
    for name in options.settings.keys.sorted() where !kind.options.contains(name) {
      guard !kind.options.isEmpty else {
        throw UserError(.usage, "'\(options.strategy)' takes no settings, and was given '\(name)'")
      }
      throw UserError.unknown(name, "setting of \(options.strategy)", known: kind.options)
    }
    guard options.axes == nil || options.policy == nil || !options.budgets.isEmpty else {
      throw UserError(.usage, "a policy is chosen within a budget; give one, e.g. --budget 4.5bpw")
    }
    // What cannot work is found before anything is run.
    let data = try data(options.data, part: options.heldOut == nil ? .calibration : .all)
    var space = try searchSpace(
      options, isMultiObjective: kind.isMultiObjective, samples: data.samples.count)
    let settings = SearchSettings(
      seed: options.data.seed, evaluations: options.evaluations,
      options: options.settings.merging(space.ceiling.map { ["ceiling": $0.limit] } ?? [:]) { $1 })
    var strategy = try kind.init(space.problem, settings: settings)
    let held = try heldOutData(options, apartFrom: data)
    if space.source.ranges == .none {
      space.source.ranges = try activationRanges(
        of: space.groups, samples: data.samples.map(\.inputs), workers: options.workers,
        progress: progress)
    }

    let study = try Study.create(
      at: directory, header: searchHeader(space.source.table))
    let search = try study.beginSearch(
      SearchKey(
        strategy: options.strategy, problem: space.problem, settings: settings, data: data.digest,
        model: study.header.model.digest
      ).digest(), strategy: options.strategy, problem: space.problem, created: Tool.now())
    var record = SearchRecord(space: space, trials: try study.trials(of: search))
    let resumed = record.trials.count
    let scorer = PolicyScorer(
      executor: executor, groups: space.groups, ranges: space.source.ranges,
      samples: data.samples.map(\.inputs), workers: options.workers, memory: options.memory,
      loss: space.loss)
    let counter = ProgressCounter(
      "searching with \(options.strategy)",
      start: min(1, Double(resumed) / Double(max(1, options.evaluations))), handler: progress)
    let tell = {
      if let standing = record.standing(of: options.evaluations) { improved(standing) }
    }
    if resumed > 0 { tell() }
    let isOver = {
      guard let limit = options.time, !record.trials.isEmpty else { return false }
      return (clock.now - began).seconds >= limit
    }
    let loop = SearchLoop(evaluations: options.evaluations, shouldStop: isOver)
    var end = SearchLoop.End.stopped
    do {
      end = try loop.run(
        &strategy, history: record.trials,
        evaluate: { proposals in
          try scorer.trials(of: proposals, in: space) { trial in
            try study.append(trial, to: search)
            counter.advance(by: 1 / Double(max(1, options.evaluations)))
            if record.add(trial) { tell() }
            if isOver() { throw OutOfTime() }
          }
        }
      ).end
    } catch is OutOfTime {
      // What was evaluated of the batch is kept; the strategy is told when the search goes on.
    }
    counter.finish()
    var report = SearchReport(
      model: graph.name, strategy: options.strategy, study: directory,
      unit: space.loss.unit, samples: data.samples.count, data: data.digest,
      evaluations: record.trials.count, resumed: resumed, end: end.rawValue, seconds: 0,
      loss: nil, seedLoss: nil,
      sharedShare: Double(scorer.work.nodes) / Double(max(1, scorer.work.nodesWithoutSharing)),
      heldOutSamples: held.samples.count, heldOut: [], shipped: nil, policy: nil, frontier: nil,
      files: [], sentence: "")
    try scorer.completeFinalists(of: &record, isFinished: end == .finished)
    try conclude(
      &report, record: record, scorer: scorer, held: held, options: options, study: study,
      progress: progress)
    report.seconds = (clock.now - began).seconds
    return report
  }

  private func heldOutData(_ options: SearchOptions, apartFrom data: CalibrationSet) throws
    -> CalibrationSet
  {
    var held = options.data
    if let other = options.heldOut { held.path = other }
    let set = try self.data(held, part: options.heldOut == nil ? .heldOut : .all)
    guard !data.overlaps(with: set) else {
      throw UserError(
        .failed,
        "the held-out data has samples that are searched on; give other data to --heldout")
    }
    return set
  }
}

/// The time is over in the middle of a batch.
private struct OutOfTime: Error {}

/// Everything that decides the trials of a search.
private struct SearchKey: Encodable {
  var strategy: String
  var problem: SearchProblem
  var settings: SearchSettings
  var data: String
  var model: String

  func digest() throws -> String {
    let sum = SHA256()
    sum.update(try Tool.json(self))
    return sum.finished()
  }
}

extension PolicyScorer {
  /// Evaluates proposals, those on the same samples together.
  ///
  /// - Parameter evaluated: Told each trial as soon as it is there.
  /// - Returns: The trials in the proposals' order.
  func trials(
    of proposals: [Proposal], in space: SearchSpace, evaluated: (Trial) throws -> Void
  ) throws -> [Trial] {
    let points = proposals.map { space.point($0.choices) }
    // Of a pipeline the bytes are told too, and a point beyond the budget is not run.
    func trial(_ index: Int, _ losses: [Double]?) -> Trial {
      let value = losses.map { SampleMean($0).mean } ?? PipelinePoints.overBudget
      let more = space.pipeline == nil ? [] : [Double(space.bytes(points[index]))]
      return Trial(proposals[index], values: [value] + more, perSample: losses ?? [])
    }
    var trials = [Trial?](repeating: nil, count: proposals.count)
    var ranges: [Range<Int>] = []
    for proposal in proposals where !ranges.contains(proposal.samples) {
      ranges.append(proposal.samples)
    }
    for range in ranges {
      let all = proposals.indices.filter { proposals[$0].samples == range }
      let places = all.filter { space.pipeline == nil || space.isFeasible(points[$0]) }
      for index in all where !places.contains(index) {
        let trial = trial(index, nil)
        try evaluated(trial)
        trials[index] = trial
      }
      try score(places.map { points[$0] }, on: range) { index, losses in
        let trial = trial(places[index], losses)
        try evaluated(trial)
        trials[places[index]] = trial
      }
    }
    return trials.compactMap(\.self)
  }

  /// Evaluates on all samples what was best on some: where nothing was evaluated on all yet, and
  /// where a strategy that works in stages did not come to its end.
  ///
  /// These are no trials of the strategy and are not kept: a search that goes on must not see them.
  func completeFinalists(of record: inout SearchRecord, isFinished: Bool) throws {
    let all = 0..<record.space.problem.samples
    guard let best = record.best, !isFinished || best.proposal.samples != all else { return }
    let known = Set(record.ranked(on: all.count).map(\.choices))
    let counts = record.trials.map(\.proposal.samples.count).filter { $0 < all.count }
    guard let most = counts.max() else { return }
    let finalists = record.ranked(on: most).map(\.choices).filter { !known.contains($0) }.prefix(8)
    var seen: Set<[Int]> = []
    let added = try trials(
      of: finalists.filter { seen.insert($0).inserted }.map { Proposal($0, samples: all) },
      in: record.space
    ) { _ in }
    for trial in added { _ = record.add(trial) }
  }
}
