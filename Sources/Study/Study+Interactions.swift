public import Foundation
import GRDB
import Vocabulary

/// What an interaction estimator has of some samples, in its own encoding.
public struct InteractionChunk: Hashable, Sendable {
  /// The samples.
  public var samples: Range<Int>
  /// The estimator's own bytes.
  public var data: Data

  /// Bytes of some samples.
  public init(samples: Range<Int>, data: Data) {
    self.samples = samples
    self.data = data
  }
}

extension Study {
  /// Stores what an interaction estimator has of a chunk of samples.
  ///
  /// Written before the chunk's scores, so that samples with scores have interactions too; writing a
  /// chunk twice leaves it as if it was written once.
  /// - Throws: `UserError` when the disk does not take it.
  public func append(_ run: Run, interactions chunk: InteractionChunk) throws {
    guard chunk.samples.lowerBound >= 0, !chunk.samples.isEmpty else {
      fatalError("a chunk has samples, got \(chunk.samples)")
    }
    try reporting {
      try database.write { database in
        try database.execute(
          sql:
            #"INSERT OR REPLACE INTO interactions (run, start, "end", data) VALUES (?, ?, ?, ?)"#,
          arguments: [run.id, chunk.samples.lowerBound, chunk.samples.upperBound, chunk.data])
      }
    }
  }

  /// The interactions of a run, in the samples' order: chunks that cover `0 ..< run.samples` without a
  /// gap, the last perhaps beyond it.
  ///
  /// - Throws: `UserError` when there are none, or not of all samples.
  public func interactions(_ run: Run) throws -> [InteractionChunk] {
    try reporting {
      try database.read { database in
        let rows = try Row.fetchCursor(
          database,
          sql: #"SELECT start, "end", data FROM interactions WHERE run = ? ORDER BY start"#,
          arguments: [run.id])
        var chunks: [InteractionChunk] = []
        var next = 0
        while next < run.samples, let row = try rows.next() {
          let start = try row.value(0, as: Int.self)
          let end = try row.value(1, as: Int.self)
          guard start >= 0, start < end else { throw DamagedRow() }
          guard start == next else { break }
          chunks.append(
            InteractionChunk(samples: start..<end, data: try row.value(2, as: Data.self)))
          next = end
        }
        guard next >= run.samples else {
          throw UserError(
            .failed,
            "the run of \(run.key.estimator) in '\(path)' has interactions of \(next) of "
              + "\(run.samples) samples; measure again with --fresh")
        }
        return chunks
      }
    }
  }
}
