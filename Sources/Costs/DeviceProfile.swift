/// A device by its peaks: what a roofline needs.
///
/// A layer takes as long as its arithmetic or its traffic, whichever is longer, and the time to start
/// its kernel:
///
///     t = max(2 · MACs / peak, (weight bytes + activation bytes) / bandwidth) + launch
///
/// Activations count with the bits that go in and with what comes out in the same type, at least one
/// byte a number (sums that stay in wider types on the chip are no traffic). This is a lower bound for a
/// perfect kernel, not a measurement.
///
/// Source: Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for
/// multicore architectures", Communications of the ACM 52 (4), 2009.
public struct DeviceProfile: Hashable, Sendable {
  /// The version of the file's layout.
  public static let schemaVersion = 1

  /// Products of narrow codes, put together from smaller ones.
  public struct BitSerial: Hashable, Sendable {
    /// Products of two `brick`-bit codes per second.
    public var peak: Double
    /// Bits of a code that one product takes.
    public var brick: Int
    /// The widest code that can be put together.
    public var widest: Int

    /// Bricks by their number and width.
    public init(peak: Double, brick: Int, widest: Int) {
      self.peak = peak
      self.brick = brick
      self.widest = widest
    }
  }

  /// The name on the command line.
  public var name: String
  /// One line for people.
  public var summary: String
  /// Operations per second by arithmetic; a multiply-accumulate is two.
  public var peak: [Precision.Arithmetic: Double]
  /// What weights that are only stored narrowly are computed in once unpacked; nil where it cannot.
  public var weightOnly: Precision.Arithmetic?
  /// Products of codes of any width; nil where there is no such hardware.
  public var bitSerial: BitSerial?
  /// Bytes per second of the memory that weights are in.
  public var bandwidth: Double
  /// Seconds to start one kernel.
  public var launch: Double

  /// A device by its peaks.
  public init(
    name: String, summary: String, peak: [Precision.Arithmetic: Double],
    weightOnly: Precision.Arithmetic? = nil, bitSerial: BitSerial? = nil, bandwidth: Double,
    launch: Double
  ) {
    self.name = name
    self.summary = summary
    self.peak = peak
    self.weightOnly = weightOnly
    self.bitSerial = bitSerial
    self.bandwidth = bandwidth
    self.launch = launch
  }
}

extension DeviceProfile: LatencyModel {
  /// The name.
  public var device: String { name }

  /// The roofline's time.
  public func latency(of layer: LayerGeometry, in precision: Precision, bytes: Int) -> LayerLatency
  {
    guard let arithmetic = secondsPerMAC(precision) else { return .none(need(precision)) }
    let width = Double(max(8, min(precision.activationBits, arithmetic.bits))) / 8
    let seconds = layer.uses.reduce(0.0) { sum, work in
      // A lookup reads the rows that it picks, not the table.
      var traffic = Double(work.inputElements + work.outputElements) * width
      if case .lookup = work {
        traffic += Double(work.outputElements) * Double(precision.weightBits) / 8
      } else {
        traffic += Double(bytes)
      }
      return sum + max(work.macs * arithmetic.seconds, traffic / bandwidth) + launch
    }
    return .milliseconds(1e3 * seconds)
  }

  /// Seconds of one multiply-accumulate, and the bits of a number that goes in.
  private func secondsPerMAC(_ precision: Precision) -> (seconds: Double, bits: Int)? {
    if let bitSerial, !precision.arithmetic.isEmpty,
      max(precision.weightBits, precision.activationBits) <= bitSerial.widest
    {
      func bricks(_ bits: Int) -> Double {
        Double((bits + bitSerial.brick - 1) / bitSerial.brick)
      }
      let products = bricks(precision.weightBits) * bricks(precision.activationBits)
      return (products / bitSerial.peak, precision.activationBits)
    }
    for arithmetic in precision.arithmetic {
      if let peak = peak[arithmetic] { return (2 / peak, precision.activationBits) }
    }
    guard precision.arithmetic.isEmpty, precision.activation == nil, let weightOnly,
      let peak = peak[weightOnly]
    else { return nil }
    return (2 / peak, weightOnly == .fp32 ? 32 : 16)
  }

  private func need(_ precision: Precision) -> String {
    let wanted = precision.arithmetic.map(\.rawValue).joined(separator: " or ")
    return wanted.isEmpty
      ? "\(name) has no kernel for \(precision.name): that needs a 'weightOnly' arithmetic in its profile"
      : "\(name) has no kernel for \(precision.name): that needs a peak for \(wanted) in its profile"
  }
}
