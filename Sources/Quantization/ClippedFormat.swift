public import Vocabulary

/// Integers whose groups' ranges are clipped where that lessens the squared error: `int4-g64+mse`.
///
/// Every group of weights that shares a scale tries its range at the ratios 1, 0.97, … 0.4 (both ends by
/// the same ratio), is rounded under each, and keeps the one with the least `Σ (Q(w) − w)²`; of equals
/// the widest. Stored as the format without clipping: any consumer of that reads it.
/// Cost: 21 round trips.
public struct ClippedFormat: NumberFormat, Hashable {
  /// The integers.
  public let integers: IntegerFormat

  /// The ratios, the widest first.
  static let ratios = (0...20).map { 1 - Float($0) * 0.03 }

  /// Integers with clipped ranges.
  public init(_ integers: IntegerFormat) { self.integers = integers }

  /// Every integer format with a scale per group or channel.
  public static let all: [ClippedFormat] = IntegerFormat.widths.flatMap { bits in
    IntegerFormat.granularities.filter { $0 != .tensor }.flatMap { granularity in
      IntegerFormat.Symmetry.allCases.map {
        ClippedFormat(IntegerFormat(bits: bits, granularity, $0))
      }
    }
  }

  /// The integers' name and `+mse`.
  public var name: String { integers.name + "+mse" }
  /// The name with its symmetry.
  public var explicitName: String { integers.explicitName + "+mse" }
  /// One line for people.
  public var summary: String { integers.summary + ", clipped where that lessens the error" }
  /// Bits of a code.
  public var nominalBits: Int { integers.bits }
  /// The integers' stand-in, clipped.
  public var fallback: (any NumberFormat)? {
    (integers.fallback as? IntegerFormat).map { ClippedFormat($0) }
  }
  /// As the integers.
  public func refusal(of shape: WeightShape) -> String? { integers.refusal(of: shape) }
  /// As the integers.
  public func bytes(of shape: WeightShape) -> Int { integers.bytes(of: shape) }

  /// What the weights become under the best of the ratios, group by group.
  public func roundTrip(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableBufferPointer<Float>
  ) throws {
    require(weights, shape, result)
    guard let source = weights.baseAddress, let target = result.baseAddress else { return }
    let length = integers.groupLength(in: shape)
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { trial in
      guard let trial = trial.baseAddress else { return }
      for start in stride(from: 0, to: shape.count, by: length) {
        guard let range = WeightRange(of: source + start, count: length) else { throw notFinite }
        var best: (error: Double, grid: IntegerGrid)?
        for ratio in Self.ratios {
          let clipped = WeightRange(low: range.low * ratio, high: range.high * ratio)
          guard let grid = integers.grid(over: clipped) else { throw integers.tooLarge(range) }
          grid.roundTrip(source + start, count: length, into: trial)
          let error = squaredDistance(source + start, trial, count: length)
          if error < best?.error ?? .infinity { best = (error, grid) }
        }
        best?.grid.roundTrip(source + start, count: length, into: target + start)
      }
    }
  }
}

/// `Σ (a − b)²`, in doubles.
private func squaredDistance(
  _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int
) -> Double {
  var sums = SIMD8<Double>(repeating: 0)
  let whole = count & ~7
  for k in 0..<count / 8 {
    let difference = SIMD8<Double>(lanes(a + 8 * k) - lanes(b + 8 * k))
    sums += difference * difference
  }
  var sum = sums.sum()
  for k in whole..<count {
    let difference = Double(a[k] - b[k])
    sum += difference * difference
  }
  return sum
}
