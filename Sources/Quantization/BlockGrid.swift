internal import Vocabulary

/// How the weights of one block are rounded, once the block's scale is known.
///
/// A consumer's format is a few such grids and where the bytes go; the loops are written once, below.
protocol BlockGrid {
  /// The codes nearest to eight weights as the consumer sees it, as whole numbers.
  func codes(_ weights: SIMD8<Float>) -> SIMD8<Float>
  /// What the consumer makes of eight codes.
  func values(_ codes: SIMD8<Float>) -> SIMD8<Float>
  /// The bits of a code; of a whole number its two's complement.
  func stored(_ code: Float) -> UInt8
}

extension BlockGrid {
  @inline(__always)
  func stored(_ code: Float) -> UInt8 { UInt8(truncatingIfNeeded: Int(code)) }
}

extension NumberFormat {
  /// The error for weights whose scales no half can hold.
  func tooLarge(_ range: WeightRange) -> UserError {
    UserError(
      .failed,
      "\(name) cannot store weights from \(range.low) to \(range.high): its scales are 16-bit floats, "
        + "which end at 65504")
  }

  /// Replaces each weight by what it is stored as, block by block.
  ///
  /// Several blocks' grids first, then their weights: the processor works on neighbours at once instead
  /// of waiting for each block's division to end.
  /// - Parameters:
  ///   - block: Weights of a block, a multiple of 8.
  ///   - grid: The grid of a block's weights with their range.
  @inline(__always)
  func roundTripBlocks<Grid: BlockGrid>(
    of block: Int, _ weights: UnsafeBufferPointer<Float>,
    into result: UnsafeMutableBufferPointer<Float>,
    grid: (UnsafePointer<Float>, WeightRange) throws -> Grid
  ) throws {
    guard let source = weights.baseAddress, let target = result.baseAddress else { return }
    let blocks = weights.count / block
    try withUnsafeTemporaryAllocation(of: Grid.self, capacity: 16) { grids in
      for first in stride(from: 0, to: blocks, by: grids.count) {
        let batch = first..<min(first + grids.count, blocks)
        for index in batch {
          let start = source + index * block
          guard let range = WeightRange(of: start, count: block) else { throw notFinite }
          grids.initializeElement(at: index - first, to: try grid(start, range))
        }
        for index in batch {
          let grid = grids[index - first]
          for start in stride(from: index * block, to: (index + 1) * block, by: 8) {
            store(grid.values(grid.codes(lanes(source + start))), target + start)
          }
        }
      }
    }
  }

  /// Hands out the codes of each block.
  ///
  /// - Parameters:
  ///   - block: Weights of a block, a multiple of 8.
  ///   - grid: As in ``roundTripBlocks(of:_:into:grid:)``.
  ///   - write: Gets the block's index, its grid and its codes as they are stored.
  @inline(__always)
  func packBlocks<Grid: BlockGrid>(
    of block: Int, _ weights: UnsafeBufferPointer<Float>,
    grid: (UnsafePointer<Float>, WeightRange) throws -> Grid,
    write: (Int, Grid, UnsafeBufferPointer<UInt8>) -> Void
  ) throws {
    guard let source = weights.baseAddress else { return }
    try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: block) { codes in
      codes.initialize(repeating: 0)
      for index in 0..<weights.count / block {
        let start = source + index * block
        guard let range = WeightRange(of: start, count: block) else { throw notFinite }
        let grid = try grid(start, range)
        for first in stride(from: 0, to: block, by: 8) {
          let eight = grid.codes(lanes(start + first))
          for k in 0..<8 { codes[first + k] = grid.stored(eight[k]) }
        }
        write(index, grid, UnsafeBufferPointer(codes))
      }
    }
  }
}

/// The whole part of numbers in `0 ..< 2^22`.
@inline(__always)
func wholePart(_ value: SIMD8<Float>) -> SIMD8<Float> {
  let nearest = (value + 0x1.8p23) - 0x1.8p23
  return nearest - ones(where: nearest .> value)
}

/// One where a condition holds, else zero.
@inline(__always)
func ones(where condition: SIMDMask<SIMD8<Int32>>) -> SIMD8<Float> {
  SIMD8(repeating: 0).replacing(with: SIMD8(repeating: 1), where: condition)
}

/// The nearest whole number of numbers below 2^22, halves to the even one.
@inline(__always)
func nearestWhole(_ value: SIMD8<Float>) -> SIMD8<Float> { (value + 0x1.8p23) - 0x1.8p23 }

/// Magnitudes.
@inline(__always)
func magnitudes(_ value: SIMD8<Float>) -> SIMD8<Float> {
  unsafeBitCast(
    unsafeBitCast(value, to: SIMD8<UInt32>.self) & SIMD8(repeating: 0x7FFF_FFFF),
    to: SIMD8<Float>.self)
}

/// Each magnitude with the sign of the other number.
@inline(__always)
func signed(_ magnitude: SIMD8<Float>, like value: SIMD8<Float>) -> SIMD8<Float> {
  let sign = unsafeBitCast(value, to: SIMD8<UInt32>.self) & SIMD8(repeating: 0x8000_0000)
  return unsafeBitCast(
    unsafeBitCast(magnitude, to: SIMD8<UInt32>.self) | sign, to: SIMD8<Float>.self)
}
