/// The numbers `q · scale + offset` with whole `q` in `lowest ... highest`.
///
/// Eight lanes at a time, by hand: strict floating point keeps the optimizer from vectorising a search
/// for extremes, and a target that may be the source keeps it from vectorising the rest. The twin that
/// is written to be read is in the tests.
struct IntegerGrid {
  var scale: Float
  var offset: Float
  var lowest: Float
  var highest: Float

  /// Replaces each weight by the nearest number of the grid, halves of a step to the even `q`.
  @inline(__always)
  func roundTrip(
    _ weights: UnsafePointer<Float>, count: Int, into result: UnsafeMutablePointer<Float>
  ) {
    guard scale > 0 else {
      let constant = 0 * scale + offset  // as the formula has it: never -0
      return result.update(repeating: constant, count: count)
    }
    let whole = count & ~7
    for k in 0..<count / 8 { store(nearest(to: lanes(weights + 8 * k)), result + 8 * k) }
    for k in whole..<count { result[k] = nearest(to: SIMD8(repeating: weights[k]))[0] }
  }

  @inline(__always)
  private func nearest(to weights: SIMD8<Float>) -> SIMD8<Float> {
    // Held in range first: the limits are whole, so rounding cannot leave it, and what is left is far
    // below 2^22, where adding and taking away 1.5 · 2^23 rounds half to even.
    var steps = (weights - offset) / scale
    steps = smaller(larger(steps, SIMD8(repeating: lowest)), SIMD8(repeating: highest))
    steps = (steps + 0x1.8p23) - 0x1.8p23
    return steps * scale + offset
  }
}

/// The smallest and the largest of some finite numbers.
struct WeightRange {
  var low: Float
  var high: Float

  /// A range by its ends.
  init(low: Float, high: Float) {
    self.low = low
    self.high = high
  }

  /// The range of `count > 0` numbers; nil when one of them is a NaN or an infinity.
  @inline(__always)
  init?(of weights: UnsafePointer<Float>, count: Int) {
    var lows = SIMD8(repeating: weights[0])
    var highs = lows
    var poison = SIMD8<Float>(repeating: 0)  // 0 · w is zero for numbers, and NaN stays
    let whole = count & ~7
    for k in 0..<count / 8 {
      let block = lanes(weights + 8 * k)
      lows = smaller(block, lows)
      highs = larger(block, highs)
      poison += block * 0
    }
    for k in whole..<count {
      let block = SIMD8(repeating: weights[k])
      lows = smaller(block, lows)
      highs = larger(block, highs)
      poison += block * 0
    }
    guard folded(poison, +) == 0 else { return nil }
    low = folded(lows, min)
    high = folded(highs, max)
  }
}

/// One number out of eight in three steps (the standard library's `min()` goes lane by lane).
@inline(__always)
func folded(_ lanes: SIMD8<Float>, _ combine: (Float, Float) -> Float) -> Float {
  let left = combine(combine(lanes[0], lanes[1]), combine(lanes[2], lanes[3]))
  let right = combine(combine(lanes[4], lanes[5]), combine(lanes[6], lanes[7]))
  return combine(left, right)
}

/// Eight neighbours, wherever they are.
@inline(__always)
func lanes(_ pointer: UnsafePointer<Float>) -> SIMD8<Float> {
  UnsafeRawPointer(pointer).loadUnaligned(as: SIMD8<Float>.self)
}

/// Writes eight neighbours, wherever they are.
@inline(__always)
func store(_ lanes: SIMD8<Float>, _ pointer: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(pointer).storeBytes(of: lanes, as: SIMD8<Float>.self)
}

/// The smaller of each pair of lanes: a comparison and a choice (`pointwiseMin` calls `min` per lane).
@inline(__always)
func smaller(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
  b.replacing(with: a, where: a .< b)
}

/// The larger of each pair of lanes.
@inline(__always)
func larger(_ a: SIMD8<Float>, _ b: SIMD8<Float>) -> SIMD8<Float> {
  b.replacing(with: a, where: a .> b)
}
