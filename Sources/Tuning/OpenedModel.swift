internal import Archives
internal import Calibration
internal import Costs
internal import Foundation
internal import Models
internal import Quantization
internal import Sensitivity
internal import Vocabulary

/// A model that has been opened: its graph, and what may be chosen for its layers.
public struct OpenedModel: Sendable {
  let path: String
  let graph: Graph
  let executor: Executor
  let cost: ByteCost

  /// Opens a model; weights are read when they are first needed.
  ///
  /// - Throws: `UserError` or `FileError` in one sentence.
  public init(_ path: String) throws {
    self.path = path
    graph = try ModelLoader.load(path)
    executor = Executor(graph)
    cost = ByteCost(layers: graph.layers.map(\.layer), skipped: graph.skipped)
    guard !graph.layers.isEmpty else {
      throw UserError(.failed, "'\(path)' has no layer that could be quantized")
    }
  }

  /// The model's own name.
  public var name: String { graph.name }

  /// The number of quantizable weights.
  var weights: Int { cost.weights }

  /// Bytes of everything that is not quantized.
  var fixedBytes: Int { cost.fixedBytes }

  /// The model as a policy names it.
  func identity() throws -> Policy.Model {
    Policy.Model(
      name: graph.name, architecture: graph.architecture,
      digest: try SHA256.digest(ofFiles: graph.files), weights: weights)
  }

  /// The groups with the formats of `names` that their shapes accept; a format that a shape refuses is
  /// replaced by the same width per channel.
  func groups(formats names: [String]) throws -> [MeasuredGroup] {
    try graph.layers.enumerated().map { index, layer in
      let candidates = try LayerFormat.candidates(
        for: layer.layer.shape, hasInput: hasInput(layer), from: names)
      guard !candidates.isEmpty else {
        throw UserError(
          .failed,
          "the layer '\(layer.layer.name)' accepts none of \(names.joined(separator: ", "))")
      }
      return MeasuredGroup(name: layer.layer.name, layers: [index], candidates: candidates)
    }
  }

  /// A table of bytes alone, with losses of zero: what is known before anything is measured.
  func sizeTable(formats names: [String], unit: String) throws -> SensitivityTable {
    SensitivityTable(
      unit: unit,
      groups: try groups(formats: names).map { group in
        GroupSensitivity(
          name: group.name, layers: [group.name],
          weights: group.layers.reduce(0) { $0 + graph.layers[$1].layer.shape.count },
          candidates: group.candidates.map {
            Candidate(
              format: $0.weight.name, activation: $0.activation?.name, loss: 0,
              bytes: bytes(of: group, in: $0.weight))
          })
      }, fixedBytes: fixedBytes)
  }

  /// Bytes of a group's weights in a format.
  func bytes(of group: MeasuredGroup, in format: any NumberFormat) -> Int {
    group.layers.reduce(0) { $0 + format.bytes(of: graph.layers[$1].layer.shape) }
  }

  /// What the calibration data must provide.
  var inputs: InputSpecification {
    InputSpecification(
      inputs: graph.inputs.map { .init(name: $0.name, shape: $0.shape, dtype: $0.dtype) },
      tokenizer: graph.tokenizer, maximumLength: graph.maximumLength,
      textMode: graph.head == .tokens ? .stream : .lines)
  }
}

/// Which formats are tried where the user names none: one of each useful width, 64 weights to a scale.
public enum DefaultFormats {
  /// Format names, smallest first.
  public static let names = Formats.standard

  /// Names and `@sets` of a `--formats` option as canonical format names.
  public static func expand(_ items: [String]) throws -> [String] {
    guard items.contains(where: { $0.hasPrefix("@") }) else {
      return try FormatSets.none.expand(items)
    }
    let name = "SearchSpaces/formats.yaml"
    guard let path = ToolData.path(of: name),
      let text = try? String(contentsOfFile: path, encoding: .utf8)
    else {
      throw UserError(
        .usage,
        "'\(name)' with the named format sets is not here; set BITBUDGET_DATA to its folder's folder"
      )
    }
    return try FormatSets(parsing: text).expand(items)
  }
}
