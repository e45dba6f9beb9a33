internal import GGML
public import Vocabulary

/// The block types of GGUF whose scales are searched for: what llama.cpp's library makes of a weight.
///
/// Each block's scales are fitted to its weights by ggml's own code, which is loaded when it is first
/// needed (the environment variable `BITBUDGET_GGML` names the library); so a layer's bytes are those of
/// `llama-quantize` without an importance matrix. Sizes are known without the library.
public enum GGMLFormat: String, PackedFormat, CaseIterable {
  /// 16 blocks of 16 weights: 2-bit codes, 4-bit scales and minima.
  case q2_k
  /// 16 blocks of 16 weights: 3-bit codes, 6-bit scales.
  case q3_k
  /// 8 blocks of 32 weights: 4-bit codes, 6-bit scales and minima.
  case q4_k
  /// 8 blocks of 32 weights: 5-bit codes, 6-bit scales and minima.
  case q5_k
  /// 16 blocks of 16 weights: 6-bit codes, 8-bit scales.
  case q6_k
  /// 32 weights: codes for 16 uneven numbers.
  case iq4_nl
  /// 8 blocks of 32 weights: codes for 16 uneven numbers, 6-bit scales.
  case iq4_xs

  /// Where the library is looked for.
  public static let variable = "BITBUDGET_GGML"

  /// The type's name in lower case: `q4_k`.
  public var name: String { rawValue }

  /// One line for people.
  public var summary: String {
    let codes =
      switch self {
      case .q2_k: "2-bit integers, a scale and an offset per 16 of 256 weights"
      case .q3_k: "3-bit integers, a scale per 16 of 256 weights"
      case .q4_k: "4-bit integers, a scale and an offset per 32 of 256 weights"
      case .q5_k: "5-bit integers, a scale and an offset per 32 of 256 weights"
      case .q6_k: "6-bit integers, a scale per 16 of 256 weights"
      case .iq4_nl: "16 uneven numbers, a scale per 32 weights"
      case .iq4_xs: "16 uneven numbers, a scale per 32 of 256 weights"
      }
    return "GGUF: \(codes); rounded by ggml itself"
  }

  /// Bits of a code.
  public var nominalBits: Int {
    switch self {
    case .q2_k: 2
    case .q3_k: 3
    case .q4_k, .iq4_nl, .iq4_xs: 4
    case .q5_k: 5
    case .q6_k: 6
    }
  }

  private var blocks: GGMLBlocks {
    switch self {
    case .q2_k: GGMLBlocks(number: 10, name: "q2_K", weights: 256, bytes: 84)
    case .q3_k: GGMLBlocks(number: 11, name: "q3_K", weights: 256, bytes: 110)
    case .q4_k: GGMLBlocks(number: 12, name: "q4_K", weights: 256, bytes: 144)
    case .q5_k: GGMLBlocks(number: 13, name: "q5_K", weights: 256, bytes: 176)
    case .q6_k: GGMLBlocks(number: 14, name: "q6_K", weights: 256, bytes: 210)
    case .iq4_nl: GGMLBlocks(number: 20, name: "iq4_nl", weights: 32, bytes: 18)
    case .iq4_xs: GGMLBlocks(number: 23, name: "iq4_xs", weights: 256, bytes: 136)
    }
  }

  /// The type's number in GGUF files.
  public var number: UInt32 { blocks.number }

  /// What llama.cpp takes for rows that blocks do not divide.
  public var fallback: (any NumberFormat)? {
    switch self {
    case .q2_k, .q3_k: GGUFFormat.q4_0
    case .q4_k: GGUFFormat.q5_0
    case .q5_k: GGUFFormat.q5_1
    case .q6_k: GGUFFormat.q8_0
    case .iq4_xs: GGMLFormat.iq4_nl
    case .iq4_nl: FloatFormat.fp16
    }
  }

  /// Why weights cannot be rounded here, one sentence; nil where ggml's library is found.
  public var unavailability: String? { blocks.unavailability.map(sentence) }

  /// Blocks must divide the rows.
  public func refusal(of shape: WeightShape) -> String? {
    if let refusal = refusalOfEmptiness(shape) { return refusal }
    guard shape.columns % blocks.weights != 0 else { return nil }
    return
      "its rows of \(shape.columns) weights are not a multiple of the block size \(blocks.weights)"
  }

  /// A block's bytes for each block.
  public func bytes(of shape: WeightShape) -> Int { shape.count / blocks.weights * blocks.bytes }

  /// One tensor of blocks, row after row.
  public func parts(of shape: WeightShape) -> [PackedPart] {
    let row = shape.columns / blocks.weights * blocks.bytes
    return [PackedPart("weight", .uint8, rows: shape.rows, columns: row)]
  }

  /// What llama.cpp makes of the stored weights.
  public func roundTrip(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableBufferPointer<Float>
  ) throws {
    require(weights, shape, result)
    let size = shape.columns / blocks.weights * blocks.bytes
    try withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { packed in
      for start in stride(from: 0, to: shape.count, by: shape.columns) {
        let row = start..<start + shape.columns
        try round(
          .init(rebasing: weights[row]), into: packed, and: .init(rebasing: result[row]))
      }
    }
  }

  /// Blocks as they stand in a GGUF file.
  public func pack(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableRawBufferPointer
  ) throws {
    require(weights, shape, packedInto: result)
    let size = shape.columns / blocks.weights * blocks.bytes
    try withUnsafeTemporaryAllocation(of: Float.self, capacity: shape.columns) { values in
      for index in 0..<shape.rows {
        let row = index * shape.columns..<(index + 1) * shape.columns
        let target = UnsafeMutableRawBufferPointer(
          rebasing: result[index * size..<(index + 1) * size])
        try round(.init(rebasing: weights[row]), into: target, and: values)
      }
    }
  }

  /// One row: its blocks, and what they mean.
  private func round(
    _ row: UnsafeBufferPointer<Float>, into packed: UnsafeMutableRawBufferPointer,
    and values: UnsafeMutableBufferPointer<Float>
  ) throws {
    guard let start = row.baseAddress, let range = WeightRange(of: start, count: row.count) else {
      throw notFinite
    }
    // Far beyond this the search for scales overflows, and ggml silently makes zeros of the block.
    guard max(-range.low, range.high) <= 65504 else { throw tooLarge(range) }
    do {
      try blocks.quantize(row, into: packed)
      try blocks.dequantize(.init(packed), into: values)
    } catch let error as GGMLError {
      throw UserError(.failed, sentence(error.description))
    }
    guard let first = values.baseAddress, WeightRange(of: first, count: values.count) != nil else {
      throw tooLarge(range)
    }
  }

  private func sentence(_ reason: String) -> String {
    "\(name) is rounded by ggml's own library, which cannot be used here (\(reason)); set "
      + "\(Self.variable) to the path of llama.cpp's libggml-base"
  }
}
