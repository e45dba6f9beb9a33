/// Quantized blocks back to singles, in the order of operations of ggml (and so to the same bits).
///
/// Source: `dequantize_row_*` in ggml. All halves are IEEE, all numbers little-endian.
enum Dequantization {
  /// Turns all blocks of the source into singles.
  typealias Kernel = @Sendable (UnsafeRawBufferPointer, UnsafeMutableBufferPointer<Float>) -> Void

  /// The kernel of a block type; nil for the others.
  static func kernel(for type: GGUFTensorType) -> Kernel? {
    switch type.name {
    case "Q4_0": halfBytes
    case "Q4_1": halfBytesWithMinimum
    case "Q8_0": bytes
    default: nil
    }
  }

  /// Q4_0, 18 bytes: scale d, 16 bytes q; `x = d (nibble − 8)`, low nibbles first, then high ones.
  private static let halfBytes: Kernel = { source, result in
    guard var input = source.baseAddress, var output = result.baseAddress else { return }
    for _ in 0..<min(source.count / 18, result.count / 32) {
      let d = half(input)
      let q = (input + 2).assumingMemoryBound(to: UInt8.self)
      for j in 0..<16 {
        output[j] = d * Float(Int32(q[j] & 15) - 8)
        output[j + 16] = d * Float(Int32(q[j] >> 4) - 8)
      }
      input += 18
      output += 32
    }
  }

  /// Q4_1, 20 bytes: scale d, minimum m, 16 bytes q; `x = d · nibble + m`.
  private static let halfBytesWithMinimum: Kernel = { source, result in
    guard var input = source.baseAddress, var output = result.baseAddress else { return }
    for _ in 0..<min(source.count / 20, result.count / 32) {
      let d = half(input)
      let m = half(input + 2)
      let q = (input + 4).assumingMemoryBound(to: UInt8.self)
      for j in 0..<16 {
        output[j] = d * Float(q[j] & 15) + m
        output[j + 16] = d * Float(q[j] >> 4) + m
      }
      input += 20
      output += 32
    }
  }

  /// Q8_0, 34 bytes: scale d, 32 signed bytes q; `x = d · q`.
  private static let bytes: Kernel = { source, result in
    guard var input = source.baseAddress, var output = result.baseAddress else { return }
    for _ in 0..<min(source.count / 34, result.count / 32) {
      let d = half(input)
      let q = (input + 2).assumingMemoryBound(to: Int8.self)
      for j in 0..<32 { output[j] = d * Float(q[j]) }
      input += 34
      output += 32
    }
  }

  /// The half at an address of any alignment, as a single.
  @inline(__always)
  private static func half(_ address: UnsafeRawPointer) -> Float {
    Float(Float16(bitPattern: address.loadUnaligned(as: UInt16.self)))
  }
}
