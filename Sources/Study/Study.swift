import Foundation
import GRDB
import Vocabulary

/// One model's measurements, policies and verifications on disk: a directory with `study.sqlite`.
///
/// The database keeps a rollback journal: a process that is killed at any moment leaves a directory
/// that opens again at the last finished chunk, and the directory may be copied as it is.
public final class Study: Sendable {
  /// The database's name within the study's directory.
  public static let fileName = "study.sqlite"

  /// The study's directory.
  public let path: String
  /// What the study is about.
  public let header: StudyHeader

  let database: DatabaseQueue

  private init(path: String, header: StudyHeader, database: DatabaseQueue) {
    self.path = path
    self.header = header
    self.database = database
  }

  /// Opens the study at `path`, or begins one there.
  ///
  /// A study of the same model goes on with the header that it has.
  ///
  /// - Throws: `UserError` when the place is taken by something else: a file, a study of another
  ///   model or one with other groups, a damaged study.
  public static func create(at path: String, header: StudyHeader) throws -> Study {
    var isDirectory: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
      guard isDirectory.boolValue else {
        throw UserError(.failed, "'\(path)' is a file; a study is a directory")
      }
    } else {
      do {
        try FileManager.default.createDirectory(
          atPath: path, withIntermediateDirectories: true)
      } catch {
        throw UserError(.failed, "the directory '\(path)' cannot be made")
      }
    }
    return try reporting(path) {
      let database = try connection(to: path)
      try checkOrigin(of: database, at: path, mayBeEmpty: true)
      try Schema.migrator.migrate(database)
      let stored = try database.write { database in
        if let stored = try storedHeader(in: database, at: path) { return stored }
        try database.execute(
          sql: "INSERT INTO header (id, digest, json) VALUES (1, ?, ?)",
          arguments: [header.model.digest, try encoded(header)])
        return header
      }
      guard stored.model.digest == header.model.digest else {
        throw UserError(
          .failed,
          "the study '\(path)' is of another model (\(stored.model.name)); choose another directory"
        )
      }
      guard stored.groups == header.groups else {
        throw UserError(
          .failed,
          "the study '\(path)' has its layers in other groups; choose another directory")
      }
      return Study(path: path, header: stored, database: database)
    }
  }

  /// Opens the study at `path`.
  ///
  /// - Throws: `UserError` when there is none, when it is damaged, and when a newer tool wrote it.
  public static func open(at path: String) throws -> Study {
    guard FileManager.default.fileExists(atPath: path) else {
      throw UserError(.failed, "there is no study at '\(path)'")
    }
    guard FileManager.default.fileExists(atPath: "\(path)/\(fileName)") else {
      throw UserError(.failed, "'\(path)' is not a study: it holds no \(fileName)")
    }
    return try reporting(path) {
      let database = try connection(to: path)
      try checkOrigin(of: database, at: path, mayBeEmpty: false)
      let migrator = Schema.migrator
      if try !database.read(migrator.hasCompletedMigrations) { try migrator.migrate(database) }
      guard let header = try database.read({ try storedHeader(in: $0, at: path) }) else {
        throw UserError(.failed, "the study '\(path)' is empty; measure again")
      }
      return Study(path: path, header: header, database: database)
    }
  }

  /// Whether there is a study at `path`: a directory with a database, whatever its state.
  public static func exists(at path: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(path)/\(fileName)")
  }

  /// Takes the study at `path` away, with the journal that a killed process may have left.
  ///
  /// Other files in the directory stay. A place without a study is left as it is.
  ///
  /// - Throws: `UserError` when the system refuses.
  public static func remove(at path: String) throws {
    // The database first: a journal without its database is harmless, the reverse is not.
    for file in ["\(path)/\(fileName)", "\(path)/\(fileName)-journal"] {
      guard FileManager.default.fileExists(atPath: file) else { continue }
      do {
        try FileManager.default.removeItem(atPath: file)
      } catch {
        throw UserError(.failed, "the study '\(path)' cannot be removed")
      }
    }
  }

  private static func connection(to path: String) throws -> DatabaseQueue {
    let file = "\(path)/\(fileName)"
    var configuration = Configuration()
    configuration.label = "bitbudget.study"
    configuration.busyMode = .timeout(10)
    // A study on a read-only medium can still be planned from.
    configuration.readonly =
      FileManager.default.fileExists(atPath: file)
      && !(FileManager.default.isWritableFile(atPath: file)
        && FileManager.default.isWritableFile(atPath: path))
    return try DatabaseQueue(path: file, configuration: configuration)
  }

  /// Refuses databases that are not studies or that a newer tool has written.
  private static func checkOrigin(
    of database: DatabaseQueue, at path: String, mayBeEmpty: Bool
  ) throws {
    try database.read { database in
      let mark = try Int.fetchOne(database, sql: "PRAGMA application_id")
      let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master")
      if mayBeEmpty && mark == 0 && tables == 0 { return }
      guard mark == Schema.applicationID else {
        throw UserError(
          .failed, "'\(path)' is not a study: its \(fileName) was written by another program")
      }
      guard try !Schema.migrator.hasBeenSuperseded(database) else {
        throw UserError(.failed, "the study '\(path)' was written by a newer version of bitbudget")
      }
    }
  }

  private static func storedHeader(in database: Database, at path: String) throws -> StudyHeader? {
    guard
      let row = try Row.fetchOne(database, sql: "SELECT json FROM header WHERE id = 1")
    else { return nil }
    let json = try row.value(0, as: String.self)
    guard
      let header = try? JSONDecoder().decode(StudyHeader.self, from: Data(json.utf8)),
      isSize(header.fixedBytes), header.groups.allSatisfy({ isSize($0.weights) })
    else { throw UserError(.failed, "the study '\(path)' is damaged: its header cannot be read") }
    return header
  }

  private static func encoded(_ header: StudyHeader) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(header), as: UTF8.self)
  }
}
