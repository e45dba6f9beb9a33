/// How a GGUF file stores the elements of a tensor: in blocks of a fixed number of bytes.
///
/// Source: the type table of ggml (`enum ggml_type`).
public struct GGUFTensorType: Sendable, Hashable {
  /// The number in the file.
  public var number: UInt32
  /// The name in ggml, such as `Q4_1`.
  public var name: String
  /// Elements of a block; a row is a whole number of blocks.
  public var elements: Int
  /// Bytes of a block.
  public var bytes: Int

  /// Whether its elements can be read here.
  public var isReadable: Bool { GGUFTensorType.readable.contains(name) }

  /// Every known type.
  public static let all: [GGUFTensorType] = [
    (0, "F32", 1, 4), (1, "F16", 1, 2), (2, "Q4_0", 32, 18), (3, "Q4_1", 32, 20),
    (6, "Q5_0", 32, 22), (7, "Q5_1", 32, 24), (8, "Q8_0", 32, 34), (10, "Q2_K", 256, 84),
    (11, "Q3_K", 256, 110), (12, "Q4_K", 256, 144), (13, "Q5_K", 256, 176), (14, "Q6_K", 256, 210),
    (16, "IQ2_XXS", 256, 66), (17, "IQ2_XS", 256, 74), (18, "IQ3_XXS", 256, 98),
    (19, "IQ1_S", 256, 50), (20, "IQ4_NL", 32, 18), (21, "IQ3_S", 256, 110), (22, "IQ2_S", 256, 82),
    (23, "IQ4_XS", 256, 136), (24, "I8", 1, 1), (25, "I16", 1, 2), (26, "I32", 1, 4),
    (27, "I64", 1, 8), (28, "F64", 1, 8), (29, "IQ1_M", 256, 56), (30, "BF16", 1, 2),
    (34, "TQ1_0", 256, 54), (35, "TQ2_0", 256, 66), (39, "MXFP4", 32, 17),
    (40, "NVFP4", 64, 36),
  ].map { GGUFTensorType(number: $0, name: $1, elements: $2, bytes: $3) }

  /// The type with a number in the file; nil for one that is not known.
  public init?(number: UInt32) {
    guard let type = GGUFTensorType.all.first(where: { $0.number == number }) else { return nil }
    self = type
  }

  private init(number: UInt32, name: String, elements: Int, bytes: Int) {
    self.number = number
    self.name = name
    self.elements = elements
    self.bytes = bytes
  }

  /// Names of the types whose elements can be read.
  static let readable = all.map(\.name).filter {
    ["F32", "F16", "BF16"].contains($0) || Dequantization.blocks[$0] != nil
  }
}
