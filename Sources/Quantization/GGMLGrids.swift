/// Steps of a scale around zero that reach one end exactly: `q4_0` and `q5_0`.
///
/// `d = m / −h` for the weight `m` of the largest magnitude (the first of them) and `2h` codes;
/// `code = ⌊w / d + h + ½⌋`, held in `0 ..< 2h`; `value = half(d) · (code − h)`.
struct SignedSteps: BlockGrid {
  var scale: Float
  var inverse: Float
  var half: Float

  @inline(__always)
  init(_ weights: UnsafePointer<Float>, _ range: WeightRange, count: Int, half: Float) {
    var extreme = -range.low > range.high ? range.low : range.high
    if -range.low == range.high {
      extreme = firstOf(range.low, range.high, in: weights, count: count)
    }
    let step = extreme / -half
    self.half = half
    inverse = inverted(step)
    scale = nearestHalf(step)
  }

  @inline(__always)
  func codes(_ weights: SIMD8<Float>) -> SIMD8<Float> {
    smaller(wholePart(weights * inverse + (half + 0.5)), SIMD8(repeating: 2 * half - 1))
  }

  @inline(__always)
  func values(_ codes: SIMD8<Float>) -> SIMD8<Float> { (codes - half) * scale }
}

/// Steps of a scale from the smallest weight up: `q4_1` and `q5_1`.
///
/// `d = (max − min) / top`; `code = ⌊(w − min) / d + ½⌋`, at most `top`;
/// `value = half(d) · code + half(min)`.
struct OffsetSteps: BlockGrid {
  var scale: Float
  var inverse: Float
  var lowest: Float
  var offset: Float
  var top: Float

  @inline(__always)
  init(_ range: WeightRange, top: Float) {
    let step = (range.high - range.low) / top
    self.top = top
    lowest = range.low
    offset = nearestHalf(lowest)
    inverse = inverted(step)
    scale = nearestHalf(step)
  }

  @inline(__always)
  func codes(_ weights: SIMD8<Float>) -> SIMD8<Float> {
    smaller(wholePart((weights - lowest) * inverse + 0.5), SIMD8(repeating: top))
  }

  @inline(__always)
  func values(_ codes: SIMD8<Float>) -> SIMD8<Float> { codes * scale + offset }
}

/// Steps of a scale around zero, the same to both sides: `q8_0` (127 steps) and the ternary types (one).
///
/// `d = max|w| / top`; `code = w / d` to the nearest whole number, halves away from zero;
/// `value = half(d) · code`.
struct EvenSteps: BlockGrid {
  var scale: Float
  var inverse: Float

  @inline(__always)
  init(_ range: WeightRange, top: Float) {
    let step = max(-range.low, range.high) / top
    inverse = inverted(step)
    scale = nearestHalf(step)
  }

  @inline(__always)
  func codes(_ weights: SIMD8<Float>) -> SIMD8<Float> {
    let steps = weights * inverse
    let size = magnitudes(steps)
    let below = wholePart(size)
    let nearest = below + ones(where: size - below .>= SIMD8(repeating: 0.5))
    return signed(nearest, like: steps) + 0  // a code has no sign of zero
  }

  @inline(__always)
  func values(_ codes: SIMD8<Float>) -> SIMD8<Float> { codes * scale }
}

/// The sixteen 4-bit floats times a power of two: `mxfp4`.
///
/// `e = ⌊log2 max|w|⌋ − 2`, in single precision; the values are `2^(e−1)` times ±0, 1, 2, 3, 4, 6, 8, 12,
/// and the nearest is taken, ties to the smaller magnitude. A block of zeros has the smallest `e`.
struct FourBitFloats: BlockGrid {
  /// `e + 127`.
  var exponent: UInt8
  /// `2^(e−1)`.
  var scale: Float

  @inline(__always)
  init(_ range: WeightRange) {
    let largest = max(-range.low, range.high)
    exponent = largest > 0 ? UInt8(max(0, floorOfLog2(largest) - 2 + 127)) : 0
    scale =
      exponent < 2
      ? Float(bitPattern: 0x0020_0000 << UInt32(exponent))
      : Float(bitPattern: UInt32(exponent - 1) << 23)
  }

  @inline(__always)
  func codes(_ weights: SIMD8<Float>) -> SIMD8<Float> {
    let size = magnitudes(weights)
    var code = SIMD8<Float>(repeating: 0)
    // The middles between neighbours, with how far the next one is.
    code += ones(where: size .> SIMD8(repeating: 0.5 * scale))
    code += ones(where: size .> SIMD8(repeating: 1.5 * scale))
    code += ones(where: size .> SIMD8(repeating: 2.5 * scale))
    code += ones(where: size .> SIMD8(repeating: 3.5 * scale))
    code += ones(where: size .> SIMD8(repeating: 5 * scale)) * 2
    code += ones(where: size .> SIMD8(repeating: 7 * scale)) * 2
    code += ones(where: size .> SIMD8(repeating: 10 * scale)) * 4
    return signed(code, like: weights) + 0
  }

  @inline(__always)
  func values(_ codes: SIMD8<Float>) -> SIMD8<Float> { codes * scale }

  func stored(_ code: Float) -> UInt8 { Minifloat.e2m1.bits(of: code / 2) }
}

/// `1 / step`, and 0 where the step is nothing (or so little that no half and no single can tell).
@inline(__always)
private func inverted(_ step: Float) -> Float {
  let inverse = 1 / step
  return inverse.isFinite ? inverse : 0
}

/// Whichever of two numbers comes first; one of them is there.
private func firstOf(_ a: Float, _ b: Float, in weights: UnsafePointer<Float>, count: Int) -> Float
{
  for k in 0..<count where weights[k] == a || weights[k] == b { return weights[k] }
  return b
}

/// The whole part of the base-2 logarithm of a positive number, the logarithm rounded to a single first.
///
/// The rounding matters just below a power of two, where the logarithm comes out as whole: that is what
/// the consumer computes.
private func floorOfLog2(_ value: Float) -> Int {
  let whole = Int(value.exponent)
  let missing = Double(2 - value.significand)  // of the next power of two, in halves of it
  guard missing < 0x1p-16 else { return whole }
  // log2(1 − x) = −x (1 + x / 2 + ...) / ln 2
  let share = missing / 2
  let logarithm = Double(whole + 1) - share * (1 + share / 2) * 1.4426950408889634
  return Int(Float(logarithm).rounded(.down))
}
