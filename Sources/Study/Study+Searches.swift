import Foundation
import GRDB
public import Vocabulary

/// A search that a study remembers: one strategy on one space.
public struct StudySearch: Hashable, Sendable {
  /// The search's number within its study.
  public internal(set) var id: Int64
  /// Everything that decides its trials, as a digest: strategy, space, settings and data.
  public internal(set) var key: String
  /// The strategy's name.
  public internal(set) var strategy: String
  /// The number of knobs and of choices of each, and of the samples: what a trial must fit.
  public internal(set) var choiceCounts: [Int]
  /// The samples that there are to evaluate on.
  public internal(set) var samples: Int
  /// When it began, as the caller writes it (ISO 8601).
  public internal(set) var created: String
}

extension Study {
  /// Begins a search, or goes on with the one that has the same key.
  ///
  /// - Parameters:
  ///   - key: A digest of everything that decides the search's trials.
  ///   - strategy: The strategy's name.
  ///   - problem: The space; its trials are checked against it when they are read.
  ///   - created: Now, ISO 8601.
  /// - Throws: `UserError` when a search with this key is on another space.
  public func beginSearch(
    _ key: String, strategy: String, problem: SearchProblem, created: String
  ) throws -> StudySearch {
    let json = try Study.encoded(problem)
    return try reporting {
      try database.write { database in
        let known = try Study.searches(in: database, where: "key = ?", [key]).first
        if let known {
          guard known.strategy == strategy,
            known.choiceCounts == problem.knobs.map(\.choices.count),
            known.samples == problem.samples
          else {
            throw UserError(
              .failed,
              "the study '\(path)' holds another search under this one's key; choose another directory"
            )
          }
          return known
        }
        try database.execute(
          sql: "INSERT INTO searches (key, strategy, problem, created) VALUES (?, ?, ?, ?)",
          arguments: [key, strategy, json, created])
        return StudySearch(
          id: database.lastInsertedRowID, key: key, strategy: strategy,
          choiceCounts: problem.knobs.map(\.choices.count), samples: problem.samples,
          created: created)
      }
    }
  }

  /// Every search, oldest first.
  public func searches() throws -> [StudySearch] {
    try reporting { try database.read { try Study.searches(in: $0, where: "1", []) } }
  }

  /// The space of a search.
  public func problem(of search: StudySearch) throws -> SearchProblem {
    try reporting {
      try database.read { database in
        let row = try Row.fetchOne(
          database, sql: "SELECT problem FROM searches WHERE id = ?", arguments: [search.id])
        guard let row else { throw DamagedRow() }
        return try Study.problem(row.value(0, as: String.self))
      }
    }
  }

  /// Stores a trial as the last one of its search.
  ///
  /// - Throws: `UserError` for a value that is not a number, or when the disk does not take it.
  public func append(_ trial: Trial, to search: StudySearch) throws {
    guard Study.fits(trial, search) else {
      fatalError("a trial of the search's own space expected, got \(trial.proposal)")
    }
    if let bad = (trial.values + trial.perSample).first(where: { !$0.isFinite }) {
      throw UserError(.failed, "an evaluation of the search gave \(bad), which cannot be kept")
    }
    try reporting {
      try database.write { database in
        try database.execute(
          sql: """
            INSERT INTO trials (search, number, choices, start, "end", "values", scores)
            SELECT ?, coalesce(max(number) + 1, 0), ?, ?, ?, ?, ? FROM trials WHERE search = ?
            """,
          arguments: [
            search.id, trial.choices.map(String.init).joined(separator: ","),
            trial.proposal.samples.lowerBound, trial.proposal.samples.upperBound,
            Study.bytes(of: trial.values), Study.bytes(of: trial.perSample), search.id,
          ])
      }
    }
  }

  /// The trials of a search, in the order in which they were evaluated.
  public func trials(of search: StudySearch) throws -> [Trial] {
    try reporting {
      try database.read { database in
        let rows = try Row.fetchCursor(
          database,
          sql: """
            SELECT number, choices, start, "end", "values", scores FROM trials WHERE search = ?
            ORDER BY number
            """,
          arguments: [search.id])
        var trials: [Trial] = []
        while let row = try rows.next() {
          guard try row.value(0, as: Int.self) == trials.count else { throw DamagedRow() }
          let start = try row.value(2, as: Int.self)
          let end = try row.value(3, as: Int.self)
          guard start >= 0, start < end else { throw DamagedRow() }
          let trial = Trial(
            Proposal(try Study.choices(row.value(1, as: String.self)), samples: start..<end),
            values: try Study.doubles(row.value(4, as: Data.self)),
            perSample: try Study.doubles(row.value(5, as: Data.self)))
          guard Study.fits(trial, search) else { throw DamagedRow() }
          trials.append(trial)
        }
        return trials
      }
    }
  }
}

extension Study {
  private static func searches(
    in database: Database, where condition: String, _ arguments: StatementArguments
  ) throws -> [StudySearch] {
    let rows = try Row.fetchCursor(
      database,
      sql: """
        SELECT id, key, strategy, problem, created FROM searches WHERE \(condition) ORDER BY id
        """,
      arguments: arguments)
    var searches: [StudySearch] = []
    while let row = try rows.next() {
      let problem = try problem(row.value(3, as: String.self))
      searches.append(
        StudySearch(
          id: try row.value(0, as: Int64.self), key: try row.value(1, as: String.self),
          strategy: try row.value(2, as: String.self),
          choiceCounts: problem.knobs.map(\.choices.count), samples: problem.samples,
          created: try row.value(4, as: String.self)))
    }
    return searches
  }

  /// Whether a trial lies within its search's space.
  private static func fits(_ trial: Trial, _ search: StudySearch) -> Bool {
    trial.choices.count == search.choiceCounts.count
      && zip(trial.choices, search.choiceCounts).allSatisfy { (0..<$1).contains($0) }
      && trial.proposal.samples.lowerBound >= 0
      && trial.proposal.samples.upperBound <= search.samples
      && !trial.proposal.samples.isEmpty && !trial.values.isEmpty
      && (trial.perSample.isEmpty || trial.perSample.count == trial.proposal.samples.count)
  }

  private static func encoded(_ problem: SearchProblem) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(problem) else {
      throw UserError(.failed, "the search's space has a cost or a loss that is not a number")
    }
    return String(decoding: data, as: UTF8.self)
  }

  /// A stored space; the sizes of everything in it agree.
  private static func problem(_ json: String) throws -> SearchProblem {
    guard
      let problem = try? JSONDecoder().decode(SearchProblem.self, from: Data(json.utf8)),
      problem.samples > 0, problem.knobs.allSatisfy({ !$0.choices.isEmpty })
    else { throw DamagedRow() }
    let counts = problem.knobs.map(\.choices.count)
    let tables = problem.costs.map(\.values) + [problem.prior].compactMap(\.self)
    guard tables.allSatisfy({ $0.map(\.count) == counts }) else { throw DamagedRow() }
    return problem
  }

  private static func choices(_ text: String) throws -> [Int] {
    try text.split(separator: ",", omittingEmptySubsequences: false).map {
      guard let choice = Int($0) else { throw DamagedRow() }
      return choice
    }
  }

  private static func bytes(of values: [Double]) -> Data {
    var data = Data(capacity: 8 * values.count)
    for value in values {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
    }
    return data
  }

  private static func doubles(_ data: Data) throws -> [Double] {
    guard data.count % 8 == 0 else { throw DamagedRow() }
    let values = data.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: 8).map { offset in
        Double(
          bitPattern: UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
      }
    }
    guard values.allSatisfy(\.isFinite) else { throw DamagedRow() }
    return values
  }
}
