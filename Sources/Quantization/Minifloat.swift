/// Floating-point numbers of 4 or 8 bits.
struct Minifloat: Sendable, Hashable {
  /// Binary digits behind the first.
  var precision: Int
  /// The exponent of the smallest normal number.
  var leastExponent: Int
  /// The largest number.
  var largest: Float
  /// All bits of a code.
  var width: Int

  /// Largest 6.
  static let e2m1 = Minifloat(precision: 1, leastExponent: 0, largest: 6, width: 4)
  /// Without infinities, largest 448.
  static let e4m3 = Minifloat(precision: 3, leastExponent: -6, largest: 448, width: 8)
  /// With infinities, largest 57344.
  static let e5m2 = Minifloat(precision: 2, leastExponent: -14, largest: 57344, width: 8)

  /// The nearest numbers of this kind, ties to even, as if there were no largest; with their signs.
  @inline(__always)
  func nearest(_ values: SIMD8<Float>) -> SIMD8<Float> {
    signed(
      nearestFloats(magnitudes(values), precision: precision, leastExponent: leastExponent),
      like: values)
  }

  /// The nearest number of this kind, at most the largest.
  func nearest(_ value: Float) -> Float {
    let lanes = nearest(SIMD8(repeating: value))
    return max(-largest, min(largest, lanes[0]))
  }

  /// The code of a number of this kind.
  @inline(__always)
  func bits(of value: Float) -> UInt8 {
    let size = abs(value)
    let sign: UInt8 = value.sign == .minus ? 1 << UInt8(width - 1) : 0
    guard size > 0 else { return sign }
    // The digits follow on from the exponent: a carry out of them is the next exponent.
    let exponent = max(Int(size.exponent), leastExponent)
    let digits = Int(size * powerOfTwo(precision - exponent))
    return sign | UInt8((exponent - leastExponent) << precision + digits)
  }
}
