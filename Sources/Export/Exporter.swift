public import Vocabulary

/// Writes a policy the way a consumer reads it.
///
/// A new consumer is one file in `Exporters/` and one line in ``Exporters/all``.
public protocol Exporter: Sendable {
  /// The name used on the command line; never changed once released.
  static var id: String { get }
  /// One line: who reads this.
  static var summary: String { get }
  /// The consumer's file, the same bytes for the same policy.
  ///
  /// - Throws: `UserError` that names the layer and the format that the consumer cannot take.
  func text(for policy: Policy) throws -> String
}

extension Exporter {
  /// The name used on the command line.
  public var id: String { Self.id }
  /// One line: who reads this.
  public var summary: String { Self.summary }
}

/// The catalogue of exporters.
public enum Exporters {
  /// Every exporter, in the order of `list exporters`.
  public static let all: [any Exporter] = [NeutralJSON(), LayerCSV()]

  /// The exporter with this name.
  ///
  /// - Throws: `UserError` with the nearest known name.
  public static func named(_ id: String) throws -> any Exporter {
    guard let exporter = all.first(where: { $0.id == id }) else {
      throw UserError.unknown(id, "exporter", known: all.map(\.id))
    }
    return exporter
  }
}
