/// The nearest IEEE half, as a single: ties to even, infinite from 65520 on, NaN stays NaN.
///
/// By hand since `Float16` converts by a library call on plain x86-64, ten times slower.
@inline(__always)
func nearestHalf(_ value: Float) -> Float {
  let bits = value.bitPattern
  let magnitude = bits & 0x7FFF_FFFF
  // Normal halves: round the 13 bits away that a half does not have.
  let normal = (magnitude &+ 0xFFF &+ ((magnitude >> 13) & 1)) & ~0x1FFF
  // Subnormal halves are multiples of 2^-24, which is how far apart singles are between ½ and 1.
  let subnormal = ((Float(bitPattern: magnitude) + 0.5) - 0.5).bitPattern
  var rounded = magnitude < 0x3880_0000 ? subnormal : normal  // 2^-14
  rounded = rounded > 0x477F_E000 ? 0x7F80_0000 : rounded  // 65504
  rounded = magnitude > 0x7F80_0000 ? magnitude : rounded
  return Float(bitPattern: rounded | (bits & 0x8000_0000))
}

/// The nearest bfloat16, as a single: ties to even, infinite beyond 3.39e38, NaN stays NaN.
@inline(__always)
func nearestBFloat16(_ value: Float) -> Float {
  let bits = value.bitPattern
  let magnitude = bits & 0x7FFF_FFFF
  let rounded = (magnitude &+ 0x7FFF &+ ((magnitude >> 16) & 1)) & ~0xFFFF
  return Float(bitPattern: (magnitude > 0x7F80_0000 ? magnitude : rounded) | (bits & 0x8000_0000))
}

/// The nearest halves of eight numbers below 65520 in magnitude, ties to even; those of zero are +0.
@inline(__always)
func nearestHalves(_ values: SIMD8<Float>) -> SIMD8<Float> {
  nearestFloats(values, precision: 10, leastExponent: -14)
}

/// Eight numbers rounded to so many binary digits behind the first, ties to even; zeros are +0.
///
/// Adding 1.5 · 2^(23 − precision) times the power of two at or below a number leaves that precision;
/// below `2^leastExponent` the steps are those at `2^leastExponent`. There is no largest number.
@inline(__always)
func nearestFloats(_ values: SIMD8<Float>, precision: Int, leastExponent: Int) -> SIMD8<Float> {
  let exponents = unsafeBitCast(values, to: SIMD8<UInt32>.self) & SIMD8(repeating: 0x7F80_0000)
  let powers = larger(
    unsafeBitCast(exponents, to: SIMD8<Float>.self), SIMD8(repeating: powerOfTwo(leastExponent)))
  let shift = powers * (1.5 * powerOfTwo(23 - precision))
  return (values + shift) - shift
}

/// `2^exponent` for the exponents of normal singles.
@inline(__always)
func powerOfTwo(_ exponent: Int) -> Float { Float(bitPattern: UInt32(exponent + 127) << 23) }

/// Writes a half of the given value, little-endian.
func storeHalf(_ value: Float, in bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
  bytes.storeBytes(
    of: Float16(value).bitPattern.littleEndian, toByteOffset: offset, as: UInt16.self)
}
