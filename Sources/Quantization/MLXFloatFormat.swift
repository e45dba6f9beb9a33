public import Vocabulary

/// MLX's own 4-bit floats: what `mx.quantize` makes of singles in its modes `mxfp4` and `nvfp4`.
///
/// E2M1 numbers, of which MLX gives a tie to the one nearer to zero, times a scale:
///
/// - `mlx-mxfp4`: a power of two per 32 weights, `2^⌈log2(max|w| / 6)⌉` (GGUF's `mxfp4` takes another one).
/// - `mlx-nvfp4`: an E4M3 number per 16 weights, `e4m3(max|w| / 6)`, and no scale of the tensor: weights
///   beyond 448 · 6 = 2688 are held there.
public enum MLXFloatFormat: String, PackedFormat, CaseIterable {
  /// A power of two per 32 weights.
  case mxfp4 = "mlx-mxfp4"
  /// An 8-bit float per 16 weights.
  case nvfp4 = "mlx-nvfp4"

  /// `mlx-mxfp4` or `mlx-nvfp4`.
  public var name: String { rawValue }

  /// MLX's own name of it: `mxfp4` or `nvfp4`.
  public var mode: String { self == .mxfp4 ? "mxfp4" : "nvfp4" }

  /// One line for people.
  public var summary: String {
    switch self {
    case .mxfp4: "MLX: 4-bit floats (E2M1), a power of two per 32 weights"
    case .nvfp4: "MLX: 4-bit floats (E2M1), an 8-bit float per 16 weights"
    }
  }

  /// 4.
  public var nominalBits: Int { 4 }

  /// Weights that share a scale.
  public var group: Int { self == .mxfp4 ? 32 : 16 }

  /// MLX leaves a layer whose rows groups do not divide in half precision.
  public var fallback: (any NumberFormat)? { FloatFormat.fp16 }

  /// Groups must divide the rows.
  public func refusal(of shape: WeightShape) -> String? {
    if let refusal = refusalOfEmptiness(shape) { return refusal }
    guard shape.columns % group != 0 else { return nil }
    return "its rows of \(shape.columns) weights are not a multiple of the group size \(group)"
  }

  /// Half a byte for each code, and a byte for every group.
  public func bytes(of shape: WeightShape) -> Int { shape.count / 2 + shape.count / group }

  /// `weight` in 32-bit words and `scales`.
  public func parts(of shape: WeightShape) -> [PackedPart] {
    [
      PackedPart("weight", .uint32, rows: shape.rows, columns: shape.columns / 8),
      PackedPart("scales", .uint8, rows: shape.rows, columns: shape.columns / group),
    ]
  }

  /// What MLX makes of the stored weights.
  public func roundTrip(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableBufferPointer<Float>
  ) throws {
    require(weights, shape, result)
    try roundTripBlocks(of: group, weights, into: result) { grid($1) }
  }

  /// Codes from the lowest bit up, then the scales.
  public func pack(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableRawBufferPointer
  ) throws {
    require(weights, shape, packedInto: result)
    let half = group / 2
    try packBlocks(of: group, weights) {
      grid($1)
    } write: { index, grid, codes in
      for k in 0..<half {
        result[half * index + k] = codes[2 * k] | codes[2 * k + 1] << 4
      }
      result[shape.count / 2 + index] = grid.storedScale
    }
  }

  @inline(__always)
  private func grid(_ range: WeightRange) -> TiesToZero {
    let reach = max(-range.low, range.high) / 6
    guard self == .mxfp4 else {
      let scale = Minifloat.e4m3.nearest(reach)
      return TiesToZero(scale: scale, storedScale: Minifloat.e4m3.bits(of: scale))
    }
    // A block of zeros has the scale 1.
    let power = reach > 0 ? max(-126, ceilingOfLog2(reach)) : 0
    return TiesToZero(scale: powerOfTwo(power), storedScale: UInt8(power + 127))
  }
}

/// E2M1 numbers times a scale, ties to the smaller magnitude.
private struct TiesToZero: BlockGrid {
  var scale: Float
  var storedScale: UInt8

  /// A number counts the middles below it; the steps between the numbers are 1/2 up to 2, then 1, then 2.
  @inline(__always)
  func codes(_ weights: SIMD8<Float>) -> SIMD8<Float> {
    guard scale > 0 else { return SIMD8(repeating: 0) }
    let numbers = weights / scale
    let sizes = magnitudes(numbers)
    func above(_ middle: Float) -> SIMD8<Float> { ones(where: sizes .> middle) }
    let small = above(0.25) + above(0.75) + above(1.25) + above(1.75)
    let large = above(2.5) + above(3.5) + 2 * above(5)
    return signed(0.5 * small + large, like: numbers) + 0
  }

  @inline(__always)
  func values(_ codes: SIMD8<Float>) -> SIMD8<Float> { codes * scale }

  func stored(_ code: Float) -> UInt8 { Minifloat.e2m1.bits(of: code) }
}
