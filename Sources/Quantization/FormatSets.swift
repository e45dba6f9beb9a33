internal import Vocabulary
internal import Yams

/// Named lists of formats, as in `SearchSpaces/formats.yaml`: `--formats @channel`.
public struct FormatSets: Sendable, Equatable {
  /// The version of the file that is understood.
  public static let schemaVersion = 1

  /// Canonical names of formats, by the set's name.
  public let sets: [String: [String]]

  /// No sets: enough to ``expand(_:)`` a list without an `@`.
  public static let none = FormatSets(sets: [:])

  private init(sets: [String: [String]]) { self.sets = sets }

  private struct File: Decodable {
    var schemaVersion: Int
    var sets: [String: [String]]
  }

  /// Reads the text of a file of format sets.
  ///
  /// - Throws: `UserError` when it is not such a file or names an unknown format.
  public init(parsing text: String) throws {
    let file: File
    do {
      file = try YAMLDecoder().decode(File.self, from: text)
    } catch {
      throw UserError(
        .failed, "the format sets cannot be read; they are YAML of 'schemaVersion' and 'sets'")
    }
    guard file.schemaVersion == Self.schemaVersion else {
      throw UserError(
        .failed,
        "the format sets have schemaVersion \(file.schemaVersion), and only "
          + "\(Self.schemaVersion) is understood")
    }
    self.init(sets: try file.sets.mapValues { try $0.map { try LayerFormat.named($0).name } })
  }

  /// Canonical format names from a list of names and `@set`s, in order, each once.
  ///
  /// - Throws: `UserError` of kind usage when a format or set is unknown.
  public func expand(_ items: [String]) throws -> [String] {
    var names: [String] = []
    for item in items {
      if item.hasPrefix("@") {
        let name = String(item.dropFirst())
        guard let set = sets[name] else {
          throw UserError.unknown(name, "format set", known: sets.keys.sorted())
        }
        names += set
      } else {
        names.append(try LayerFormat.named(item).name)
      }
    }
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }
}
