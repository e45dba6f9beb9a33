/// Ternary types, and 4-bit floats.
extension Dequantization {
  /// TQ1_0, 54 bytes: 48 bytes of five base-3 digits, 4 bytes of four, d; `x = d (digit − 1)`.
  ///
  /// The n-th digit of a byte is the whole part of `3 · frac(byte / 256 · 3ⁿ)`. 160 elements lie 32 apart
  /// in 32 bytes, 80 lie 16 apart in 16, 16 lie 4 apart in 4.
  static func fiveTrits(_ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = half(input + 52)
    for (start, bytes, digits) in [(0, 32, 5), (32, 16, 5), (48, 4, 4)] {
      for k in 0..<bytes {
        var rest = byte(input, start + k)
        for n in 0..<digits {
          let digit = (UInt16(rest) * 3) >> 8
          output[5 * start + n * bytes + k] = d * Float(Int32(digit) - 1)
          rest = rest &* 3
        }
      }
    }
  }

  /// TQ2_0, 66 bytes: 64 bytes of four 2-bit codes 32 apart, d; `x = d (code − 1)`.
  static func fourTrits(_ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let d = half(input + 64)
    for k in 0..<64 {
      let codes = byte(input, k)
      for n in 0..<4 {
        let code = Int32(codes >> UInt8(2 * n) & 3)
        output[k / 32 * 128 + 32 * n + k % 32] = d * Float(code - 1)
      }
    }
  }

  /// MXFP4, 17 bytes: exponent e, 16 bytes of nibbles; `x = 2^(e − 128) · 2 · e2m1(nibble)`.
  static func floatsWithPower(_ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    let e = UInt32(byte(input, 0))
    let scale = Float(bitPattern: e < 2 ? 0x0020_0000 << e : (e - 1) << 23)
    for k in 0..<16 {
      let codes = byte(input, 1 + k)
      output[k] = scale * twice(codes & 15)
      output[k + 16] = scale * twice(codes >> 4)
    }
  }

  /// NVFP4, 36 bytes: 4 scales, 32 bytes of nibbles; 4 sub-blocks of 16 elements,
  /// `x = e4m3(scale) / 2 · 2 · e2m1(nibble)`.
  static func floatsWithFloats(_ input: UnsafeRawPointer, _ output: UnsafeMutablePointer<Float>) {
    for sub in 0..<4 {
      let scale = unsignedE4M3(byte(input, sub)) / 2
      for k in 0..<8 {
        let codes = byte(input, 4 + 8 * sub + k)
        output[16 * sub + k] = scale * twice(codes & 15)
        output[16 * sub + k + 8] = scale * twice(codes >> 4)
      }
    }
  }

  /// Twice the 4-bit float of a code: 0, 1, 2, 3, 4, 6, 8, 12 and their negatives; a zero has no sign.
  private static func twice(_ code: UInt8) -> Float {
    let (exponent, digit) = (Int32(code >> 1 & 3), Int32(code & 1))
    let size = exponent == 0 ? digit : (2 + digit) << (exponent - 1)
    return Float(code & 8 == 0 ? size : -size)
  }

  /// The E4M3 number of the low 7 bits; what would be NaN is 0.
  private static func unsignedE4M3(_ code: UInt8) -> Float {
    let (exponent, digits) = (Int(code >> 3 & 15), Float(code & 7))
    guard code != 0x7F else { return 0 }
    return exponent == 0
      ? digits * 0x1p-9 : (1 + digits / 8) * Float(bitPattern: UInt32(exponent + 120) << 23)
  }
}
