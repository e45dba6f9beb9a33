public import Calibration
internal import Foundation
internal import Models
internal import Quantization
internal import Sensitivity
internal import Study
internal import Tensors
public import Vocabulary

/// What is measured, on what, and within which limits.
public struct MeasurementOptions: Sendable {
  /// Estimator names.
  public var estimators: [String]
  /// The calibration data.
  public var data: CalibrationOptions
  /// Whether part of the data is kept for `verify` (when one file serves for both).
  public var part: CalibrationPart
  /// Candidate formats.
  public var formats: [String]
  /// Threads.
  public var workers: Int
  /// Seconds after which the run stops with what it has; nil for none.
  public var time: Double?
  /// Resident bytes to stay below, as well as the estimators can plan it; nil for the default.
  public var memory: Int?
  /// Whether earlier scores of this study are thrown away.
  public var fresh: Bool
  /// What everything but the group that is scored has; nil for the stored network.
  public var base: Policy?

  /// Options of a measurement.
  public init(
    estimators: [String], data: CalibrationOptions, part: CalibrationPart = .calibration,
    formats: [String], workers: Int, time: Double? = nil, memory: Int? = nil, fresh: Bool = false
  ) {
    self.estimators = estimators
    self.data = data
    self.part = part
    self.formats = formats
    self.workers = workers
    self.time = time
    self.memory = memory
    self.fresh = fresh
  }
}

/// What a measurement did.
public struct MeasurementReport: Codable, Sendable {
  /// One estimator's run.
  public struct Entry: Codable, Sendable {
    /// The estimator.
    public var estimator: String
    /// Samples that have scores now.
    public var samples: Int
    /// Samples that had scores before.
    public var resumed: Int
    /// Whether the time ran out.
    public var stopped: Bool
    /// The unit of the scores.
    public var unit: String
    /// Seconds of this call.
    public var seconds: Double
    /// What a sample was told to take before the run, in forward passes.
    public var forwardPasses: Double
  }

  /// The model.
  public var model: String
  /// Digest of the samples.
  public var data: String
  /// The runs.
  public var runs: [Entry]
  /// The study's directory.
  public var study: String
}

extension OpenedModel {
  /// Measures every group under every format and keeps the scores in a study.
  ///
  /// Goes on where an earlier call with the same data, seed and formats stopped or was killed.
  /// - Parameters:
  ///   - options: What to measure.
  ///   - directory: The study.
  ///   - progress: Is told how far it is.
  public func measure(
    _ options: MeasurementOptions, into directory: String, progress: @escaping ProgressHandler
  ) throws -> MeasurementReport {
    let estimators = try options.estimators.map {
      try ($0, estimator(named: $0, from: options.base))
    }
    let memory = try recordingMemory(options.memory)
    let groups = try groups(formats: options.formats)
    // What can be sized but not rounded here is found before the run, not within it.
    for case let format as GGMLFormat in groups.flatMap(\.formats) {
      if let reason = format.unavailability { throw UserError(.failed, reason) }
    }
    for (name, estimator) in estimators where !type(of: estimator).takesActivations {
      guard groups.allSatisfy({ $0.candidates.allSatisfy { $0.activation == nil } }) else {
        let able = Estimators.all.filter { $0.takesActivations }.map { $0.id }
        throw UserError(
          .usage,
          "\(name) looks at weights alone; candidates that round a layer's input are scored by "
            + able.joined(separator: ", "))
      }
    }
    let data = try data(options.data, part: options.part)
    let study = try study(at: directory, groups: groups, fresh: options.fresh)
    try keepGeometry(of: data.samples.first?.inputs, in: directory)
    let clock = ContinuousClock()
    let began = clock.now
    let entries = try estimators.map { name, estimator in
      try run(
        estimator, named: name, data: data, groups: groups, options: options, memory: memory,
        study: study,
        elapsed: { (clock.now - began).seconds }, progress: progress)
    }
    return MeasurementReport(
      model: graph.name, data: data.digest, runs: entries, study: directory)
  }

  private func study(at directory: String, groups: [MeasuredGroup], fresh: Bool) throws -> Study {
    if fresh, Study.exists(at: directory) {
      try Study.remove(at: directory)
      try ActivationFile.removeAll(in: directory)
    }
    return try Study.create(
      at: directory,
      header: StudyHeader(
        model: try identity(), tool: Tool.version, libraries: Tool.measuringLibraries,
        layers: graph.layers.map(\.layer),
        groups: groups.map { group in
          StudyGroup(
            name: group.name, layers: group.layers.map { graph.layers[$0].layer.name },
            weights: group.layers.reduce(0) { $0 + graph.layers[$1].layer.shape.count })
        },
        skipped: graph.skipped, fixedBytes: fixedBytes, created: Tool.now()))
  }

  private func run(
    _ estimator: any SensitivityEstimator, named name: String, data: CalibrationSet,
    groups: [MeasuredGroup], options: MeasurementOptions, memory: Int, study: Study,
    elapsed: () -> Double, progress: @escaping ProgressHandler
  ) throws -> MeasurementReport.Entry {
    let began = elapsed()
    let samples = data.samples.map(\.inputs)
    let unit = estimator.unit(for: graph.head)
    let run = try study.begin(
      MeasurementKey(
        estimator: name, data: data.digest, seed: options.data.seed,
        configuration: "formats=\(options.formats.joined(separator: ","))"
          + configuration(of: options.base)),
      samples: samples.count, unit: unit,
      candidates: groups.map { group in
        group.candidates.map {
          StudyCandidate(format: $0.name, bytes: bytes(of: group, in: $0.weight))
        }
      })
    let covered = try study.completedSamples(run).first
    let resumed = covered.map { $0.lowerBound == 0 ? $0.upperBound : 0 } ?? 0
    let ranges = try ranges(
      of: groups, samples: samples, workers: options.workers, run: run, in: study.path,
      progress: progress)
    var task = MeasurementTask(
      executor: executor, groups: groups, ranges: ranges, seed: options.data.seed,
      workers: options.workers, memory: memory)
    progress(
      .note(cost(of: estimator, named: name, in: task, samples: samples.count - resumed)))
    let counter = ProgressCounter(
      "measuring \(name)", start: Double(resumed) / Double(samples.count), handler: progress)
    var next = min(resumed, samples.count)
    var size = 0
    var stopped = false
    while next < samples.count {
      if next > 0, let limit = options.time, elapsed() >= limit {
        stopped = true
        break
      }
      if size == 0 {
        size = try estimator.samplesPerChunk(
          task, sample: SampleChunk(first: 0, samples: [largest(of: samples)]),
          memory: memory)
        // Scores are kept chunk by chunk: a kill or --time loses at most an eighth of the run.
        if type(of: estimator).needsData { size = min(size, max(2, (samples.count + 7) / 8)) }
      }
      let end = min(samples.count, size >= samples.count ? samples.count : next + size)
      let share = Double(end - next) / Double(samples.count)
      task.advanced = { counter.advance(by: $0 * share) }
      let chunk = SampleChunk(first: next, samples: Array(samples[next..<end]))
      let scores = try scores(of: chunk, by: estimator, in: task, of: run, keptIn: study)
      try study.append(
        run, chunk: next..<end,
        scores: scores.enumerated().flatMap { group, candidates in
          candidates.enumerated().map {
            CandidateScores(group: group, candidate: $0.offset, values: $0.element)
          }
        })
      next = end
    }
    counter.finish()
    try study.finish(run, samples: next)
    return .init(
      estimator: name, samples: next, resumed: resumed, stopped: stopped, unit: unit,
      seconds: elapsed() - began, forwardPasses: estimator.forwardPasses(task))
  }

  /// The ranges of a run's static activations: those that it was begun with, else new ones.
  private func ranges(
    of groups: [MeasuredGroup], samples: [[String: Tensor]], workers: Int, run: Run,
    in directory: String, progress: @escaping ProgressHandler
  ) throws -> ActivationRanges {
    if let known = try ActivationFile.read(run: run.id, in: directory) { return known }
    let ranges = try activationRanges(
      of: groups, samples: samples, workers: workers, progress: progress)
    if ranges != .none { try ActivationFile.write(ranges, run: run.id, in: directory) }
    return ranges
  }

  /// The sample with the most elements: the one to plan memory by.
  private func largest(of samples: [[String: Tensor]]) -> [String: Tensor] {
    func size(_ sample: [String: Tensor]) -> Int { sample.values.reduce(0) { $0 + $1.count } }
    return samples.max { size($0) < size($1) } ?? [:]
  }
}

extension Duration {
  /// As a number of seconds.
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
