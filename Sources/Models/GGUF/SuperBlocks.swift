/// The k-quants: 256 elements in 16 (or 8) sub-blocks, whose scales are integers times the block's own.
extension Dequantization {
  /// Q2_K, 84 bytes: 16 bytes of scale (low nibble) and minimum, 64 bytes q, d, dmin; 2 bits an element.
  ///
  /// `x = d · scale · q − dmin · minimum`, as in all types with minima.
  static func twoBitSuperBlock(_ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = half(input + 80)
    let dmin = half(input + 82)
    for sub in 0..<16 {
      let scales = byte(input, sub)
      let scale = d * Float(scales & 15)
      let minimum = dmin * Float(scales >> 4)
      let (start, shift) = quarters(sub)
      for k in 0..<16 {
        let q = byte(input, 16 + start + k) >> shift & 3
        output[16 * sub + k] = scale * Float(q) - minimum
      }
    }
  }

  /// Q3_K, 110 bytes: 32 bytes of third bits, 64 bytes q, 12 bytes of 6-bit scales, d.
  ///
  /// `x = d (scale − 32) (q − 4)` where the third bit is 0, else `d (scale − 32) q`.
  static func threeBitSuperBlock(_ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = half(input + 108)
    for sub in 0..<16 {
      let low = byte(input, 96 + sub % 8) >> UInt8(sub < 8 ? 0 : 4) & 15
      let high = byte(input, 104 + sub % 4) >> UInt8(sub / 4 * 2) & 3
      let scale = d * Float(Int32(low | high << 4) - 32)
      let (start, shift) = quarters(sub)
      for k in 0..<16 {
        let q = Int32(byte(input, 32 + start + k) >> shift & 3)
        let third = byte(input, sub % 2 * 16 + k) >> UInt8(sub / 2) & 1
        output[16 * sub + k] = scale * Float(q - (third == 0 ? 4 : 0))
      }
    }
  }

  /// Q4_K, 144 bytes: d, dmin, 12 bytes of 6-bit scales and minima, 128 bytes q; 8 sub-blocks.
  static func fourBitSuperBlock(_ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    for sub in 0..<8 {
      let (scale, minimum) = sixBitScales(input, sub)
      for k in 0..<32 {
        let q = byte(input, 16 + sub / 2 * 32 + k) >> UInt8(sub % 2 * 4) & 15
        output[32 * sub + k] = scale * Float(q) - minimum
      }
    }
  }

  /// Q5_K, 176 bytes: as Q4_K, with 32 bytes of fifth bits between scales and nibbles.
  static func fiveBitSuperBlock(_ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    for sub in 0..<8 {
      let (scale, minimum) = sixBitScales(input, sub)
      for k in 0..<32 {
        let low = byte(input, 48 + sub / 2 * 32 + k) >> UInt8(sub % 2 * 4) & 15
        let high = byte(input, 16 + k) >> UInt8(sub) & 1
        output[32 * sub + k] = scale * Float(low | high << 4) - minimum
      }
    }
  }

  /// Q6_K, 210 bytes: 128 bytes of nibbles, 64 of the upper 2 bits, 16 signed scales, d.
  ///
  /// `x = d · scale · (q − 32)`.
  static func sixBitSuperBlock(_ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = half(input + 208)
    for sub in 0..<16 {
      let scale = d * Float(Int8(bitPattern: byte(input, 192 + sub)))
      // Halves of 128: 64 bytes give the first 64 low nibbles, then the next 64 high ones.
      let (half, place) = (sub / 8, sub % 8 * 16)
      let (start, shift) = quarters(sub)
      for k in 0..<16 {
        let low = byte(input, 64 * half + place % 64 + k) >> UInt8(place / 64 * 4) & 15
        let high = byte(input, 128 + start + k) >> shift & 3
        output[16 * sub + k] = scale * Float(Int32(low | high << 4) - 32)
      }
    }
  }

  /// Where the 2-bit codes of a sub-block of 16 are: 32 bytes hold 128 elements, four to a byte.
  private static func quarters(_ sub: Int) -> (start: Int, shift: UInt8) {
    (sub / 8 * 32 + sub % 2 * 16, UInt8(sub % 8 / 2 * 2))
  }

  /// Scale and minimum of a sub-block of Q4_K or Q5_K.
  ///
  /// The first four have 6 bits in bytes 0 ... 3 and 4 ... 7; the last four have 4 bits in bytes 8 ... 11
  /// and their upper 2 in the others' top bits.
  private static func sixBitScales(
    _ input: UnsafeRawPointer, _ sub: Int
  ) -> (scale: Float, minimum: Float) {
    let d = half(input)
    let dmin = half(input + 2)
    let first = byte(input, 4 + sub % 4)
    let second = byte(input, 8 + sub % 4)
    guard sub >= 4 else { return (d * Float(first & 63), dmin * Float(second & 63)) }
    let third = byte(input, 12 + sub % 4)
    return (
      d * Float(third & 15 | first >> 2 & 48), dmin * Float(third >> 4 | second >> 2 & 48)
    )
  }
}
