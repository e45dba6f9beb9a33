internal import Foundation
public import Vocabulary
internal import Yams

/// A few knobs that decide the formats of all layers at once, as in `SearchSpaces/pipeline.yaml`.
///
/// `bits`, `granularity` and `symmetry` make the format of every layer, `intB-GRANULARITY-SYMMETRY`.
/// `activation` is the format of every layer's input, or `none`; `scheme`, `clipping` (a ``RangeMethod``)
/// and `calibration` (a number of samples) are parts of it. Layers whose weights are kept as floats keep
/// their inputs too. Every other knob is for some layers: `first`, `last` or both `ends`, or those whose names match the knob's
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
  /// The knobs of the layers' inputs.
  public static let inputs = ["activation", "scheme", "clipping", "calibration"]
  /// The knobs that have a meaning by their names.
  public static let names = needed + inputs + ["first", "last", "ends"]

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
    for knob in knobs where isForLayers(knob) {
      for value in knob.values where value != "same" { _ = try LayerFormat.named(value) }
    }
    _ = try inputFormats()
  }

  /// Whether a knob's settings are formats of some layers.
  private func isForLayers(_ knob: Knob) -> Bool {
    !Self.needed.contains(knob.name) && !Self.inputs.contains(knob.name)
  }

  /// The suffix of a candidate's name that is the input's format, such as `/int8-tensor+mse@8`.
  private static func inputSuffix(
    activation: String?, scheme: String?, clipping: String?, calibration: String?
  ) throws -> String {
    guard let activation, activation != "none" else { return "" }
    var format = try ActivationFormat.named(activation)
    if let scheme {
      guard let known = ActivationFormat.Scheme(rawValue: scheme) else {
        throw UserError.unknown(
          scheme, "scheme", known: ActivationFormat.Scheme.allCases.map(\.rawValue))
      }
      guard case .integer(let bits, _) = format.element else {
        throw UserError(.failed, "the space's '\(activation)' has no scheme: it is no integer")
      }
      format.element = .integer(bits: bits, known)
    }
    var name = format.name
    if let clipping, clipping != RangeMethod.extremes.rawValue { name += "+\(clipping)" }
    if let calibration, calibration != "all" { name += "@\(calibration)" }
    return "/" + (try ActivationFormat.named(name).name)
  }

  /// Every suffix that some point gives.
  private func inputFormats() throws -> [String] {
    func values(_ name: String) -> [String?] {
      knobs.first { $0.name == name }?.values ?? [nil]
    }
    guard knobs.contains(where: { $0.name == "activation" }) else {
      if let lost = knobs.first(where: { Self.inputs.contains($0.name) }) {
        throw UserError(.failed, "the knob '\(lost.name)' needs a knob 'activation'")
      }
      return [""]
    }
    var seen: Set<String> = []
    var suffixes: [String] = []
    for activation in values("activation") {
      for scheme in values("scheme") {
        for clipping in values("clipping") {
          for calibration in values("calibration") {
            let suffix = try Self.inputSuffix(
              activation: activation, scheme: scheme, clipping: clipping, calibration: calibration)
            if seen.insert(suffix).inserted { suffixes.append(suffix) }
          }
        }
      }
    }
    return suffixes
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
          let name = try Formats.named("int\(bits)-\(granularity)-\(symmetry)").name
          names += try inputFormats().map { name + $0 }
        }
      }
    }
    for knob in knobs where isForLayers(knob) {
      for value in knob.values where value != "same" {
        names += try inputFormats().map { try withInput(value, $0) }
      }
    }
    return names.filter { seen.insert($0).inserted }
  }

  private func values(_ name: String) -> [String] {
    knobs.first { $0.name == name }?.values ?? []
  }

  private func setting(_ name: String, _ choices: [Int]) -> String? {
    knobs.firstIndex { $0.name == name }.map { knobs[$0].values[choices[$0]] }
  }

  /// A layer's own format with the common format of inputs, unless it has one or is a float.
  private func withInput(_ name: String, _ suffix: String) throws -> String {
    let format = try LayerFormat.named(name)
    let isFloat = format.weight is FloatFormat
    return format.activation != nil || isFloat ? format.name : format.name + suffix
  }

  /// The format of every layer at a point.
  ///
  /// - Parameters:
  ///   - choices: One setting's index per knob.
  ///   - layers: The layers, in the network's order.
  /// - Throws: `UserError` when a layer takes neither its format nor a stand-in.
  public func formats(_ choices: [Int], for layers: [Layer]) throws -> [LayerFormat] {
    let usual = Self.needed.compactMap { setting($0, choices) }.joined(separator: "-")
    let suffix = try Self.inputSuffix(
      activation: setting("activation", choices), scheme: setting("scheme", choices),
      clipping: setting("clipping", choices), calibration: setting("calibration", choices))
    return try layers.enumerated().map { index, layer in
      var name = "int" + usual
      for (knob, choice) in zip(knobs, choices)
      where isForLayers(knob) && knob.values[choice] != "same" {
        let isMeant =
          switch knob.name {
          case "first": index == 0
          case "last": index == layers.count - 1
          case "ends": index == 0 || index == layers.count - 1
          default: knob.layers.map { fnmatch($0, layer.name, 0) == 0 } ?? false
          }
        if isMeant { name = knob.values[choice] }
      }
      guard
        let format = try LayerFormat.format(
          withInput(name, suffix), for: layer.shape, hasInput: layer.kind != .embedding)
      else {
        throw UserError(
          .failed,
          "the layer '\(layer.name)' of \(layer.shape.rows) x \(layer.shape.columns) cannot be "
            + name)
      }
      return format
    }
  }
}
