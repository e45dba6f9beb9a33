public import Archives
public import Tensors

/// A GGUF file (versions 2 and 3): metadata, and tensors as ranges of the mapped file's bytes.
///
/// Source: the GGUF specification in ggml's documentation.
///
/// Only the header is read; no count, length or offset in it is trusted.
public struct GGUFFile: Sendable {
  /// A stored tensor.
  public struct Entry: Sendable, Equatable {
    /// The tensor's name.
    public var name: String
    /// Sizes of the axes, row-major (the file lists them the other way round).
    public var shape: [Int]
    /// How its elements are stored.
    public var type: GGUFTensorType
    /// Its bytes, counted from the beginning of the file; inside the file.
    public var range: Range<Int>
  }

  /// The file's bytes.
  public let file: MappedFile
  /// The metadata by key.
  public let metadata: [String: GGUFValue]
  /// The bytes that encode the metadata: every key with its value, one after the other.
  public let metadataRange: Range<Int>
  /// What the places of tensors are multiples of.
  public let alignment: Int
  /// The tensors in the file's order.
  public let entries: [Entry]

  /// Opens a file and checks its header.
  ///
  /// - Throws: `FileError` when it is not a GGUF file of version 2 or 3, is cut off, or its tensors
  ///   overlap or do not lie inside it.
  public init(_ path: String) throws { try self.init(MappedFile(path)) }

  /// The contents of a file that is mapped already; throws as ``init(_:)-(String)`` does.
  public init(_ file: MappedFile) throws {
    guard GGUFFile.recognises(file) else {
      throw FileError(path: file.path, reason: "it does not begin like a GGUF file")
    }
    var cursor = GGUFCursor(file)
    cursor.offset = 4
    let version = try cursor.integer(UInt32.self)
    guard version == 2 || version == 3 else {
      throw FileError(
        path: file.path,
        reason: version.byteSwapped <= 3
          ? "it is a big-endian GGUF file" : "it is of GGUF version \(version), not 2 or 3")
    }
    // The smallest description of a tensor has an empty name and no axes.
    let tensorCount = try cursor.count("tensors", ofAtLeast: 24)
    let valueCount = try cursor.count("metadata values", ofAtLeast: 13)
    var metadata: [String: GGUFValue] = [:]
    let start = cursor.offset
    for _ in 0..<valueCount {
      let key = try cursor.name()
      guard metadata.updateValue(try cursor.value(), forKey: key) == nil else {
        throw FileError(path: file.path, reason: "its metadata has '\(key)' twice")
      }
    }
    self.file = file
    self.metadata = metadata
    metadataRange = start..<cursor.offset
    alignment = try GGUFFile.alignment(metadata["general.alignment"], file.path)
    entries = try GGUFFile.entries(tensorCount, alignment, &cursor)
  }

  /// Whether a file begins as a GGUF file does.
  public static func recognises(_ file: MappedFile) -> Bool {
    file.bytes.starts(with: "GGUF".utf8)
  }

  /// The elements of a tensor as singles; stored singles stay in the file's pages.
  ///
  /// - Throws: `FileError` when its type cannot be read.
  /// - Complexity: O(elements); about 1 ns per quantized element.
  public func tensor(_ entry: Entry) throws -> Tensor {
    let offset = entry.range.lowerBound
    switch entry.type.name {
    case "F32": return try .stored(in: file, at: offset, shape: entry.shape, dtype: .float32)
    case "F16": return try .stored(in: file, at: offset, shape: entry.shape, dtype: .float16)
    case "BF16": return try .stored(in: file, at: offset, shape: entry.shape, dtype: .bfloat16)
    default:
      guard let kernel = Dequantization.kernel(for: entry.type) else { throw unreadable(entry) }
      let source = try file.slice(offset, entry.range.count)
      return Tensor.filled(shape: entry.shape) { kernel(source, $0) }
    }
  }

  /// Why a tensor of a type that is not supported cannot be read.
  func unreadable(_ entry: Entry) -> FileError {
    FileError(
      path: file.path,
      reason: "its tensor '\(entry.name)' is stored as \(entry.type.name), which is not supported "
        + "(only \(GGUFTensorType.readable.joined(separator: ", ")))")
  }

  private static func alignment(_ value: GGUFValue?, _ path: String) throws -> Int {
    guard let value else { return 32 }
    guard case .integer(let bytes) = value, (1...1 << 20).contains(bytes), bytes & (bytes - 1) == 0
    else { throw FileError(path: path, reason: "its 'general.alignment' is impossible") }
    return bytes
  }

  private static func entries(
    _ count: Int, _ alignment: Int, _ cursor: inout GGUFCursor
  ) throws -> [Entry] {
    let path = cursor.file.path
    let descriptions = try (0..<count).map { _ in try Description(&cursor) }
    let data = (cursor.offset + alignment - 1) / alignment * alignment
    let entries = try descriptions.map { try $0.entry(data: data, in: cursor.file) }
    var names: Set<String> = []
    for entry in entries where !names.insert(entry.name).inserted {
      throw FileError(path: path, reason: "it has two tensors named '\(entry.name)'")
    }
    let ordered = entries.sorted { ($0.range.lowerBound, $0.name) < ($1.range.lowerBound, $1.name) }
    for (a, b) in zip(ordered, ordered.dropFirst()) where a.range.upperBound > b.range.lowerBound {
      throw FileError(
        path: path, reason: "the bytes of its tensors '\(a.name)' and '\(b.name)' overlap")
    }
    return entries
  }
}

/// A tensor's description as it stands in the file.
private struct Description {
  var name: String
  var sizes: [UInt64]
  var type: UInt32
  var offset: UInt64

  init(_ cursor: inout GGUFCursor) throws {
    name = try cursor.name()
    let axes = try cursor.integer(UInt32.self)
    guard axes <= 4 else {
      throw FileError(
        path: cursor.file.path, reason: "its tensor '\(name)' has \(axes) axes, more than 4")
    }
    sizes = try (0..<axes).map { _ in try cursor.integer() }
    type = try cursor.integer()
    offset = try cursor.integer()
  }

  func entry(data: Int, in file: MappedFile) throws -> GGUFFile.Entry {
    func refusal(_ reason: String) -> FileError {
      FileError(path: file.path, reason: "its tensor '\(name)' \(reason)")
    }
    guard let type = GGUFTensorType(number: type) else {
      throw refusal("is of unknown type \(type)")
    }
    var elements = 1
    for size in sizes {
      let (product, overflow) = elements.multipliedReportingOverflow(by: Int(clamping: size))
      guard size > 0, !overflow else { throw refusal("has the impossible shape \(sizes)") }
      elements = product
    }
    guard (Int(clamping: sizes.first ?? 1)) % type.elements == 0 else {
      throw refusal("has rows that are no whole number of blocks of \(type.elements) elements")
    }
    let (bytes, overflow) = (elements / type.elements).multipliedReportingOverflow(by: type.bytes)
    guard !overflow, data <= file.count, bytes <= file.count - data,
      offset <= UInt64(file.count - data - bytes)
    else { throw refusal("does not lie inside the file") }
    let start = data + Int(offset)
    return GGUFFile.Entry(
      name: name, shape: sizes.reversed().map { Int($0) }, type: type, range: start..<start + bytes)
  }
}
