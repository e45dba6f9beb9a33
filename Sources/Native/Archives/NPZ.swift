/// An array out of a NumPy file.
public struct NPZArray: Sendable, Equatable {
  /// The element types that are read, all little-endian.
  public enum Element: String, Sendable, CaseIterable {
    /// IEEE half precision.
    case float16 = "f2"
    /// IEEE single precision.
    case float32 = "f4"
    /// IEEE double precision.
    case float64 = "f8"
    /// Signed bytes.
    case int8 = "i1"
    /// 16-bit integers.
    case int16 = "i2"
    /// 32-bit integers.
    case int32 = "i4"
    /// 64-bit integers.
    case int64 = "i8"
    /// Unsigned bytes.
    case uint8 = "u1"
    /// Truth values, a byte each.
    case bool = "b1"

    /// Bytes of one element.
    public var size: Int {
      switch self {
      case .int8, .uint8, .bool: 1
      case .float16, .int16: 2
      case .float32, .int32: 4
      case .float64, .int64: 8
      }
    }
  }

  /// The sizes of the axes; empty for a scalar.
  public var shape: [Int]
  /// The element type.
  public var element: Element
  /// The elements in row-major order, little-endian: `product(shape) · element.size` bytes.
  public var bytes: [UInt8]

  /// The number of elements.
  public var count: Int { bytes.count / element.size }

  /// The elements as singles, row-major.
  public func floats() -> [Float] {
    switch element {
    case .float16: map(UInt16.self) { Float(Float16(bitPattern: $0)) }
    case .float32: map(UInt32.self) { Float(bitPattern: $0) }
    case .float64: map(UInt64.self) { Float(Double(bitPattern: $0)) }
    case .int8: map(Int8.self) { Float($0) }
    case .int16: map(Int16.self) { Float($0) }
    case .int32: map(Int32.self) { Float($0) }
    case .int64: map(Int64.self) { Float($0) }
    case .uint8: map(UInt8.self) { Float($0) }
    case .bool: map(UInt8.self) { $0 == 0 ? 0 : 1 }
    }
  }

  /// The elements as 64-bit integers, row-major; fractions are cut off, what does not fit is 0.
  public func int64s() -> [Int64] {
    switch element {
    case .float16:
      map(UInt16.self) { Int64(exactly: Float16(bitPattern: $0).rounded(.towardZero)) ?? 0 }
    case .float32:
      map(UInt32.self) { Int64(exactly: Float(bitPattern: $0).rounded(.towardZero)) ?? 0 }
    case .float64:
      map(UInt64.self) { Int64(exactly: Double(bitPattern: $0).rounded(.towardZero)) ?? 0 }
    case .int8: map(Int8.self) { Int64($0) }
    case .int16: map(Int16.self) { Int64($0) }
    case .int32: map(Int32.self) { Int64($0) }
    case .int64: map(Int64.self) { $0 }
    case .uint8: map(UInt8.self) { Int64($0) }
    case .bool: map(UInt8.self) { $0 == 0 ? 0 : 1 }
    }
  }

  private func map<Bits: FixedWidthInteger, Value>(
    _ type: Bits.Type, _ convert: (Bits) -> Value
  ) -> [Value] {
    bytes.withUnsafeBytes { raw in
      (0..<raw.count / MemoryLayout<Bits>.size).map { k in
        convert(
          Bits(
            littleEndian: raw.loadUnaligned(
              fromByteOffset: k * MemoryLayout<Bits>.size, as: Bits.self)))
      }
    }
  }
}

/// NumPy's archives of arrays (`np.savez`, `np.savez_compressed`).
public enum NPZ {
  /// All arrays, in the archive's order.
  ///
  /// - Throws: `FileError` when the file is no archive of arrays, is damaged, or holds elements other
  ///   than ``NPZArray/Element``.
  public static func read(_ path: String) throws -> [(name: String, array: NPZArray)] {
    let file = try NPZFile(path)
    return try file.names.map { ($0, try file.array($0)) }
  }

  /// All arrays by name.
  ///
  /// - Throws: `FileError`, as ``read(_:)`` does.
  public static func dictionary(_ path: String) throws -> [String: NPZArray] {
    // The archive has seen to it that names are unique; a/b and a/b.npy are the same name to NumPy too.
    Dictionary(try read(path).map { ($0.name, $0.array) }) { first, _ in first }
  }
}

/// A NumPy archive whose arrays are unpacked one at a time.
public struct NPZFile: Sendable {
  /// The arrays' names, in the archive's order.
  public let names: [String]
  private let path: String
  private let archive: ZipArchive
  private let members: [String: ZipArchive.Member]

  /// Reads the table of contents.
  ///
  /// - Throws: `FileError` when the file is no zip archive.
  public init(_ path: String) throws {
    self.path = path
    archive = try ZipArchive(try MappedFile(path))
    var names: [String] = []
    var members: [String: ZipArchive.Member] = [:]
    for member in archive.members {
      let name = member.name.hasSuffix(".npy") ? String(member.name.dropLast(4)) : member.name
      if members.updateValue(member, forKey: name) == nil { names.append(name) }
    }
    self.names = names
    self.members = members
  }

  /// The array of a name.
  ///
  /// - Throws: `FileError` when there is none or it cannot be read.
  public func array(_ name: String) throws -> NPZArray {
    guard let member = members[name] else {
      throw FileError(
        path: path, reason: "it has no array '\(name)', only \(names.joined(separator: ", "))")
    }
    let parser = ArrayHeader(path: path, name: name)
    return try parser.array(from: try archive.read(member))
  }
}
