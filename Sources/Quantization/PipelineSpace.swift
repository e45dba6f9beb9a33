internal import Foundation
public import Vocabulary
internal import Yams

/// A few knobs that decide the formats of all layers at once, as in `SearchSpaces/pipeline.yaml`.
///
/// `bits`, `granularity` and `symmetry` make the format of every layer, `intB-GRANULARITY-SYMMETRY`.
/// Every other knob is for some layers: `first` and `last`, or those whose names match the knob's
/// `layers`. Its settings are `same`, for the format of every layer, or a format; where several knobs
/// are for a layer, the last one that is not `same` counts. A layer that refuses its format takes its
/// stand-in.
public struct PipelineSpace: Sendable, Equatable {
  /// The version of the file that is understood.
  public static let schemaVersion = 1

  /// A knob and what it may be.
  public struct Knob: Sendable, Equatable, Decodable {
    /// One of ``PipelineSpace/names``, or any name where there are `layers`.
    public var name: String
    /// The names of the layers that it is for: `*` stands for any run of characters, `?` for one.
    public var layers: String?
    /// Its settings, at least one.
    public var values: [String]
    /// Whether neighbouring settings are alike.
    public var ordered: Bool?
  }

  /// The knobs that every space has.
  public static let needed = ["bits", "granularity", "symmetry"]
  /// The knobs that have a meaning by their names.
  public static let names = needed + ["first", "last"]

  /// The most points that are listed: where all of them are evaluated.
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
    knobs = file.knobs
    try checkKnobs()
    try checkFormats()
  }

  private func checkKnobs() throws {
    var seen: Set<String> = []
    for knob in knobs {
      guard Self.names.contains(knob.name) != (knob.layers != nil) else {
        guard knob.layers == nil else {
          throw UserError(.failed, "the knob '\(knob.name)' has layers of its own; leave them out")
        }
        throw UserError.unknown(knob.name, "knob without 'layers'", known: Self.names)
      }
      guard seen.insert(knob.name).inserted else {
        throw UserError(.failed, "the space has two knobs '\(knob.name)'")
      }
      guard !knob.values.isEmpty, Set(knob.values).count == knob.values.count else {
        throw UserError(.failed, "the knob '\(knob.name)' has no values, or one of them twice")
      }
    }
    for name in Self.needed where !seen.contains(name) {
      throw UserError(.failed, "the space has no knob '\(name)'")
    }
  }

  private func checkFormats() throws {
    var names: [[String]] = [[]]
    for needed in Self.needed {
      let values = knobs.first { $0.name == needed }?.values ?? []
      names = names.flatMap { start in values.map { start + [$0] } }
    }
    for parts in names { _ = try Formats.named("int" + parts.joined(separator: "-")) }
    for knob in knobs where !Self.needed.contains(knob.name) {
      for value in knob.values where value != "same" { _ = try Formats.named(value) }
    }
  }

  /// The number of points; nil when it does not fit an `Int`.
  public var pointCount: Int? {
    knobs.reduce(1 as Int?) { product, knob in
      product.flatMap {
        let (value, overflow) = $0.multipliedReportingOverflow(by: knob.values.count)
        return overflow ? nil : value
      }
    }
  }

  /// Every point, one setting's index per knob, the last knob running fastest.
  ///
  /// - Throws: `UserError` when there are more than ``mostPoints``.
  public func points() throws -> [[Int]] {
    guard let count = pointCount, count <= Self.mostPoints else {
      throw UserError(.failed, "the space has more than \(Self.mostPoints) points")
    }
    return knobs.reduce([[]]) { points, knob in
      points.flatMap { point in knob.values.indices.map { point + [$0] } }
    }
  }

  /// Every format that some point may give a layer before stand-ins, in the knobs' order.
  public func formatNames() throws -> [String] {
    var seen: Set<String> = []
    var names: [String] = []
    for bits in values("bits") {
      for granularity in values("granularity") {
        for symmetry in values("symmetry") {
          names.append(try Formats.named("int\(bits)-\(granularity)-\(symmetry)").name)
        }
      }
    }
    for knob in knobs where !Self.needed.contains(knob.name) {
      for value in knob.values where value != "same" {
        names.append(try Formats.named(value).name)
      }
    }
    return names.filter { seen.insert($0).inserted }
  }

  private func values(_ name: String) -> [String] {
    knobs.first { $0.name == name }?.values ?? []
  }

  private func setting(_ name: String, _ choices: [Int]) -> String {
    let index = knobs.firstIndex { $0.name == name } ?? 0
    return knobs[index].values[choices[index]]
  }

  /// The format of every layer at a point.
  ///
  /// - Parameters:
  ///   - choices: One setting's index per knob.
  ///   - layers: The layers, in the network's order.
  /// - Throws: `UserError` when a layer takes neither its format nor a stand-in.
  public func formats(_ choices: [Int], for layers: [Layer]) throws -> [any NumberFormat] {
    let usual = Self.needed.map { setting($0, choices) }.joined(separator: "-")
    return try layers.enumerated().map { index, layer in
      var name = "int" + usual
      for (knob, choice) in zip(knobs, choices) where knob.values[choice] != "same" {
        let isMeant =
          switch knob.name {
          case "first": index == 0
          case "last": index == layers.count - 1
          default: knob.layers.map { fnmatch($0, layer.name, 0) == 0 } ?? false
          }
        if isMeant { name = knob.values[choice] }
      }
      guard let format = try Formats.format(name, for: layer.shape) else {
        throw UserError(
          .failed,
          "the layer '\(layer.name)' of \(layer.shape.rows) x \(layer.shape.columns) cannot be "
            + name)
      }
      return format
    }
  }
}
