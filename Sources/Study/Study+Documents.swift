import GRDB

/// A result that is kept as it was written: a policy or a verification.
public struct StudyDocument: Hashable, Sendable {
  /// What the document is.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// A chosen policy.
    case policy
    /// What held-out data said of policies.
    case verification
  }

  /// The document's number within its study.
  public internal(set) var id: Int64
  /// What it is.
  public internal(set) var kind: Kind
  /// What it is called.
  public internal(set) var name: String
  /// Its text.
  public internal(set) var json: String
  /// When it was written, as the caller writes it (ISO 8601).
  public internal(set) var created: String
}

extension Study {
  /// Keeps a policy.
  @discardableResult
  public func savePolicy(name: String, json: String, created: String) throws -> Int64 {
    try save(.policy, name: name, json: json, created: created)
  }

  /// Keeps a verification: whatever the caller wants to remember, per-sample losses included.
  @discardableResult
  public func saveVerification(name: String, json: String, created: String) throws -> Int64 {
    try save(.verification, name: name, json: json, created: created)
  }

  /// The documents of a kind, oldest first.
  public func documents(_ kind: StudyDocument.Kind) throws -> [StudyDocument] {
    try reporting {
      try database.read { database in
        let rows = try Row.fetchCursor(
          database,
          sql: "SELECT id, name, json, created FROM documents WHERE kind = ? ORDER BY id",
          arguments: [kind.rawValue])
        var documents: [StudyDocument] = []
        while let row = try rows.next() {
          documents.append(
            StudyDocument(
              id: try row.value(0, as: Int64.self), kind: kind,
              name: try row.value(1, as: String.self), json: try row.value(2, as: String.self),
              created: try row.value(3, as: String.self)))
        }
        return documents
      }
    }
  }

  private func save(
    _ kind: StudyDocument.Kind, name: String, json: String, created: String
  ) throws -> Int64 {
    try reporting {
      try database.write { database in
        try database.execute(
          sql: "INSERT INTO documents (kind, name, json, created) VALUES (?, ?, ?, ?)",
          arguments: [kind.rawValue, name, json, created])
        return database.lastInsertedRowID
      }
    }
  }
}
