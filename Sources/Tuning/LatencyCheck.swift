internal import Costs
internal import Foundation
internal import Kernels
internal import Models
internal import Quantization
internal import Tensors
public import Vocabulary

/// Predicted and measured times of whole runs under some policies.
public struct LatencyCheck: Codable, Sendable {
  /// One policy.
  public struct Entry: Codable, Sendable {
    /// A file's name, `random` and a number, or `uniform` and a format.
    public var name: String
    /// Layers by format.
    public var formats: [String: Int]
    /// The sum of the kernels' times alone, and what a run takes outside the layers.
    public var additive: Double
    /// The same, scaled to whole runs of uniform policies: what `plan` counts.
    public var scaled: Double
    /// The median of whole runs on real kernels.
    public var measured: Double
    /// The median absolute deviation of the runs.
    public var spread: Double
    /// Runs far above the median.
    public var outliers: Int
  }

  /// The model.
  public var model: String
  /// The processor.
  public var processor: String
  /// Threads of a kernel.
  public var threads: Int
  /// The inputs' shapes.
  public var inputs: [String: [Int]]
  /// Runs of each policy that count.
  public var rounds: Int
  /// The policies that were asked for.
  public var entries: [Entry]
  /// Uniform policies, run beside them.
  public var uniform: [Entry]
  /// Median over the policies of `|additive − measured| / measured`.
  public var additiveError: Double
  /// Median over the policies of `|scaled − measured| / measured`.
  public var scaledError: Double
  /// Spearman's ρ of scaled against measured; nil where nothing can be said.
  public var spearman: Double?
}

extension OpenedModel {
  /// Runs policies on real kernels, in turn, and compares their times with the predictions.
  ///
  /// The uniform policies that kernels are scaled by run among them: how fast the machine happens to be
  /// is not what is compared. What they tell is kept for `--device here`.
  ///
  /// - Parameters:
  ///   - policies: Policies of this model, by name.
  ///   - random: How many random policies besides. Each draws how likely every format is (uniformly of all
  ///     such shares), then a format for every layer: so they lie between the uniform ones, and not all
  ///     in the middle.
  ///   - names: Formats of the random policies, and of the uniform ones that the scale comes from.
  ///   - seed: Decides the random policies.
  ///   - rounds: Runs of each policy that count.
  public func checkLatency(
    _ input: RunInput, policies: [(name: String, policy: Policy)], random: Int = 0,
    formats names: [String], seed: UInt64 = 1, threads: Int = 1, rounds: Int = 15,
    progress: @escaping ProgressHandler
  ) throws -> LatencyCheck {
    let geometry = try geometry(input)
    var chosen = try policies.map { (name: $0.name, formats: try formats(of: $0.policy)) }
    var ranges = ActivationRanges.none
    for (_, policy) in policies { ranges.merge(try activationRanges(of: policy)) }
    let uniforms = try names.map { try uniformFormats($0) }
    var generator = SplitMix64(seed: seed)
    for k in 0..<random {
      let shares = uniforms.map { _ in -log(1 - generator.uniform()) }
      let formats = graph.layers.indices.map { layer in
        var place = generator.uniform() * shares.reduce(0, +)
        let format = shares.firstIndex { share in
          place -= share
          return place < 0
        }
        return uniforms[format ?? 0][layer]
      }
      chosen.append(("random \(k + 1)", formats))
    }
    let wanted = chosen.count
    chosen += zip(names, uniforms).map { (name: "uniform \($0)", formats: $1) }
    var cache = try KernelCache(threads: threads).filled(
      for: geometry, precisions: try precisions(of: chosen.map(\.formats)), progress: progress)
    let program = KernelProgram(self, geometry: geometry, ranges: ranges, threads: threads)
    let runs = try timed(
      chosen.map { try program.operations($0.formats) }, by: program, on: tensors(of: input),
      rounds: rounds, progress: progress)
    let alone = cache.table.measured(for: geometry, isScaled: false)
    try cache.add(
      wholeRuns(
        zip(uniforms, runs[wanted...]).map { (formats: $0, runs: $1) }, on: alone, geometry))
    let (table, scaled) = (cache.table, cache.table.measured(for: geometry))
    let rest = scaled.rest ?? 0
    let all = try zip(chosen, runs).map { policy, run in
      LatencyCheck.Entry(
        name: policy.name,
        formats: Dictionary(policy.formats.map { ($0.name, 1) }, uniquingKeysWith: +),
        additive: try latencies(of: policy.formats, on: alone, geometry).reduce(rest, +),
        scaled: try latencies(of: policy.formats, on: scaled, geometry).reduce(rest, +),
        measured: run.total.milliseconds, spread: run.total.spread, outliers: run.total.outliers)
    }
    let entries = Array(all[..<wanted])
    func error(_ prediction: (LatencyCheck.Entry) -> Double) -> Double {
      entries.isEmpty
        ? 0
        : Timing(of: entries.map { abs(prediction($0) - $0.measured) / $0.measured }).milliseconds
    }
    return LatencyCheck(
      model: name, processor: table.processor, threads: threads, inputs: geometry.inputs,
      rounds: rounds, entries: entries, uniform: Array(all[wanted...]),
      additiveError: error(\.additive),
      scaledError: error(\.scaled),
      spearman: RankCorrelation.spearman(entries.map(\.scaled), entries.map(\.measured)))
  }
}

extension LatencyCheck {
  /// The check for people.
  public var text: String {
    var lines = [
      "\(model) on \(processor), \(threads) thread\(threads == 1 ? "" : "s"), \(rounds) runs each"
    ]
    let width = (entries + uniform).map(\.name.count).max() ?? 0
    for it in entries + uniform {
      lines.append(
        it.name + String(repeating: " ", count: width - it.name.count)
          + "  kernels and rest \(fixed(it.additive, digits: 3)) ms, scaled "
          + "\(fixed(it.scaled, digits: 3)) ms, measured \(fixed(it.measured, digits: 3)) ms "
          + "± \(fixed(it.spread, digits: 3))")
    }
    lines.append(
      "median error: \(fixed(100 * additiveError, digits: 1)) % of kernels and rest, "
        + "\(fixed(100 * scaledError, digits: 1)) % scaled"
        + (spearman.map { "; rank correlation \(fixed($0, digits: 3))" } ?? ""))
    return lines.joined(separator: "\n")
  }
}
