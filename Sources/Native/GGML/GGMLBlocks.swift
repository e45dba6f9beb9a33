import CGGML

/// A block type of ggml, rounded by ggml's own library.
///
/// The library is looked for when it is first needed: at the path that the environment variable
/// `BITBUDGET_GGML` holds (the file, or the folder that it is in), else among the system's libraries.
public struct GGMLBlocks: Sendable {
  /// The type's number in GGUF files.
  public let number: UInt32
  /// Weights of a block.
  public let weights: Int
  /// Bytes of a block.
  public let bytes: Int
  private let name: StaticString

  /// A type by its number and its name in ggml's functions, such as `q4_K`, with what its blocks hold.
  public init(number: UInt32, name: StaticString, weights: Int, bytes: Int) {
    self.number = number
    self.name = name
    self.weights = weights
    self.bytes = bytes
  }

  /// Why ggml cannot be asked, one clause; nil when it can.
  public var unavailability: String? {
    do {
      try asked { cggml_has($0, &$1) }
      return nil
    } catch { return "\(error)" }
  }

  /// Quantizes a row of finite weights, without an importance matrix.
  ///
  /// - Parameters:
  ///   - row: A whole number of blocks.
  ///   - packed: Room for their bytes.
  /// - Throws: ``GGMLError`` when the library is not there or has other blocks.
  public func quantize(
    _ row: UnsafeBufferPointer<Float>, into packed: UnsafeMutableRawBufferPointer
  ) throws {
    check(row.count, packed.count)
    try asked { cggml_quantize($0, row.baseAddress, Int64(row.count), packed.baseAddress, &$1) }
  }

  /// What ggml makes of blocks.
  ///
  /// - Throws: ``GGMLError`` when the library is not there or cannot read them.
  public func dequantize(
    _ packed: UnsafeRawBufferPointer, into row: UnsafeMutableBufferPointer<Float>
  ) throws {
    check(row.count, packed.count)
    try asked { cggml_dequantize($0, packed.baseAddress, Int64(row.count), row.baseAddress, &$1) }
  }

  private func check(_ count: Int, _ size: Int) {
    guard count % weights == 0, size == count / weights * bytes else {
      fatalError("\(name): a row of \(count) weights was given \(size) bytes")
    }
  }

  private func asked(
    _ call: (UnsafePointer<cggml_blocks>, inout cggml_error) -> Int32
  ) throws {
    var error = cggml_error()
    let status = name.withUTF8Buffer { name in
      name.withMemoryRebound(to: CChar.self) { name in
        var blocks = cggml_blocks(
          type: Int32(number), name: name.baseAddress, weights: Int64(weights), bytes: bytes)
        return call(&blocks, &error)
      }
    }
    if status != 0 { throw GGMLError(error) }
  }
}

/// Why ggml could not be asked.
public struct GGMLError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One clause.
  public let description: String

  init(_ error: cggml_error) {
    description = withUnsafeBytes(of: error.text) { text in
      String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
