internal import Foundation

/// A safetensors file: named tensors, each a range of the mapped file's bytes.
///
/// Layout: the header's length (64 bits, little-endian), the header (JSON: name to `dtype`,
/// `shape`, `data_offsets`), the data. Only the header is read; nothing in it is trusted.
public struct SafetensorsFile: Sendable {
  /// The element type of a stored tensor; raw values are the format's own words.
  public enum ElementType: String, Sendable, CaseIterable {
    /// IEEE double precision.
    case float64 = "F64"
    /// IEEE single precision.
    case float32 = "F32"
    /// IEEE half precision.
    case float16 = "F16"
    /// The upper half of a single.
    case bfloat16 = "BF16"
    /// 64-bit integers.
    case int64 = "I64"
    /// 32-bit integers.
    case int32 = "I32"
    /// 16-bit integers.
    case int16 = "I16"
    /// Signed bytes.
    case int8 = "I8"
    /// Unsigned bytes.
    case uint8 = "U8"
    /// Truth values, a byte each.
    case bool = "BOOL"

    /// Bytes of one element.
    public var size: Int {
      switch self {
      case .float64, .int64: 8
      case .float32, .int32: 4
      case .float16, .bfloat16, .int16: 2
      case .int8, .uint8, .bool: 1
      }
    }
  }

  /// A stored tensor.
  public struct Entry: Sendable, Equatable {
    /// The tensor's name.
    public var name: String
    /// The element type.
    public var type: ElementType
    /// Sizes of the axes, row-major.
    public var shape: [Int]
    /// Its bytes, counted from the beginning of the file; inside the file and of the shape's size.
    public var range: Range<Int>
  }

  /// The most bytes that a header may have.
  public static let maximumHeader = 100_000_000

  /// The file's bytes.
  public let file: MappedFile
  /// The tensors in the order of their bytes.
  public let entries: [Entry]

  /// Opens a file and checks its header.
  ///
  /// - Throws: `FileError` when it is not a safetensors file, or a tensor has an element type that
  ///   is not known here, has more or fewer bytes than its shape asks for, overlaps another one, or
  ///   reaches beyond the file's end.
  public init(_ path: String) throws { try self.init(MappedFile(path)) }

  /// The tensors of a file that is mapped already; throws as ``init(_:)-(String)`` does.
  public init(_ file: MappedFile) throws {
    guard let header = SafetensorsFile.header(of: file) else {
      throw FileError(path: file.path, reason: "it does not begin like a safetensors file")
    }
    let parsed: Header
    do {
      parsed = try JSONDecoder().decode(Header.self, from: Data(file.slice(8, header)))
    } catch let error as DecodingError {
      throw FileError(path: file.path, reason: SafetensorsFile.clause(for: error))
    } catch {
      throw FileError(path: file.path, reason: "its header is not JSON")
    }
    self.file = file
    entries = try parsed.tensors.map { name, tensor in
      try Entry(name: name, tensor: tensor, data: 8 + header, file: file)
    }.sorted { a, b in
      (a.range.lowerBound, a.range.upperBound, a.name)
        < (b.range.lowerBound, b.range.upperBound, b.name)
    }
    for (a, b) in zip(entries, entries.dropFirst()) where a.range.upperBound > b.range.lowerBound {
      throw FileError(
        path: file.path, reason: "the bytes of its tensors '\(a.name)' and '\(b.name)' overlap")
    }
  }

  /// Whether a file begins as a safetensors file does: a header that fits and opens with a brace.
  public static func recognises(_ file: MappedFile) -> Bool { header(of: file) != nil }

  /// The header's length, where it can be one.
  private static func header(of file: MappedFile) -> Int? {
    guard let length = try? file.integer(UInt64.self, at: 0), length >= 2,
      length <= UInt64(min(maximumHeader, file.count - 8)), file.bytes[8] == UInt8(ascii: "{")
    else { return nil }
    return Int(length)
  }

  private static func clause(for error: DecodingError) -> String {
    let context: DecodingError.Context? =
      switch error {
      case .typeMismatch(_, let context), .valueNotFound(_, let context),
        .keyNotFound(_, let context), .dataCorrupted(let context):
        context
      @unknown default: nil
      }
    guard let tensor = context?.codingPath.first?.stringValue, isPrintable(tensor) else {
      return "its header is not the JSON of a safetensors file"
    }
    return "its header describes the tensor '\(tensor)' in a way that cannot be read"
  }
}

private func isPrintable(_ name: String) -> Bool {
  !name.utf8.contains { $0 < 32 || $0 == 127 }
}

/// The JSON header as it stands in the file.
private struct Header: Decodable {
  struct Tensor: Decodable {
    var dtype: String
    var shape: [Int]
    var data_offsets: [Int]
  }

  struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  var tensors: [(name: String, tensor: Tensor)]

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    tensors = try container.allKeys.filter { $0.stringValue != "__metadata__" }.map { key in
      let tensor = try container.decode(Tensor.self, forKey: key)
      // Both may stand in a message, which is one line.
      guard isPrintable(key.stringValue), isPrintable(tensor.dtype) else {
        throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: ""))
      }
      return (key.stringValue, tensor)
    }
  }
}

extension SafetensorsFile.Entry {
  /// Checks one tensor of the header; `data` is where offset zero lies.
  fileprivate init(name: String, tensor: Header.Tensor, data: Int, file: MappedFile) throws {
    func refusal(_ reason: String) -> FileError {
      FileError(path: file.path, reason: "its tensor '\(name)' \(reason)")
    }
    guard let type = SafetensorsFile.ElementType(rawValue: tensor.dtype) else {
      throw refusal("has the element type '\(tensor.dtype)', which is not supported")
    }
    let offsets = tensor.data_offsets
    guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1],
      offsets[1] <= file.count - data
    else { throw refusal("does not lie inside the file (offsets \(offsets))") }
    var bytes = type.size
    for size in tensor.shape {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow else { throw refusal("has the impossible shape \(tensor.shape)") }
      bytes = product
    }
    guard bytes == offsets[1] - offsets[0] else {
      throw refusal(
        "has \(offsets[1] - offsets[0]) bytes where its shape \(tensor.shape) asks for \(bytes)")
    }
    self.init(
      name: name, type: type, shape: tensor.shape, range: data + offsets[0]..<data + offsets[1])
  }
}
