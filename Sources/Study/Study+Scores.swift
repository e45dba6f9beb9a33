import Foundation
import GRDB
public import Vocabulary

extension Study {
  /// Stores the scores of a chunk of samples, all of them or none.
  ///
  /// Writing a chunk twice leaves it as if it was written once.
  ///
  /// - Parameters:
  ///   - run: A run of this study.
  ///   - chunk: The samples, within `0..<run.samples`.
  ///   - scores: Scores of candidates, one value a sample of the chunk.
  /// - Throws: `UserError` for a score that is not a number, or when the disk does not take it.
  public func append(
    _ run: Run, chunk: Range<Int>, scores: some Sequence<CandidateScores>
  ) throws {
    guard chunk.lowerBound >= 0, chunk.upperBound <= run.samples, !chunk.isEmpty else {
      fatalError("a chunk lies within 0..<\(run.samples), got \(chunk)")
    }
    try reporting {
      try database.write { database in
        let statement = try database.makeStatement(
          sql: """
            INSERT OR REPLACE INTO measurements (run, start, "group", candidate, scores)
            VALUES (?, ?, ?, ?, ?)
            """)
        for score in scores {
          try check(score, of: run, chunk: chunk)
          try statement.execute(arguments: [
            run.id, chunk.lowerBound, score.group, score.candidate, Study.blob(score.values),
          ])
        }
      }
    }
  }

  /// The samples on which every candidate has a score: sorted ranges that do not touch.
  ///
  /// A resumed measurement leaves out the chunks that lie within one of them.
  public func completedSamples(_ run: Run) throws -> [Range<Int>] {
    try reporting { try database.read { try Study.coverage(of: run, in: $0) } }
  }

  /// The per-sample scores of a complete run, `[group][candidate][sample]`.
  ///
  /// - Throws: `UserError` when a candidate has no score on one of the samples.
  /// - Complexity: One scan over the run's rows: about 2 microseconds a row.
  public func scores(_ run: Run) throws -> [[[Double]]] {
    try reporting {
      guard run.candidates.count == header.groups.count else { throw DamagedRow() }
      return try database.read { database in
        let covered = try Study.coverage(of: run, in: database)
        guard covered.first == 0..<run.samples else { throw unfinished(run, covered: covered) }
        return try Study.scores(of: run, in: database)
      }
    }
  }

  /// The table to plan from: the mean score of every candidate with its standard error.
  ///
  /// The losses are as they were measured; repair is the optimizer's business.
  ///
  /// - Throws: `UserError` when a candidate has no score on one of the samples.
  public func sensitivityTable(_ run: Run) throws -> SensitivityTable {
    let scores = try scores(run)
    let groups = header.groups.indices.map { group in
      GroupSensitivity(
        name: header.groups[group].name, layers: header.groups[group].layers,
        weights: header.groups[group].weights,
        candidates: run.candidates[group].indices.map { index in
          let mean = SampleMean(scores[group][index])
          let name = run.candidates[group][index].format.split(separator: "/", maxSplits: 1)
          return Candidate(
            format: name.first.map(String.init) ?? "",
            activation: name.count > 1 ? String(name[1]) : nil, loss: mean.mean,
            standardError: mean.standardError, bytes: run.candidates[group][index].bytes)
        })
    }
    return SensitivityTable(unit: run.unit, groups: groups, fixedBytes: header.fixedBytes)
  }

  private func check(_ score: CandidateScores, of run: Run, chunk: Range<Int>) throws {
    guard run.candidates.indices.contains(score.group),
      run.candidates[score.group].indices.contains(score.candidate)
    else { fatalError("no candidate \(score.candidate) of group \(score.group)") }
    guard score.values.count == chunk.count else {
      fatalError("\(chunk.count) samples in the chunk, got \(score.values.count) scores")
    }
    if let bad = score.values.firstIndex(where: { !$0.isFinite }) {
      throw UserError(
        .failed,
        "the score of '\(header.groups[score.group].name)' under "
          + "\(run.candidates[score.group][score.candidate].format) is \(score.values[bad]) "
          + "on sample \(chunk.lowerBound + bad)")
    }
  }
}

extension Study {
  /// Sorted, merged ranges of samples on which every candidate has a score.
  static func coverage(of run: Run, in database: Database) throws -> [Range<Int>] {
    let candidates = run.candidates.reduce(0) { $0 + $1.count }
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT start, length(scores) / 8 AS count FROM measurements WHERE run = ?
        GROUP BY start, count HAVING count(*) = ? ORDER BY start
        """,
      arguments: [run.id, candidates])
    var ranges: [Range<Int>] = []
    while let row = try rows.next() {
      let start = try row.value(0, as: Int.self)
      let count = try row.value(1, as: Int.self)
      let (end, overflow) = start.addingReportingOverflow(count)
      guard start >= 0, count > 0, !overflow else { throw DamagedRow() }
      let clipped = min(start, run.samples)..<min(end, run.samples)
      if clipped.isEmpty { continue }
      if let last = ranges.last, clipped.lowerBound <= last.upperBound {
        ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, clipped.upperBound)
      } else {
        ranges.append(clipped)
      }
    }
    return ranges
  }

  private static func scores(of run: Run, in database: Database) throws -> [[[Double]]] {
    var scores = run.candidates.map { choices in
      choices.map { _ in [Double](repeating: .nan, count: run.samples) }
    }
    let rows = try Row.fetchCursor(
      database,
      sql: #"SELECT "group", candidate, start, scores FROM measurements WHERE run = ?"#,
      arguments: [run.id])
    while let row = try rows.next() {
      let group = try row.value(0, as: Int.self)
      let candidate = try row.value(1, as: Int.self)
      let start = try row.value(2, as: Int.self)
      guard scores.indices.contains(group), scores[group].indices.contains(candidate), start >= 0
      else { throw DamagedRow() }
      if start >= run.samples { continue }
      try row.withUnsafeData(atIndex: 3) { data in
        guard let data, data.count % 8 == 0 else { throw DamagedRow() }
        let count = min(data.count / 8, run.samples - start)
        data.withUnsafeBytes { bytes in
          for index in 0..<count {
            let bits = bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
            scores[group][candidate][start + index] = Double(bitPattern: UInt64(littleEndian: bits))
          }
        }
      }
    }
    for group in scores {
      for values in group where !values.allSatisfy(\.isFinite) { throw DamagedRow() }
    }
    return scores
  }

  private static func blob(_ values: [Double]) -> Data {
    var data = Data(capacity: 8 * values.count)
    for value in values {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
    }
    return data
  }
}
