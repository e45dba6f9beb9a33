/// The static ranges of a network's layers by format: what calibration found.
///
/// A layer's range is its low and high end; with a range per channel, those of every channel in turn.
public struct ActivationRanges: Codable, Sendable, Hashable {
  /// By the format's name, then by the layer's.
  public private(set) var ranges: [String: [String: [Float]]]

  /// No ranges: enough for dynamic formats.
  public static let none = ActivationRanges()

  /// No ranges yet.
  public init() { ranges = [:] }

  /// The range of a layer under a format.
  public subscript(layer: String, format: ActivationFormat) -> [Float]? {
    get { ranges[format.name]?[layer] }
    set { ranges[format.name, default: [:]][layer] = newValue }
  }

  /// Adds those of a layer's statistics for a static format.
  public mutating func add(
    _ layer: String, _ statistics: ActivationStatistics, for format: ActivationFormat
  ) {
    guard !format.isDynamic else { return }
    if format.granularity == .channel {
      self[layer, format] = zip(statistics.channelLows, statistics.channelHighs).flatMap {
        [$0, $1]
      }
    } else {
      let range = format.method.range(of: statistics, for: format.element)
      self[layer, format] = [range.lowerBound, range.upperBound]
    }
  }

  /// Adds all of other ranges, which win.
  public mutating func merge(_ other: ActivationRanges) {
    ranges.merge(other.ranges) { $0.merging($1) { $1 } }
  }
}
