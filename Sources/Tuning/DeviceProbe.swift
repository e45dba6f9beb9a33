internal import Costs
internal import Export
internal import Kernels
internal import Vocabulary

/// This machine's peaks, as a roofline needs them.
public struct ProbedDevice: Codable, Sendable {
  /// The processor.
  public var processor: String
  /// Threads of a kernel.
  public var threads: Int
  /// Operations per second by arithmetic; a multiply-accumulate is two.
  public var peak: [String: Double]
  /// Bytes per second of main memory.
  public var bandwidth: Double
  /// Seconds that the smallest kernel takes.
  public var launch: Double

  /// The profile's file.
  public var text: String {
    let peaks = ["fp32", "bf16", "int8"].compactMap { name in
      peak[name].map { "\(name): \(Self.scientific($0))" }
    }
    return """
      # Probed by `bitbudget profile` with \(threads) thread\(threads == 1 ? "" : "s"): peaks are the best of some products, the
      # bandwidth that of a product with one row, whose weights fill no cache, the launch the smallest kernel's.
      schemaVersion: 1
      name: here
      summary: \(processor), \(threads) thread\(threads == 1 ? "" : "s")
      peak: {\(peaks.joined(separator: ", "))}
      weightOnly: fp32
      bandwidth: \(Self.scientific(bandwidth))
      launch: \(Self.scientific(launch))

      """
  }

  /// Writes the profile's file.
  public func write(to path: String) throws { try AtomicFile.write(text, to: path) }

  /// Three digits and an exponent.
  private static func scientific(_ value: Double) -> String {
    var (mantissa, exponent) = (value, 0)
    while mantissa >= 10 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    while mantissa > 0, mantissa < 1 { (mantissa, exponent) = (mantissa * 10, exponent - 1) }
    return "\(fixed(mantissa, digits: 2))e\(exponent)"
  }
}

extension Devices {
  /// Probes this machine in some seconds.
  ///
  /// - Throws: `UserError` when oneDNN is not there.
  public static func probe(threads: Int = 1, progress: @escaping ProgressHandler) throws
    -> ProbedDevice
  {
    let counter = ProgressCounter("probing this machine", handler: progress)
    var effort = TimingEffort()
    effort.patience = 300
    let timer = KernelTimer(threads: threads, effort: effort)
    let formats: [TimedKernel] = [.fp32, .bf16, .int8]
    let products = [(256, 1024, 1024), (64, 512, 2048), (512, 512, 512)]
    var peak: [String: Double] = [:]
    for format in formats {
      for (rows, inputs, outputs) in products {
        let work = LayerWork.product(rows: rows, inputs: inputs, outputs: outputs)
        guard let row = try? timer.row(.init(work, format)) else { continue }
        peak[format.rawValue] = max(
          peak[format.rawValue] ?? 0, 2 * work.macs / (row.milliseconds * 1e-3))
      }
      counter.advance(by: 0.25)
    }
    guard !peak.isEmpty else {
      throw UserError(.failed, "this machine cannot be probed: oneDNN has no kernel here")
    }
    // 256 MB of weights: far more than any cache.
    let wide = LayerWork.product(rows: 1, inputs: 8192, outputs: 8192)
    let bandwidth = try 4 * 8192 * 8192 / (timer.row(.init(wide, .fp32)).milliseconds * 1e-3)
    let launch =
      try timer.row(.init(.product(rows: 1, inputs: 8, outputs: 8), .fp32)).milliseconds * 1e-3
    counter.finish()
    return ProbedDevice(
      processor: processor, threads: threads, peak: peak, bandwidth: bandwidth, launch: launch)
  }
}
