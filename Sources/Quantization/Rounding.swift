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
