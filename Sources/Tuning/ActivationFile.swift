internal import Export
internal import Foundation
internal import Models
internal import Quantization
internal import Sensitivity
internal import Tensors
internal import Vocabulary

/// The calibrated ranges of a measurement, in a file beside the study's database.
///
/// Kept by run: another measurement with other data has other ranges.
enum ActivationFile {
  private static let schema = "bitbudget.activations/1"

  private struct File: Codable {
    var schema: String
    var ranges: [String: [String: [Float]]]
  }

  private static func path(run: Int64, in directory: String) -> String {
    "\(directory)/activations-\(run).json"
  }

  /// The ranges of a run; nil where it has none.
  ///
  /// - Throws: `UserError` when the file is not such a file.
  static func read(run: Int64, in directory: String) throws -> ActivationRanges? {
    let path = path(run: run, in: directory)
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    guard let data = FileManager.default.contents(atPath: path),
      let file = try? JSONDecoder().decode(File.self, from: data), file.schema == schema
    else {
      throw UserError(
        .failed, "'\(path)' does not hold the ranges of a measurement; measure again with --fresh")
    }
    return try ActivationRanges(validating: file.ranges, from: path)
  }

  /// Keeps the ranges of a run.
  static func write(_ ranges: ActivationRanges, run: Int64, in directory: String) throws {
    try AtomicFile.write(
      Tool.json(File(schema: schema, ranges: ranges.ranges)), to: path(run: run, in: directory))
  }

  /// Takes the files of all runs away.
  static func removeAll(in directory: String) throws {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    for name in names where name.hasPrefix("activations-") && name.hasSuffix(".json") {
      try? FileManager.default.removeItem(atPath: "\(directory)/\(name)")
    }
  }
}

extension ActivationRanges {
  /// Ranges from elsewhere, checked.
  ///
  /// - Throws: `UserError` when a format is unknown or a range is none.
  init(validating ranges: [String: [String: [Float]]], from origin: String) throws {
    self.init()
    for name in ranges.keys.sorted() {
      let format = try ActivationFormat.named(name)
      let layers = ranges[name] ?? [:]
      for layer in layers.keys.sorted() {
        self[layer, format] = try Self.checked(layers[layer] ?? [], of: layer, in: origin)
      }
    }
  }

  /// The pairs of low and high ends.
  ///
  /// - Throws: `UserError` when they are no such pairs.
  static func checked(_ range: [Float], of layer: String, in origin: String) throws -> [Float] {
    let isValid =
      !range.isEmpty && range.count % 2 == 0 && range.allSatisfy(\.isFinite)
      && stride(from: 0, to: range.count, by: 2).allSatisfy { range[$0] <= range[$0 + 1] }
    guard isValid else {
      throw UserError(
        .failed,
        "'\(origin)': the activation range of '\(layer)' is no pairs of a low and a high end")
    }
    return range
  }
}

extension OpenedModel {
  /// Whether numbers, and not indices alone, go into a layer.
  func hasInput(_ layer: GraphLayer) -> Bool {
    layer.uses.contains {
      (graph.nodes[$0].operation as? any WeightedOperation)?.kind != .embedding
    }
  }

  /// The static ranges that some groups' candidates need, calibrated on samples.
  func activationRanges(
    of groups: [MeasuredGroup], samples: [[String: Tensor]], workers: Int,
    progress: @escaping ProgressHandler
  ) throws -> ActivationRanges {
    var wanted: [Int: [ActivationFormat]] = [:]
    for group in groups {
      var seen: Set<ActivationFormat> = []
      let formats = group.candidates.compactMap(\.activation)
        .filter { !$0.isDynamic && seen.insert($0).inserted }
      for layer in group.layers where !formats.isEmpty { wanted[layer] = formats }
    }
    guard !wanted.isEmpty else { return .none }
    let counter = ProgressCounter("calibrating activations", handler: progress)
    let ranges = try ActivationCalibration(executor: executor, workers: workers)
      .ranges(wanted, samples: samples, advanced: { counter.advance(by: $0) })
    counter.finish()
    return ranges
  }

  /// The ranges that a policy brings.
  ///
  /// - Throws: `UserError` when one of them is none, or of a format that is unknown.
  func activationRanges(of policy: Policy) throws -> ActivationRanges {
    var ranges = ActivationRanges()
    for layer in policy.layers where layer.activation != "none" {
      guard let range = layer.activationRange else { continue }
      ranges[layer.name, try ActivationFormat.named(layer.activation)] =
        try ActivationRanges.checked(range.map { Float($0) }, of: layer.name, in: "the policy")
    }
    return ranges
  }
}
