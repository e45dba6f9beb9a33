public import Vocabulary

/// A format whose consumer's bytes can be written.
public protocol PackedFormat: NumberFormat {
  /// The tensors that the consumer stores for a weight of this shape, in the order of their bytes.
  ///
  /// Together they have ``NumberFormat/bytes(of:)`` bytes.
  func parts(of shape: WeightShape) -> [PackedPart]

  /// Quantizes into the bytes that the consumer reads: those of the ``parts(of:)``, one after the other.
  ///
  /// What the consumer makes of them are the weights of ``NumberFormat/roundTrip(_:shape:into:)``.
  ///
  /// - Parameters:
  ///   - weights: Row-major, `shape.count` of them.
  ///   - shape: One that is not refused.
  ///   - result: Room for `bytes(of: shape)` bytes. Undefined after an error.
  /// - Throws: As ``NumberFormat/roundTrip(_:shape:into:)``.
  /// - Complexity: O(`shape.count`), no allocation that grows with it.
  func pack(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableRawBufferPointer) throws
}

/// One of the tensors that a packed weight is stored as.
public struct PackedPart: Sendable, Hashable {
  /// What its elements are, all little-endian.
  public enum Element: Sendable, Hashable {
    /// Bytes.
    case uint8
    /// 32-bit words.
    case uint32
    /// IEEE halves.
    case float16
    /// IEEE singles.
    case float32

    /// Bytes of one element.
    public var size: Int {
      switch self {
      case .uint8: 1
      case .float16: 2
      case .uint32, .float32: 4
      }
    }
  }

  /// What the consumer calls it, such as `scales`; `weight` where it is the only one.
  public var name: String
  /// The element type.
  public var element: Element
  /// Rows: those of the weight.
  public var rows: Int
  /// Elements of a row.
  public var columns: Int

  /// A tensor of `rows` by `columns` elements.
  public init(_ name: String, _ element: Element, rows: Int, columns: Int) {
    self.name = name
    self.element = element
    self.rows = rows
    self.columns = columns
  }

  /// Its size in bytes.
  public var bytes: Int { rows * columns * element.size }
}

extension PackedFormat {
  /// The bytes that the consumer reads, in a new array.
  ///
  /// - Throws: As ``pack(_:shape:into:)``.
  public func pack(_ weights: [Float], shape: WeightShape) throws -> [UInt8] {
    var packed = [UInt8](repeating: 0, count: bytes(of: shape))
    try packed.withUnsafeMutableBytes { packed in
      try weights.withUnsafeBufferPointer { try pack($0, shape: shape, into: packed) }
    }
    return packed
  }

  /// Holds a caller to what ``pack(_:shape:into:)`` asks for.
  func require(
    _ weights: UnsafeBufferPointer<Float>, _ shape: WeightShape,
    packedInto result: UnsafeMutableRawBufferPointer
  ) {
    if let refusal = refusal(of: shape) { fatalError("\(name) refused this weight: \(refusal)") }
    guard weights.count == shape.count, result.count == bytes(of: shape) else {
      fatalError(
        "\(name): a weight of \(shape.rows) x \(shape.columns) was given \(weights.count) numbers and "
          + "room for \(result.count) bytes")
    }
  }
}
