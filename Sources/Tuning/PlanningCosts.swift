internal import Archives
internal import Costs
internal import Foundation
internal import Optimization
internal import Quantization
internal import Study
internal import Vocabulary

/// Which costs a plan or a frontier needs beside the bytes.
public struct CostOptions: Sendable {
  /// The device of latencies: `here`, a profile, or a file; nil for none.
  public var device: String?
  /// A geometry's file; nil for the study's own.
  public var geometry: String?
  /// Positions that a language model remembers; nil where memory does not count.
  public var context: Int?
  /// Sequences at a time.
  public var batch = 1
  /// The format of keys and values.
  public var cacheFormat = "fp16"
  /// Threads of a kernel of this machine.
  public var threads = 1

  /// No costs beside bytes, BOPs and energy.
  public init() {}
}

extension PlanningSource {
  /// The source with every cost that can be told: BOPs and energy where the geometry is known, latency of
  /// a device, bytes in memory.
  ///
  /// - Throws: `UserError` when a device or a context is asked for and cannot be had, with what would be
  ///   needed.
  public func costed(_ options: CostOptions, progress: @escaping ProgressHandler) throws
    -> PlanningSource
  {
    guard let geometry = try geometry(options) else {
      guard options.device == nil, options.context == nil else {
        throw UserError(
          .usage,
          "what the layers of '\(name)' compute is not known; `bitbudget profile MODEL --study STUDY` records "
            + "it, and `measure` does in new studies")
      }
      return self
    }
    let device = try options.device.map { device in
      var precisions: [String: [Precision]] = [:]
      for group in table.groups {
        let own = group.candidates.compactMap {
          try? Precision(weight: $0.format, activation: $0.activation)
        }
        for layer in group.layers { precisions[layer] = own }
      }
      return try Devices.named(
        device, for: geometry, precisions: precisions, threads: options.threads,
        progress: progress)
    }
    let memory = try options.context.map { context in
      ResidentMemory(
        context: context, batch: options.batch,
        cacheFormat: try Formats.named(options.cacheFormat))
    }
    let costed = try table.costed(
      by: geometry, layers: header?.layers ?? [], latency: device,
      energy: Self.energyTable(), memory: memory)
    var source = self
    source.table = costed.table
    source.withoutKernel = costed.withoutKernel
    for reason in costed.reasons.prefix(3) { progress(.note(reason)) }
    if let device, device.rest == nil {
      progress(
        .note(
          "latencies are those of the layers alone: what else a run takes on '\(device.device)' is not known"
        ))
    }
    return source
  }

  private func geometry(_ options: CostOptions) throws -> ModelGeometry? {
    if let path = options.geometry { return try GeometryFile.read(path) }
    guard let directory else { return nil }
    let path = GeometryFile.path(in: directory)
    return FileManager.default.fileExists(atPath: path) ? try GeometryFile.read(path) : nil
  }

  /// The energies that come with the tool; nil where its data is not there.
  private static func energyTable() throws -> EnergyTable? {
    let name = "SearchSpaces/energy.yaml"
    guard let path = ToolData.path(of: name),
      let text = try? String(contentsOfFile: path, encoding: .utf8)
    else { return nil }
    return try EnergyTable(parsing: text, file: path)
  }

  /// The table without the candidates that no kernel computes.
  var runnableTable: SensitivityTable {
    var table = table
    for (g, names) in withoutKernel {
      table.groups[g].candidates.removeAll { names.contains($0.name) }
    }
    return table
  }
}
