import Vocabulary

/// One figure against its target.
struct BenchRow: Encodable {
  /// What a figure counts.
  enum Unit: String, Encodable {
    /// Wall time; the median where it was run several times.
    case seconds
    /// The most resident memory.
    case bytes
    /// Times as long as something else.
    case ratio
  }

  /// The benchmark's name.
  var benchmark: String
  /// What was measured, for people.
  var what: String
  /// The figure.
  var value: Double
  /// What it counts.
  var unit: Unit
  /// The figure should be at most this; nil where nothing is asked for.
  var target: Double?
  /// How often it was run.
  var runs: Int
  /// The most resident memory of the process, in bytes; nil for what runs in this process.
  var peakBytes: Int?
  /// Whether the target is met; nil without one.
  var met: Bool?

  /// A figure, and whether it is at most `target`.
  init(
    _ benchmark: String, _ what: String, _ value: Double, _ unit: Unit, target: Double?,
    runs: Int = 1, peakBytes: Int? = nil
  ) {
    self.benchmark = benchmark
    self.what = what
    self.value = value
    self.unit = unit
    self.target = target
    self.runs = runs
    self.peakBytes = peakBytes
    met = target.map { value <= $0 }
  }

  /// The figure or its target with its unit.
  func text(_ value: Double) -> String {
    switch unit {
    case .seconds: duration(value)
    case .bytes: size(Int(value))
    case .ratio: fixed(value, digits: 2)
    }
  }
}

/// The middle value; of an even count the upper of the two.
func median(_ values: [Double]) -> Double {
  values.isEmpty ? .nan : values.sorted()[values.count / 2]
}
