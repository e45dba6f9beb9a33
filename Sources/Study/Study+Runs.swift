import GRDB
import Vocabulary

extension Study {
  /// Begins a measurement, or goes on with the one that has the same key.
  ///
  /// A run that is asked for with another number of samples keeps the scores that it has: more
  /// samples make it incomplete again, fewer leave the rest unread.
  ///
  /// - Parameters:
  ///   - samples: The number of samples that the run will take.
  ///   - unit: The unit of the scores, e.g. `nats/token`.
  ///   - candidates: What each group of the header may take, `[group][candidate]`.
  /// - Throws: `UserError` when a run with this key has other candidates.
  public func begin(
    _ key: MeasurementKey, samples: Int, unit: String, candidates: [[StudyCandidate]]
  ) throws -> Run {
    guard candidates.count == header.groups.count else {
      fatalError("candidates for \(header.groups.count) groups, got \(candidates.count)")
    }
    guard samples > 0 else { fatalError("a run takes at least one sample, got \(samples)") }
    return try reporting {
      try database.write { database in
        if var run = try Study.runs(in: database, where: "estimator = ?", [key.estimator])
          .first(where: { $0.key == key })
        {
          guard run.candidates == candidates, run.unit == unit else {
            throw UserError(
              .failed,
              "the study '\(path)' holds a run of \(key.estimator) with other candidates; "
                + "choose another directory")
          }
          guard run.samples != samples else { return run }
          run.samples = samples
          run.isComplete = try Study.coverage(of: run, in: database).first == 0..<samples
          try Study.update(run, in: database)
          return run
        }
        return try Study.insert(
          key, samples: samples, unit: unit, candidates: candidates, into: database)
      }
    }
  }

  /// Every run, oldest first.
  public func runs() throws -> [Run] {
    try reporting { try database.read { try Study.runs(in: $0, where: "1", []) } }
  }

  /// The run with this key.
  public func run(_ key: MeasurementKey) throws -> Run? {
    try runs().first { $0.key == key }
  }

  /// The newest complete run, of one estimator or of any.
  public func latestCompleteRun(estimator: String? = nil) throws -> Run? {
    try runs().last { $0.isComplete && (estimator == nil || $0.key.estimator == estimator) }
  }

  /// Declares a run complete: its scores can be planned from.
  ///
  /// - Parameter samples: Where the run stops when it was cut short (`--time`); nil for all that it
  ///   was begun with.
  /// - Throws: `UserError` when a candidate has no score on one of the samples.
  @discardableResult
  public func finish(_ run: Run, samples: Int? = nil) throws -> Run {
    var finished = run
    finished.samples = samples ?? run.samples
    finished.isComplete = true
    return try reporting {
      try database.write { database in
        let covered = try Study.coverage(of: finished, in: database)
        guard covered.first == 0..<finished.samples else {
          throw unfinished(finished, covered: covered)
        }
        try Study.update(finished, in: database)
        return finished
      }
    }
  }

  func unfinished(_ run: Run, covered: [Range<Int>]) -> UserError {
    let done = covered.reduce(0) { $0 + $1.count }
    return UserError(
      .failed,
      "the run of \(run.key.estimator) in '\(path)' has \(done) of \(run.samples) samples; "
        + "measure again to go on")
  }
}

extension Study {
  static func runs(
    in database: Database, where condition: String, _ arguments: StatementArguments
  ) throws -> [Run] {
    var runs: [Run] = []
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT id, estimator, data, seed, configuration, samples, unit, complete FROM runs
        WHERE \(condition) ORDER BY id
        """,
      arguments: arguments)
    while let row = try rows.next() {
      let samples = try row.value(5, as: Int.self)
      // The length of arrays to come: a damaged file must not ask for all the memory there is.
      guard samples > 0, samples <= 1 << 32 else { throw DamagedRow() }
      runs.append(
        Run(
          id: try row.value(0, as: Int64.self),
          key: MeasurementKey(
            estimator: try row.value(1, as: String.self), data: try row.value(2, as: String.self),
            seed: UInt64(bitPattern: try row.value(3, as: Int64.self)),
            configuration: try row.value(4, as: String.self)),
          samples: samples, unit: try row.value(6, as: String.self),
          isComplete: try row.value(7, as: Bool.self), candidates: []))
    }
    for index in runs.indices {
      runs[index].candidates = try candidates(of: runs[index].id, in: database)
    }
    return runs
  }

  /// Whether a number can be a size: sums of many of them do not overflow.
  static func isSize(_ value: Int) -> Bool { value >= 0 && value < 1 << 50 }

  private static func candidates(
    of run: Int64, in database: Database
  ) throws -> [[StudyCandidate]] {
    var candidates: [[StudyCandidate]] = []
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT "group", candidate, format, bytes FROM candidates WHERE run = ?
        ORDER BY "group", candidate
        """,
      arguments: [run])
    while let row = try rows.next() {
      let group = try row.value(0, as: Int.self)
      if group == candidates.count { candidates.append([]) }
      guard group == candidates.count - 1,
        try row.value(1, as: Int.self) == candidates[group].count
      else { throw DamagedRow() }
      let bytes = try row.value(3, as: Int.self)
      guard Study.isSize(bytes) else { throw DamagedRow() }
      candidates[group].append(
        StudyCandidate(format: try row.value(2, as: String.self), bytes: bytes))
    }
    return candidates
  }

  private static func insert(
    _ key: MeasurementKey, samples: Int, unit: String, candidates: [[StudyCandidate]],
    into database: Database
  ) throws -> Run {
    try database.execute(
      sql: """
        INSERT INTO runs (estimator, data, seed, configuration, samples, unit, complete)
        VALUES (?, ?, ?, ?, ?, ?, 0)
        """,
      arguments: [
        key.estimator, key.data, Int64(bitPattern: key.seed), key.configuration, samples, unit,
      ])
    let id = database.lastInsertedRowID
    let statement = try database.makeStatement(
      sql: """
        INSERT INTO candidates (run, "group", candidate, format, bytes) VALUES (?, ?, ?, ?, ?)
        """)
    for (group, choices) in candidates.enumerated() {
      guard !choices.isEmpty else { fatalError("group \(group) has no candidates") }
      for (index, candidate) in choices.enumerated() {
        try statement.execute(arguments: [id, group, index, candidate.format, candidate.bytes])
      }
    }
    return Run(
      id: id, key: key, samples: samples, unit: unit, isComplete: false, candidates: candidates)
  }

  private static func update(_ run: Run, in database: Database) throws {
    try database.execute(
      sql: "UPDATE runs SET samples = ?, complete = ? WHERE id = ?",
      arguments: [run.samples, run.isComplete, run.id])
  }
}
