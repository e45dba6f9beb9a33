internal import Foundation

/// What went into a layer while calibrating: extremes, and counts over equal bins.
public struct ActivationStatistics: Sendable, Equatable {
  /// The number of bins.
  public static let binCount = 2048

  /// The smallest number.
  public var low: Float
  /// The largest number.
  public var high: Float
  /// Mean over samples of each one's smallest number.
  public var averageLow: Float
  /// Mean over samples of each one's largest number.
  public var averageHigh: Float
  /// Counts over ``binCount`` equal bins of `low ... high`.
  public var counts: [Double]
  /// Counts of magnitudes over as many equal bins of `0 ... max(|low|, |high|)`.
  public var magnitudes: [Double]
  /// The smallest number of every input channel.
  public var channelLows: [Float]
  /// The largest number of every input channel.
  public var channelHighs: [Float]

  /// Statistics without counts: of extremes alone.
  public init(
    low: Float, high: Float, averageLow: Float, averageHigh: Float, channelLows: [Float],
    channelHighs: [Float]
  ) {
    self.low = low
    self.high = high
    self.averageLow = averageLow
    self.averageHigh = averageHigh
    self.channelLows = channelLows
    self.channelHighs = channelHighs
    counts = [Double](repeating: 0, count: Self.binCount)
    magnitudes = counts
  }

  /// The larger magnitude of the two ends.
  public var reach: Float { max(abs(low), abs(high)) }

  /// The number below which a share of all numbers lies, to a bin.
  func quantile(_ share: Double) -> Float {
    let total = counts.reduce(0, +)
    guard total > 0 else { return share < 0.5 ? low : high }
    let width = (high - low) / Float(counts.count)
    // From the nearer end, so that the sums of a small tail are exact.
    if share <= 0.5 {
      var sum = 0.0
      for (bin, count) in counts.enumerated() {
        sum += count
        if sum > share * total { return low + Float(bin) * width }
      }
    } else {
      var sum = 0.0
      for (bin, count) in counts.enumerated().reversed() {
        sum += count
        if sum > (1 - share) * total { return low + Float(bin + 1) * width }
      }
    }
    return share < 0.5 ? low : high
  }

  /// Mean squared error of rounding the middles of the bins with a clipped range.
  func squaredError(_ element: ActivationFormat.Element, low: Float, high: Float) -> Double {
    let width = (self.high - self.low) / Float(counts.count)
    var sum = 0.0
    switch element {
    case .integer(let bits, let scheme):
      let grid = ActivationGrid(low: low, high: high, bits: bits, scheme)
      for (bin, count) in counts.enumerated() where count > 0 {
        let value = self.low + (Float(bin) + 0.5) * width
        let error = Double(grid.roundTrip(value) - value)
        sum += count * error * error
      }
    case .float8(let kind):
      let scale = kind.scale(low: low, high: high)
      for (bin, count) in counts.enumerated() where count > 0 {
        let value = self.low + (Float(bin) + 0.5) * width
        let rounded = scale > 0 ? kind.minifloat.nearest(value / scale) * scale : 0
        sum += count * Double(rounded - value) * Double(rounded - value)
      }
    }
    return sum / max(1, counts.reduce(0, +))
  }

  /// The threshold on magnitudes with the least divergence; the reach where nothing was counted.
  func entropyThreshold() -> Float {
    let levels = 128
    var counts = magnitudes
    // Zeros say nothing about where to clip, and ReLU and padding make most of the numbers zero.
    counts[0] = 0
    let total = counts.reduce(0, +)
    guard total > 0 else { return reach }
    var best = (divergence: Double.infinity, bins: counts.count)
    var below = counts[..<levels].reduce(0, +)
    for bins in levels...counts.count {
      if bins > levels { below += counts[bins - 1] }
      let divergence = Self.divergence(counts[..<bins], outliers: total - below, levels: levels)
      if divergence < best.divergence { best = (divergence, bins) }
    }
    return reach * Float(best.bins) / Float(counts.count)
  }

  /// `KL(P ‖ Q)` of bins with the outliers in the last one, and of the same in so many levels.
  private static func divergence(_ bins: ArraySlice<Double>, outliers: Double, levels: Int)
    -> Double
  {
    let total = bins.reduce(0, +) + outliers
    let kept = total - outliers
    guard kept > 0 else { return .infinity }
    var sum = 0.0
    for level in 0..<levels {
      let range =
        bins.startIndex + level * bins.count / levels..<bins.startIndex + (level + 1) * bins.count
        / levels
      var (mass, filled) = (0.0, 0)
      for bin in range where bins[bin] > 0 || (bin == bins.endIndex - 1 && outliers > 0) {
        mass += bins[bin]
        filled += 1
      }
      for bin in range {
        let p = (bins[bin] + (bin == bins.endIndex - 1 ? outliers : 0)) / total
        guard p > 0 else { continue }
        // A level without mass where the outliers are: as good as impossible under Q.
        let q = max(mass / Double(filled) / kept, 1e-9)
        sum += p * log(p / q)
      }
    }
    return sum
  }
}
