/// Quantized blocks back to singles, in the order of operations of ggml (and so to the same bits).
///
/// Source: `dequantize_row_*` in ggml. All halves are IEEE, all numbers little-endian. The `IQ` types of
/// less than 4 bits are not here: each needs a table of hundreds of numbers that exists nowhere but in ggml.
enum Dequantization {
  /// Turns all blocks of the source into singles.
  typealias Kernel = @Sendable (UnsafeRawBufferPointer, UnsafeMutableBufferPointer<Float>) -> Void

  /// One block: its bytes, and room for its elements.
  typealias Block = @Sendable (UnsafeRawPointer, UnsafeMutablePointer<Float>) -> Void

  /// The kernel of a block type; nil for the others.
  static func kernel(for type: GGUFTensorType) -> Kernel? {
    guard let block = blocks[type.name] else { return nil }
    return { source, result in
      guard var input = source.baseAddress, var output = result.baseAddress else { return }
      for _ in 0..<min(source.count / type.bytes, result.count / type.elements) {
        block(input, output)
        input += type.bytes
        output += type.elements
      }
    }
  }

  /// The block types that can be read.
  static let blocks: [String: Block] = [
    "Q4_0": { nibbles($0, $1, bias: 8) },
    "Q4_1": { nibblesWithMinimum($0, $1) },
    "Q5_0": { fiveBits($0, $1, codes: 2) },
    "Q5_1": { fiveBits($0, $1, codes: 4) },
    "Q8_0": { bytes($0, $1) },
    "Q2_K": { twoBitSuperBlock($0, $1) },
    "Q3_K": { threeBitSuperBlock($0, $1) },
    "Q4_K": { fourBitSuperBlock($0, $1) },
    "Q5_K": { fiveBitSuperBlock($0, $1) },
    "Q6_K": { sixBitSuperBlock($0, $1) },
    "IQ4_NL": { unevenNibbles($0, $1) },
    "IQ4_XS": { unevenSuperBlock($0, $1) },
    "TQ1_0": { fiveTrits($0, $1) },
    "TQ2_0": { fourTrits($0, $1) },
    "MXFP4": { floatsWithPower($0, $1) },
    "NVFP4": { floatsWithFloats($0, $1) },
  ]

  /// Q4_0, 18 bytes: scale d, 16 bytes q; `x = d (nibble − 8)`, low nibbles first, then high ones.
  private static func nibbles(
    _ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>, bias: Int32
  ) {
    let d = half(input)
    for j in 0..<16 {
      let q = byte(input, 2 + j)
      output[j] = d * Float(Int32(q & 15) - bias)
      output[j + 16] = d * Float(Int32(q >> 4) - bias)
    }
  }

  /// Q4_1, 20 bytes: scale d, minimum m, 16 bytes q; `x = d · nibble + m`.
  private static func nibblesWithMinimum(
    _ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>
  ) {
    let d = half(input)
    let m = half(input + 2)
    for j in 0..<16 {
      let q = byte(input, 4 + j)
      output[j] = d * Float(q & 15) + m
      output[j + 16] = d * Float(q >> 4) + m
    }
  }

  /// Q5_0 (22 bytes) and Q5_1 (24): scale d, in Q5_1 minimum m, 32 fifth bits, 16 bytes of nibbles;
  /// `x = d (q − 16)` or `x = d · q + m`.
  private static func fiveBits(
    _ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>, codes: Int
  ) {
    let d = half(input)
    let high = (input + codes).loadUnaligned(as: UInt32.self)
    for j in 0..<16 {
      let nibbles = UInt32(byte(input, codes + 4 + j))
      let first = nibbles & 15 | (high >> UInt32(j) & 1) << 4
      let second = nibbles >> 4 | (high >> UInt32(j + 16) & 1) << 4
      if codes == 2 {
        output[j] = d * Float(Int32(first) - 16)
        output[j + 16] = d * Float(Int32(second) - 16)
      } else {
        let m = half(input + 2)
        output[j] = d * Float(first) + m
        output[j + 16] = d * Float(second) + m
      }
    }
  }

  /// Q8_0, 34 bytes: scale d, 32 signed bytes q; `x = d · q`.
  private static func bytes(_ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = half(input)
    for j in 0..<32 { output[j] = d * Float(Int8(bitPattern: byte(input, 2 + j))) }
  }

  /// The half at an address of any alignment, as a single.
  @inline(__always)
  static func half(_ address: UnsafeRawPointer) -> Float {
    Float(Float16(bitPattern: address.loadUnaligned(as: UInt16.self)))
  }

  /// The byte at an offset.
  @inline(__always)
  static func byte(_ address: UnsafeRawPointer, _ offset: Int) -> UInt8 {
    address.load(fromByteOffset: offset, as: UInt8.self)
  }
}
