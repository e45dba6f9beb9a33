/// The mean of per-sample values with its standard error.
public struct SampleMean: Hashable, Codable, Sendable {
  /// The mean.
  public var mean: Double
  /// Standard error of the mean, `s / √n`; nil for fewer than two samples.
  public var standardError: Double?
  /// The number of samples.
  public var count: Int

  /// The mean of `values`, in one pass after Welford so that large offsets do not cancel.
  public init(_ values: some Sequence<Double>) {
    var n = 0
    var mean = 0.0
    var squares = 0.0
    for value in values {
      n += 1
      let delta = value - mean
      mean += delta / Double(n)
      squares += delta * (value - mean)
    }
    count = n
    self.mean = mean
    standardError = n > 1 ? (squares / Double(n - 1) / Double(n)).squareRoot() : nil
  }
}

/// A bootstrap interval of a mean.
public struct Interval: Hashable, Codable, Sendable {
  /// Lower end.
  public var low: Double
  /// Upper end.
  public var high: Double

  /// From `low` to `high`.
  public init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  /// The percentile bootstrap interval of the mean of `values`: samples drawn with replacement.
  ///
  /// For a paired comparison, give the differences of the pairs.
  ///
  /// Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
  /// - Complexity: O(`resamples` · `values.count`).
  public static func bootstrap(
    _ values: [Double], confidence: Double = 0.95, resamples: Int = 10_000, seed: UInt64
  ) -> Interval {
    guard values.count > 1 else {
      return Interval(low: values.first ?? .nan, high: values.first ?? .nan)
    }
    var generator = SplitMix64(seed: seed)
    let count = values.count
    var means = (0..<resamples).map { _ in
      var sum = 0.0
      for _ in 0..<count { sum += values[Int(generator.next() % UInt64(count))] }
      return sum / Double(count)
    }
    means.sort()
    let tail = (1 - confidence) / 2
    return Interval(
      low: means[Int((tail * Double(resamples - 1)).rounded())],
      high: means[Int(((1 - tail) * Double(resamples - 1)).rounded())])
  }
}

/// The value below which a share of the values lies, by linear interpolation between order statistics.
public func percentile(_ sorted: [Double], _ share: Double) -> Double {
  guard let last = sorted.last else { return .nan }
  let position = share * Double(sorted.count - 1)
  let lower = Int(position)
  guard lower + 1 < sorted.count else { return last }
  return sorted[lower] + (position - Double(lower)) * (sorted[lower + 1] - sorted[lower])
}
