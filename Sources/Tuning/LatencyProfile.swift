internal import Costs
internal import Export
internal import Foundation
internal import Kernels
internal import Quantization
internal import Vocabulary

/// How fast a network's layers are on this machine.
public struct LatencyReport: Codable, Sendable {
  /// One layer in one format.
  public struct Row: Codable, Sendable {
    /// The layer.
    public var layer: String
    /// The format's name.
    public var format: String
    /// Milliseconds of all its uses in one run.
    public var milliseconds: Double
  }

  /// A uniform format.
  public struct Uniform: Codable, Sendable {
    /// The format.
    public var format: String
    /// The sum of the rows and the rest.
    public var additive: Double
    /// The same with the rows scaled to whole runs.
    public var scaled: Double
    /// The median of whole runs on real kernels.
    public var measured: Double
    /// The median absolute deviation of the runs.
    public var spread: Double
  }

  /// As imported tables have it.
  public var schema: String
  /// The device's name.
  public var device: String
  /// The processor.
  public var processor: String
  /// Threads of a kernel.
  public var threads: Int
  /// Libraries that computed, with their versions.
  public var libraries: [String: String]
  /// The model.
  public var model: String
  /// The inputs' shapes.
  public var inputs: [String: [Int]]
  /// Samples at a time.
  public var samples: Int
  /// Milliseconds of a run outside the quantizable layers.
  public var rest: Double
  /// Time inside the layers of whole runs over the sum of their rows, by arithmetic.
  public var scale: [String: Double]
  /// Every layer in every format.
  public var rows: [Row]
  /// Whole runs.
  public var uniform: [Uniform]
  /// Distinct kernels, and how many of them were timed just now.
  public var kernels: Int
  /// Kernels that were timed just now.
  public var timed: Int
  /// Seconds that it took.
  public var seconds: Double
}

extension OpenedModel {
  /// Times the kernels of every layer under some formats, and whole runs.
  ///
  /// What was timed before is not timed again. The kernels and what whole runs tell are kept for `--device
  /// here`.
  ///
  /// - Parameters:
  ///   - formats: Names such as `int8-channel/int8-tensor`.
  ///   - study: A study that gets the model's geometry.
  ///   - threads: Threads of a kernel.
  public func profile(
    _ input: RunInput, formats names: [String], study: String? = nil, threads: Int = 1,
    progress: @escaping ProgressHandler
  ) throws -> LatencyReport {
    let clock = ContinuousClock()
    let began = clock.now
    let inputs = try tensors(of: input)
    let geometry = try geometry(input)
    if let study {
      guard FileManager.default.fileExists(atPath: study) else {
        throw UserError(.failed, "there is no study at '\(study)'")
      }
      try GeometryFile.write(geometry, to: GeometryFile.path(in: study))
    }
    let formats = try names.map { try uniformFormats($0) }
    let precisions = try precisions(of: formats)
    var cache = try KernelCache(threads: threads)
      .filled(for: geometry, precisions: precisions, progress: progress)
    let device = cache.table.measured(for: geometry, isScaled: false)
    let latencies = try formats.map { try self.latencies(of: $0, on: device, geometry) }
    let sums = latencies.map { $0.reduce(0, +) }
    let rows = zip(formats, latencies).flatMap { formats, times in
      formats.indices.map { k in
        LatencyReport.Row(
          layer: geometry.layers[k].name, format: formats[k].name, milliseconds: times[k])
      }
    }
    let program = KernelProgram(self, geometry: geometry, threads: threads)
    let operations = try formats.map { try program.operations($0) }
    let runs = try timed(operations, by: program, on: inputs, progress: progress)
    let whole = try wholeRuns(
      zip(formats, runs).map { (formats: $0, runs: $1) }, on: device, geometry)
    try cache.add(whole)
    return LatencyReport(
      schema: ImportedLatencies.schema, device: Devices.here, processor: cache.table.processor,
      threads: threads, libraries: cache.table.libraries, model: name, inputs: geometry.inputs,
      samples: geometry.samples, rest: whole.rest, scale: whole.scale, rows: rows,
      uniform: names.indices.map { k in
        .init(
          format: names[k], additive: whole.rest + sums[k],
          scaled: whole.rest + runs[k].layers.milliseconds,
          measured: runs[k].total.milliseconds, spread: runs[k].total.spread)
      },
      kernels: KernelTable.needed(geometry, precisions: precisions).count, timed: cache.timed,
      seconds: (clock.now - began).seconds)
  }
}

extension LatencyReport {
  /// The report for people.
  public var text: String {
    let sizes = inputs.keys.sorted().map {
      "\($0) \((inputs[$0] ?? []).map(String.init).joined(separator: "x"))"
    }
    var lines = [
      "\(model) on \(processor), \(threads) thread\(threads == 1 ? "" : "s"), \(sizes.joined(separator: ", "))",
      "\(kernels) kernels, \(timed) of them timed now; \(fixed(seconds, digits: 1)) s",
      "outside the layers: \(fixed(rest, digits: 3)) ms; in whole runs kernels take "
        + scale.keys.sorted().map { "\(fixed(scale[$0] ?? 1, digits: 2)) (\($0))" }
        .joined(separator: ", ") + " times what they take alone", "",
    ]
    let width = uniform.map(\.format.count).max() ?? 0
    for it in uniform {
      lines.append(
        it.format + String(repeating: " ", count: width - it.format.count)
          + "  kernels and rest \(fixed(it.additive, digits: 3)) ms, scaled "
          + "\(fixed(it.scaled, digits: 3)) ms, measured \(fixed(it.measured, digits: 3)) ms "
          + "± \(fixed(it.spread, digits: 3))")
    }
    return lines.joined(separator: "\n")
  }

  /// The report as a file that `--device` takes.
  public func write(to path: String) throws { try AtomicFile.write(Tool.json(self), to: path) }
}
