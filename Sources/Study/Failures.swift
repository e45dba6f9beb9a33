import GRDB
import Vocabulary

/// A value of the wrong type in a row: the file was damaged.
struct DamagedRow: Error {}

extension Row {
  /// The value of a column, without trusting the file to hold the type that was declared.
  func value<Value: DatabaseValueConvertible>(_ index: Int, as type: Value.Type) throws -> Value {
    let stored: DatabaseValue = self[index]
    guard let value = Value.fromDatabaseValue(stored) else { throw DamagedRow() }
    return value
  }
}

extension Study {
  /// Runs `work` and turns every failure of the database into one sentence.
  static func reporting<Value>(_ path: String, _ work: () throws -> Value) throws -> Value {
    do {
      return try work()
    } catch let error as DatabaseError {
      throw UserError(.failed, sentence(for: error, at: path))
    } catch is DamagedRow {
      throw invalidRows(path)
    } catch is RowDecodingError {
      throw invalidRows(path)
    }
  }

  /// Runs `work` and turns every failure of the database into one sentence.
  func reporting<Value>(_ work: () throws -> Value) throws -> Value {
    try Study.reporting(path, work)
  }

  private static func invalidRows(_ path: String) -> UserError {
    UserError(.failed, "the study '\(path)' is damaged: \(fileName) holds no valid rows")
  }

  private static func sentence(for error: DatabaseError, at path: String) -> String {
    switch error.resultCode {
    case .SQLITE_NOTADB: "'\(path)' is not a study: its \(fileName) is no SQLite database"
    case .SQLITE_CORRUPT: "the study '\(path)' is damaged: \(fileName) cannot be read"
    case .SQLITE_BUSY, .SQLITE_LOCKED: "the study '\(path)' is in use by another process"
    case .SQLITE_FULL: "the study '\(path)' cannot grow: the disk is full"
    case .SQLITE_READONLY, .SQLITE_PERM: "the study '\(path)' is read-only"
    case .SQLITE_CANTOPEN: "the study '\(path)' cannot be opened"
    default:
      "the study '\(path)' cannot be used: \(error.message ?? "SQLite error \(error.resultCode)")"
    }
  }
}
