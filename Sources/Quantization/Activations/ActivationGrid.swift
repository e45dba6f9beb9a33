/// The codes of one range: what a number of a layer's input is rounded to.
public struct ActivationGrid: Hashable, Sendable {
  /// The distance of neighbouring codes; zero where the range holds nothing but zero.
  public var scale: Float
  /// The code of zero, a whole number.
  public var zero: Float
  /// The smallest code.
  public var lowest: Float
  /// The largest code.
  public var highest: Float

  /// The grid of integers over a range, which is widened to hold zero.
  ///
  /// A range that is not finite, or too narrow for a normal scale, makes everything zero.
  public init(low: Float, high: Float, bits: Int, _ scheme: ActivationFormat.Scheme) {
    let (low, high) = (min(low, 0), max(high, 0))
    let steps = Float((1 << bits) - 1)
    let half = Float(1 << (bits - 1))
    let isUnsigned = scheme == .symmetricUnsigned && low == 0
    var scale: Float
    switch scheme {
    case .asymmetric: scale = (high - low) / steps
    case _ where isUnsigned: scale = high / steps
    default: scale = max(-low, high) / (half - 1)
    }
    let isUsable = scale.isFinite && scale >= .leastNormalMagnitude
    if scheme == .powerOfTwo, isUsable, scale.significand > 1 {
      scale = Float(sign: .plus, exponent: scale.exponent + 1, significand: 1)
    }
    self.scale = isUsable && scale.isFinite ? scale : 0
    let startsAtZero = scheme == .asymmetric || isUnsigned
    (lowest, highest) = startsAtZero ? (0, steps) : (-half, half - 1)
    zero =
      scheme == .asymmetric && self.scale > 0
      ? min(steps, max(0, (-low / self.scale).rounded(.toNearestOrEven))) : 0
  }

  /// What a number becomes.
  public func roundTrip(_ value: Float) -> Float {
    guard scale > 0 else { return 0 }
    let code = (value / scale).rounded(.toNearestOrEven) + zero
    return (min(highest, max(lowest, code)) - zero) * scale
  }
}

extension Float8Format.Kind {
  /// The largest number.
  public var largest: Float { minifloat.largest }

  /// The scale of a range: its larger end is the largest number; 0 where there is nothing but zero.
  public func scale(low: Float, high: Float) -> Float {
    let scale = max(-min(low, 0), max(high, 0)) / minifloat.largest
    return scale.isFinite && scale >= .leastNormalMagnitude ? scale : 0
  }

  /// Rounds numbers to 8-bit floats times a scale, as if there were no largest.
  ///
  /// - Parameters:
  ///   - values: The numbers.
  ///   - scale: Of ``scale(low:high:)``; 0 makes everything zero.
  ///   - result: Room for as many; may be the memory of `values`.
  public func roundTrip(
    _ values: UnsafeBufferPointer<Float>, scale: Float,
    into result: UnsafeMutableBufferPointer<Float>
  ) {
    guard scale > 0 else { return result.update(repeating: 0) }
    let minifloat = minifloat
    for k in values.indices { result[k] = minifloat.nearest(values[k] / scale) * scale }
  }
}
