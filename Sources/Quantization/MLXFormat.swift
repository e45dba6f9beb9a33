public import Vocabulary

/// MLX's affine quantization: what `mx.quantize` makes of weights in half precision.
///
/// The weights are rounded to IEEE halves first, as they are in a model that MLX runs in half precision;
/// scales and biases are halves then, 32 bits a group. With `n = 2ᵇ − 1`: `s = max((max − min) / n, 1e-7)`,
/// negative where `|max| ≥ |min|`; `e` is the end of the range with the larger magnitude and
/// `k = e / s` to the nearest whole number. Where `k ≠ 0`, `s = e / k` and the bias is `e`; else the bias
/// is 0. So zero is a value of the grid. `code = (w − bias) / s` to the nearest even whole number, held
/// in `0 ... n`, in single precision; `value = half(half(code · half(s)) + half(bias))`, as
/// `mx.dequantize` computes it.
public struct MLXFormat: PackedFormat, Hashable {
  /// The widths that there are.
  public static let widths = [2, 3, 4, 5, 6, 8]
  /// The group sizes that there are.
  public static let groups = [32, 64, 128]
  /// Every width with every group size.
  public static let all = widths.flatMap { bits in groups.map { MLXFormat(bits: bits, group: $0) } }

  /// Bits of a code.
  public let bits: Int
  /// Neighbours of a row that share a scale.
  public let group: Int

  /// A format of one of the ``widths`` and ``groups``.
  public init(bits: Int, group: Int) {
    guard Self.widths.contains(bits), Self.groups.contains(group) else {
      fatalError("MLX has no \(bits) bits in groups of \(group)")
    }
    self.bits = bits
    self.group = group
  }

  /// `mlx4-g64`.
  public var name: String { "mlx\(bits)-g\(group)" }

  /// One line for people.
  public var summary: String {
    "MLX: \(bits)-bit integers, a scale and a bias per \(group) weights"
  }

  /// Bits of a code.
  public var nominalBits: Int { bits }

  /// MLX leaves a layer whose rows groups do not divide in half precision.
  public var fallback: (any NumberFormat)? { FloatFormat.fp16 }

  /// Groups must divide the rows.
  public func refusal(of shape: WeightShape) -> String? {
    if let refusal = refusalOfEmptiness(shape) { return refusal }
    guard shape.columns % group != 0 else { return nil }
    return "its rows of \(shape.columns) weights are not a multiple of the group size \(group)"
  }

  /// `count · bits / 8`, and 4 bytes for every group.
  public func bytes(of shape: WeightShape) -> Int {
    shape.count * bits / 8 + 4 * (shape.count / group)
  }

  /// `weight` in 32-bit words, `scales` and `biases`.
  public func parts(of shape: WeightShape) -> [PackedPart] {
    let groups = shape.columns / group
    return [
      PackedPart("weight", .uint32, rows: shape.rows, columns: shape.columns * bits / 32),
      PackedPart("scales", .float16, rows: shape.rows, columns: groups),
      PackedPart("biases", .float16, rows: shape.rows, columns: groups),
    ]
  }

  /// What MLX makes of the stored weights.
  public func roundTrip(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableBufferPointer<Float>
  ) throws {
    require(weights, shape, result)
    try roundTripBlocks(of: group, weights, into: result) { try grid($1) }
  }

  /// Codes one after the other from the lowest bit up, then all scales, then all biases.
  public func pack(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableRawBufferPointer
  ) throws {
    require(weights, shape, packedInto: result)
    let scales = shape.count * bits / 8
    let biases = scales + 2 * (shape.count / group)
    try packBlocks(of: group, weights) {
      try grid($1)
    } write: { index, grid, codes in
      var place = index * group * bits / 8
      var pending: UInt32 = 0
      var count = 0
      for code in codes {
        pending |= UInt32(code) << UInt32(count)
        count += bits
        while count >= 8 {
          result[place] = UInt8(truncatingIfNeeded: pending)
          place += 1
          pending >>= 8
          count -= 8
        }
      }
      storeHalf(grid.scale, in: result, at: scales + 2 * index)
      storeHalf(grid.bias, in: result, at: biases + 2 * index)
    }
  }

  @inline(__always)
  private func grid(_ range: WeightRange) throws -> MLXSteps {
    guard let grid = MLXSteps(range, top: Float((1 << bits) - 1)) else { throw tooLarge(range) }
    return grid
  }
}

/// The grid of a group.
private struct MLXSteps: BlockGrid {
  var top: Float
  var step: Float
  var edge: Float
  /// As stored.
  var scale: Float
  var bias: Float

  /// Nil where halves cannot hold a weight, the scale or a value.
  @inline(__always)
  init?(_ range: WeightRange, top: Float) {
    let low = nearestHalf(range.low)
    let high = nearestHalf(range.high)
    guard low.isFinite, high.isFinite else { return nil }
    let lowIsEdge = abs(low) > abs(high)
    step = max((high - low) / top, 1e-7)
    if !lowIsEdge { step = -step }
    edge = lowIsEdge ? low : high
    let steps = (edge / step).rounded(.toNearestOrEven)
    if steps != 0 { step = edge / steps } else { edge = 0 }
    self.top = top
    scale = nearestHalf(step)
    bias = edge
    guard nearestHalf(nearestHalf(top * scale) + bias).isFinite else { return nil }
  }

  @inline(__always)
  func codes(_ weights: SIMD8<Float>) -> SIMD8<Float> {
    let steps = (nearestHalves(weights) - edge) / step
    return nearestWhole(
      smaller(larger(steps, SIMD8(repeating: 0)), SIMD8(repeating: top)))
  }

  @inline(__always)
  func values(_ codes: SIMD8<Float>) -> SIMD8<Float> {
    nearestHalves(nearestHalves(codes * scale) + bias)
  }
}
