public import Vocabulary

/// Small floats with a small float as the scale of a few neighbours, as MLX computes them.
///
/// - `mxfp8`: E4M3 numbers and a power of two per 32 weights, `2^⌈log2(max|w| / 448)⌉`.
/// - `nvfp4`: E2M1 numbers, an E4M3 scale per 16 weights and a 32-bit one per tensor: with
///   `t = max|w| / (448 · 6)` over the tensor, `s = e4m3(max|w| / 6 / t)` over 16 of its weights,
///   `value = e2m1(w / (s · t)) · (s · t)`.
///
/// All in single precision, ties to even. Some consumers derive other scales from the same weights (the
/// standard's own rule for powers of two rounds down, and lets the largest numbers saturate).
public enum MicroscalingFormat: String, PackedFormat, CaseIterable {
  /// 8-bit floats, a power of two per 32 weights.
  case mxfp8
  /// 4-bit floats, an 8-bit float per 16 weights, a 32-bit float per tensor.
  case nvfp4

  /// `mxfp8` or `nvfp4`.
  public var name: String { rawValue }

  /// One line for people.
  public var summary: String {
    switch self {
    case .mxfp8: "8-bit floats (E4M3), a power of two per 32 weights"
    case .nvfp4: "4-bit floats (E2M1), an 8-bit float per 16 weights and a scale per tensor"
    }
  }

  /// 8 or 4.
  public var nominalBits: Int { self == .mxfp8 ? 8 : 4 }

  /// Weights that share a scale.
  public var group: Int { self == .mxfp8 ? 32 : 16 }

  /// Halves, for rows that groups do not divide.
  public var fallback: (any NumberFormat)? { FloatFormat.fp16 }

  /// Groups must divide the rows.
  public func refusal(of shape: WeightShape) -> String? {
    if let refusal = refusalOfEmptiness(shape) { return refusal }
    guard shape.columns % group != 0 else { return nil }
    return "its rows of \(shape.columns) weights are not a multiple of the group size \(group)"
  }

  /// The codes, a byte for every group, and 4 bytes for the tensor of `nvfp4`.
  public func bytes(of shape: WeightShape) -> Int {
    shape.count * nominalBits / 8 + shape.count / group + (self == .nvfp4 ? 4 : 0)
  }

  /// `weight` in 32-bit words and `scales`; of `nvfp4` also `global_scale`, `max|w|` of the tensor.
  public func parts(of shape: WeightShape) -> [PackedPart] {
    let words = shape.columns * nominalBits / 32
    let parts = [
      PackedPart("weight", .uint32, rows: shape.rows, columns: words),
      PackedPart("scales", .uint8, rows: shape.rows, columns: shape.columns / group),
    ]
    return self == .mxfp8
      ? parts : parts + [PackedPart("global_scale", .float32, rows: 1, columns: 1)]
  }

  /// What MLX makes of the stored weights.
  public func roundTrip(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableBufferPointer<Float>
  ) throws {
    require(weights, shape, result)
    switch self {
    case .mxfp8: try roundTripBlocks(of: 32, weights, into: result) { PowerScaled($1) }
    case .nvfp4:
      let tensor = try reach(weights)
      try roundTripBlocks(of: 16, weights, into: result) { TwiceScaled($1, tensor: tensor) }
    }
  }

  /// Codes from the lowest bit up, then the scales, then the tensor's own.
  public func pack(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableRawBufferPointer
  ) throws {
    require(weights, shape, packedInto: result)
    let scales = shape.count * nominalBits / 8
    switch self {
    case .mxfp8:
      try packBlocks(of: 32, weights) {
        PowerScaled($1)
      } write: { index, grid, codes in
        for k in codes.indices { result[32 * index + k] = codes[k] }
        result[scales + index] = grid.exponent
      }
    case .nvfp4:
      let tensor = try reach(weights)
      try packBlocks(of: 16, weights) {
        TwiceScaled($1, tensor: tensor)
      } write: { index, grid, codes in
        for k in 0..<8 { result[8 * index + k] = codes[2 * k] | codes[2 * k + 1] << 4 }
        result[scales + index] = Minifloat.e4m3.bits(of: grid.group)
      }
      result.storeBytes(
        of: tensor.bitPattern.littleEndian, toByteOffset: scales + shape.count / 16, as: UInt32.self
      )
    }
  }

  /// The largest magnitude of a tensor.
  private func reach(_ weights: UnsafeBufferPointer<Float>) throws -> Float {
    guard let start = weights.baseAddress,
      let range = WeightRange(of: start, count: weights.count)
    else { throw notFinite }
    return max(-range.low, range.high)
  }
}

/// E4M3 numbers times a power of two.
private struct PowerScaled: BlockGrid {
  /// The power's exponent, and 127.
  var exponent: UInt8
  var scale: Float

  @inline(__always)
  init(_ range: WeightRange) {
    let reach = max(-range.low, range.high) / 448
    // A block of zeros has the scale 1.
    let power = reach > 0 ? max(-126, ceilingOfLog2(reach)) : 0
    exponent = UInt8(power + 127)
    scale = powerOfTwo(power)
  }

  @inline(__always)
  func codes(_ weights: SIMD8<Float>) -> SIMD8<Float> { Minifloat.e4m3.nearest(weights / scale) }

  @inline(__always)
  func values(_ codes: SIMD8<Float>) -> SIMD8<Float> { codes * scale }

  func stored(_ code: Float) -> UInt8 { Minifloat.e4m3.bits(of: code) }
}

/// E2M1 numbers times an E4M3 number times the tensor's scale.
private struct TwiceScaled: BlockGrid {
  var group: Float
  var scale: Float

  @inline(__always)
  init(_ range: WeightRange, tensor: Float) {
    let unit = tensor / 2688
    group = unit > 0 ? Minifloat.e4m3.nearest(max(-range.low, range.high) / 6 / unit) : 0
    scale = group * unit
  }

  @inline(__always)
  func codes(_ weights: SIMD8<Float>) -> SIMD8<Float> {
    guard scale > 0 else { return SIMD8(repeating: 0) }
    let nearest = nearestFloats(weights / scale, precision: 1, leastExponent: 0)
    return smaller(larger(nearest, SIMD8(repeating: -6)), SIMD8(repeating: 6))
  }

  @inline(__always)
  func values(_ codes: SIMD8<Float>) -> SIMD8<Float> { codes * scale }

  func stored(_ code: Float) -> UInt8 { Minifloat.e2m1.bits(of: code) }
}

/// The base-2 logarithm of a positive number, rounded to a single first and then up to a whole number.
///
/// The rounding matters just above a power of two, where the logarithm comes out as whole.
func ceilingOfLog2(_ value: Float) -> Int {
  let whole = Int(value.exponent)
  let beyond = Double(value.significand) - 1
  guard beyond < 0x1p-16 else { return whole + 1 }
  // log2(1 + x) = x (1 − x / 2 + ...) / ln 2
  let logarithm = Double(whole) + beyond * (1 - beyond / 2) * 1.4426950408889634
  return Int(Float(logarithm).rounded(.up))
}
