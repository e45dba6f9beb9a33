public import Vocabulary

/// The block formats of GGUF files that need no search: what llama.cpp loads.
///
/// Rounded as the `gguf` Python package does (which says that it agrees with ggml's reference code), all
/// in single precision. Blocks lie along a row: 32 weights, or 256 of the ternary types.
public enum GGUFFormat: String, PackedFormat, CaseIterable {
  /// A scale and 4-bit integers around zero.
  case q4_0
  /// A scale, an offset and 4-bit integers.
  case q4_1
  /// A scale and 5-bit integers around zero.
  case q5_0
  /// A scale, an offset and 5-bit integers.
  case q5_1
  /// A scale and bytes.
  case q8_0
  /// A power of two and 4-bit floats.
  case mxfp4
  /// A scale and −1, 0 or 1, five to a byte.
  case tq1_0
  /// A scale and −1, 0 or 1, four to a byte.
  case tq2_0

  /// The type's name in lower case: `q4_0`.
  public var name: String { rawValue }

  /// One line for people.
  public var summary: String {
    switch self {
    case .q4_0: "GGUF: 4-bit integers, a scale per 32 weights"
    case .q4_1: "GGUF: 4-bit integers, a scale and an offset per 32 weights"
    case .q5_0: "GGUF: 5-bit integers, a scale per 32 weights"
    case .q5_1: "GGUF: 5-bit integers, a scale and an offset per 32 weights"
    case .q8_0: "GGUF: 8-bit integers, a scale per 32 weights"
    case .mxfp4: "GGUF: 4-bit floats (E2M1), a power of two per 32 weights"
    case .tq1_0: "GGUF: -1, 0 or 1, a scale per 256 weights, 1.69 bits a weight"
    case .tq2_0: "GGUF: -1, 0 or 1, a scale per 256 weights, 2.06 bits a weight"
    }
  }

  /// Bits of a code; a ternary one counts as 2.
  public var nominalBits: Int {
    switch self {
    case .tq1_0, .tq2_0: 2
    case .q4_0, .q4_1, .mxfp4: 4
    case .q5_0, .q5_1: 5
    case .q8_0: 8
    }
  }

  /// Weights of a block.
  public var blockLength: Int { self == .tq1_0 || self == .tq2_0 ? 256 : 32 }

  /// Bytes of a block.
  public var blockBytes: Int {
    switch self {
    case .q4_0: 18
    case .q4_1: 20
    case .q5_0: 22
    case .q5_1: 24
    case .q8_0: 34
    case .mxfp4: 17
    case .tq1_0: 54
    case .tq2_0: 66
    }
  }

  /// What llama.cpp takes for rows that blocks do not divide: 4-bit for ternary, else halves.
  public var fallback: (any NumberFormat)? {
    self == .tq1_0 || self == .tq2_0 ? GGUFFormat.q4_0 : FloatFormat.fp16
  }

  /// Blocks must divide the rows.
  public func refusal(of shape: WeightShape) -> String? {
    if let refusal = refusalOfEmptiness(shape) { return refusal }
    guard shape.columns % blockLength != 0 else { return nil }
    return
      "its rows of \(shape.columns) weights are not a multiple of the block size \(blockLength)"
  }

  /// ``blockBytes`` for each block.
  public func bytes(of shape: WeightShape) -> Int { shape.count / blockLength * blockBytes }

  /// One tensor of blocks, row after row.
  public func parts(of shape: WeightShape) -> [PackedPart] {
    [
      PackedPart(
        "weight", .uint8, rows: shape.rows, columns: shape.columns / blockLength * blockBytes)
    ]
  }

  /// What llama.cpp makes of the stored weights.
  public func roundTrip(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableBufferPointer<Float>
  ) throws {
    require(weights, shape, result)
    switch self {
    case .q4_0: try roundTripBlocks(of: 32, weights, into: result) { try signed($0, $1, half: 8) }
    case .q5_0: try roundTripBlocks(of: 32, weights, into: result) { try signed($0, $1, half: 16) }
    case .q4_1: try roundTripBlocks(of: 32, weights, into: result) { try offset($1, top: 15) }
    case .q5_1: try roundTripBlocks(of: 32, weights, into: result) { try offset($1, top: 31) }
    case .q8_0: try roundTripBlocks(of: 32, weights, into: result) { try even($1, top: 127) }
    case .mxfp4: try roundTripBlocks(of: 32, weights, into: result) { FourBitFloats($1) }
    case .tq1_0, .tq2_0:
      try roundTripBlocks(of: 256, weights, into: result) { try even($1, top: 1) }
    }
  }

  /// Blocks as they stand in a GGUF file.
  public func pack(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableRawBufferPointer
  ) throws {
    require(weights, shape, packedInto: result)
    guard let start = result.baseAddress else { return }
    func target(_ index: Int) -> BlockWriter { BlockWriter(start + index * blockBytes) }
    switch self {
    case .q4_0, .q5_0:
      try packBlocks(of: 32, weights) {
        try signed($0, $1, half: self == .q4_0 ? 8 : 16)
      } write: { index, grid, codes in
        var block = target(index)
        block.half(grid.scale)
        if self == .q5_0 { block.fifthBits(codes) }
        block.nibbles(codes)
      }
    case .q4_1, .q5_1:
      try packBlocks(of: 32, weights) {
        try offset($1, top: self == .q4_1 ? 15 : 31)
      } write: { index, grid, codes in
        var block = target(index)
        block.half(grid.scale)
        block.half(grid.offset)
        if self == .q5_1 { block.fifthBits(codes) }
        block.nibbles(codes)
      }
    case .q8_0:
      try packBlocks(of: 32, weights) {
        try even($1, top: 127)
      } write: { index, grid, codes in
        var block = target(index)
        block.half(grid.scale)
        for code in codes { block.byte(code) }
      }
    case .mxfp4:
      try packBlocks(of: 32, weights) {
        FourBitFloats($1)
      } write: { index, grid, codes in
        var block = target(index)
        block.byte(grid.exponent)
        block.nibbles(codes)
      }
    case .tq1_0, .tq2_0:
      try packBlocks(of: 256, weights) {
        try even($1, top: 1)
      } write: { index, grid, codes in
        var block = target(index)
        if self == .tq1_0 { block.trits(codes) } else { block.pairs(codes) }
        block.half(grid.scale)
      }
    }
  }

  @inline(__always)
  private func signed(_ weights: UnsafePointer<Float>, _ range: WeightRange, half: Float) throws
    -> SignedSteps
  {
    let grid = SignedSteps(weights, range, count: 32, half: half)
    guard grid.scale.isFinite else { throw tooLarge(range) }
    return grid
  }

  @inline(__always)
  private func offset(_ range: WeightRange, top: Float) throws -> OffsetSteps {
    let grid = OffsetSteps(range, top: top)
    guard grid.scale.isFinite, grid.offset.isFinite else { throw tooLarge(range) }
    return grid
  }

  @inline(__always)
  private func even(_ range: WeightRange, top: Float) throws -> EvenSteps {
    let grid = EvenSteps(range, top: top)
    guard grid.scale.isFinite else { throw tooLarge(range) }
    return grid
  }
}

/// Writes the bytes of a block in order.
private struct BlockWriter {
  private var next: UnsafeMutableRawPointer

  init(_ start: UnsafeMutableRawPointer) { next = start }

  mutating func byte(_ value: UInt8) {
    next.storeBytes(of: value, as: UInt8.self)
    next += 1
  }

  mutating func half(_ value: Float) {
    let bits = Float16(value).bitPattern
    byte(UInt8(truncatingIfNeeded: bits))
    byte(UInt8(truncatingIfNeeded: bits >> 8))
  }

  /// The low 4 bits: the first half of the block in the low nibbles, the second in the high ones.
  mutating func nibbles(_ codes: UnsafeBufferPointer<UInt8>) {
    let middle = codes.count / 2
    for k in 0..<middle { byte(codes[k] & 15 | codes[k + middle] << 4) }
  }

  /// Bit 4 of each code, the first code lowest.
  mutating func fifthBits(_ codes: UnsafeBufferPointer<UInt8>) {
    for first in stride(from: 0, to: codes.count, by: 8) {
      byte((0..<8).reduce(0) { $0 | (codes[first + $1] >> 4 & 1) << UInt8($1) })
    }
  }

  /// Codes from -1 to 1, four to a byte that are 32 apart, the first lowest.
  mutating func pairs(_ codes: UnsafeBufferPointer<UInt8>) {
    for first in stride(from: 0, to: codes.count, by: 128) {
      for k in first..<first + 32 {
        byte((0..<4).reduce(0) { $0 | (codes[k + 32 * $1] &+ 1) << UInt8(2 * $1) })
      }
    }
  }

  /// Codes from -1 to 1 as digits of base 3, five to a byte: 160 of them 32 apart, 80 of them 16 apart,
  /// and the last 16, four to a byte, 4 apart.
  ///
  /// A byte is the fraction `digits / 243` in 256ths, rounded up, so that the digits come out of it by
  /// multiplications with 3.
  mutating func trits(_ codes: UnsafeBufferPointer<UInt8>) {
    func write(from start: Int, apart: Int, digits: Int, _ block: inout BlockWriter) {
      for k in start..<start + apart {
        var value = (0..<digits).reduce(0) { $0 * 3 + Int(codes[k + apart * $1] &+ 1) }
        if digits == 4 { value *= 3 }
        block.byte(UInt8((value * 256 + 242) / 243))
      }
    }
    write(from: 0, apart: 32, digits: 5, &self)
    write(from: 160, apart: 16, digits: 5, &self)
    write(from: 240, apart: 4, digits: 4, &self)
  }
}
