/// The types whose 4-bit codes stand for 16 uneven numbers.
extension Dequantization {
  /// The numbers of the codes, as ggml has them.
  private static let numbers: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]

  /// IQ4_NL, 18 bytes: scale d, 16 bytes of nibbles; `x = d · number(nibble)`, low nibbles first.
  static func unevenNibbles(_ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    uneven(input + 2, half(input), output)
  }

  /// IQ4_XS, 136 bytes: d, 8 upper 2 bits and 8 lower 4 bits of 6-bit scales, 128 bytes of nibbles; 8
  /// sub-blocks of 32, `x = d (scale − 32) number(nibble)`.
  static func unevenSuperBlock(_ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = half(input)
    let upper = (input + 2).loadUnaligned(as: UInt16.self)
    for sub in 0..<8 {
      let low = Int32(byte(input, 4 + sub / 2) >> UInt8(sub % 2 * 4) & 15)
      let high = Int32(upper >> UInt16(2 * sub) & 3)
      uneven(input + 8 + 16 * sub, d * Float((low | high << 4) - 32), output + 32 * sub)
    }
  }

  private static func uneven(
    _ codes: UnsafeRawPointer, _ scale: Float, _ output: UnsafeMutablePointer<Float>
  ) {
    for k in 0..<16 {
      let pair = byte(codes, k)
      output[k] = scale * numbers[Int(pair & 15)]
      output[k + 16] = scale * numbers[Int(pair >> 4)]
    }
  }
}
