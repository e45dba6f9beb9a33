public import Vocabulary
internal import Yams

/// A few knobs that decide the formats of all layers at once, as in `SearchSpaces/pipeline.yaml`.
///
/// `bits`, `granularity` and `symmetry` make the format of every layer, `intB-GRANULARITY-SYMMETRY`;
/// `first` and `last` are that format (`same`) or another one for the first and the last layer. A layer
/// that refuses its format takes its stand-in.
public struct PipelineSpace: Sendable, Equatable {
  /// The version of the file that is understood.
  public static let schemaVersion = 1

  /// A knob and what it may be.
  public struct Knob: Sendable, Equatable, Decodable {
    /// One of ``PipelineSpace/names``.
    public var name: String
    /// Its settings, at least one.
    public var values: [String]
    /// Whether neighbouring settings are alike.
    public var ordered: Bool?
  }

  /// The knobs that there are, all of which a space has.
  public static let names = ["bits", "granularity", "symmetry", "first", "last"]

  /// The most points that a space may have: all of them are meant to be evaluated.
  public static let mostPoints = 10_000

  /// The knobs, in the file's order.
  public let knobs: [Knob]

  private struct File: Decodable {
    var schemaVersion: Int
    var knobs: [Knob]
  }

  /// Reads the text of a space's file.
  ///
  /// - Throws: `UserError` naming the field when it is not such a file, when a knob is missing, unknown
  ///   or empty, and when some settings make no format.
  public init(parsing text: String) throws {
    let file: File
    do {
      file = try YAMLDecoder().decode(File.self, from: text)
    } catch {
      throw UserError(
        .failed,
        "the space cannot be read; it is YAML of 'schemaVersion' and 'knobs', each with 'name' and "
          + "'values'")
    }
    guard file.schemaVersion == Self.schemaVersion else {
      throw UserError(
        .failed,
        "the space has schemaVersion \(file.schemaVersion), and only \(Self.schemaVersion) is "
          + "understood")
    }
    for knob in file.knobs {
      guard Self.names.contains(knob.name) else {
        throw UserError.unknown(knob.name, "knob", known: Self.names)
      }
      guard !knob.values.isEmpty, Set(knob.values).count == knob.values.count else {
        throw UserError(.failed, "the knob '\(knob.name)' has no values, or one of them twice")
      }
    }
    guard file.knobs.map(\.name).sorted() == Self.names.sorted() else {
      throw UserError(
        .failed, "a space has each of the knobs \(Self.names.joined(separator: ", ")) once")
    }
    knobs = file.knobs
    guard knobs.reduce(1.0, { $0 * Double($1.values.count) }) <= Double(Self.mostPoints) else {
      throw UserError(.failed, "the space has more than \(Self.mostPoints) points")
    }
    for point in points { _ = try names(point) }
  }

  private func setting(_ name: String, _ choices: [Int]) -> String {
    let index = knobs.firstIndex { $0.name == name } ?? 0
    return knobs[index].values[choices[index]]
  }

  /// Every point, one setting's index per knob, the last knob running fastest.
  public var points: [[Int]] {
    knobs.reduce([[]]) { points, knob in
      points.flatMap { point in knob.values.indices.map { point + [$0] } }
    }
  }

  /// The names of the formats of the first layer, of those between, and of the last.
  private func names(_ choices: [Int]) throws -> (first: String, middle: String, last: String) {
    let parts =
      ["int" + setting("bits", choices)]
      + ["granularity", "symmetry"].map {
        setting($0, choices)
      }
    let middle = try Formats.named(parts.joined(separator: "-")).name
    func edge(_ name: String) throws -> String {
      let value = setting(name, choices)
      return value == "same" ? middle : try Formats.named(value).name
    }
    return (try edge("first"), middle, try edge("last"))
  }

  /// The format of every layer at a point.
  ///
  /// - Parameters:
  ///   - choices: One setting's index per knob.
  ///   - shapes: The layers' shapes, in the network's order.
  /// - Throws: `UserError` when a layer takes neither its format nor a stand-in.
  public func formats(_ choices: [Int], for shapes: [WeightShape]) throws -> [any NumberFormat] {
    let names = try names(choices)
    return try shapes.enumerated().map { index, shape in
      let name =
        index == shapes.count - 1 ? names.last : index == 0 ? names.first : names.middle
      guard let format = try Formats.format(name, for: shape) else {
        throw UserError(
          .failed, "layer \(index) of \(shape.rows) x \(shape.columns) cannot be \(name)")
      }
      return format
    }
  }
}
