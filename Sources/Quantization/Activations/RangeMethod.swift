/// How a static range is found from what went through a layer while calibrating.
public enum RangeMethod: String, Hashable, Sendable, CaseIterable, Codable {
  /// The smallest and the largest number of all.
  case extremes = "minmax"
  /// The means over samples of each one's smallest and largest.
  case average
  /// What holds all but 0.005 % of the numbers at either end.
  case percentile
  /// The clipping with the least squared rounding error, of 90 ratios down to a tenth.
  case squaredError = "mse"
  /// The clipping whose rounded distribution diverges least (TensorRT's calibration).
  case entropy

  /// The range of some statistics for a format.
  ///
  /// Only ``squaredError`` depends on the format. `entropy` is the method of Migacz, "8-bit inference with
  /// TensorRT" (GTC 2017): of all thresholds `t` on |x|, the one with the least `KL(P ‖ Q)`, `P` being the
  /// distribution below `t` with what is above added to its last bin, `Q` its 128 levels spread over
  /// the bins where `P` is not zero; the range is `max(low, −t) ... min(high, t)`.
  /// - Complexity: O(bins) for most, O(90 · bins) for `squaredError`, O(bins²) for `entropy`.
  public func range(of statistics: ActivationStatistics, for element: ActivationFormat.Element)
    -> ClosedRange<Float>
  {
    let (low, high) = (statistics.low, statistics.high)
    switch self {
    case .extremes: return low...high
    case .average: return statistics.averageLow...max(statistics.averageLow, statistics.averageHigh)
    case .percentile:
      let tail = 0.00005
      let from = statistics.quantile(tail)
      return from...max(from, statistics.quantile(1 - tail))
    case .squaredError:
      let ratios = stride(from: Float(1), to: 0.1, by: -0.01)
      let best = ratios.min {
        statistics.squaredError(element, low: low * $0, high: high * $0)
          < statistics.squaredError(element, low: low * $1, high: high * $1)
      }
      let ratio = best ?? 1
      return low * ratio...high * ratio
    case .entropy:
      let threshold = statistics.entropyThreshold()
      return max(low, -threshold)...min(high, threshold)
    }
  }
}
