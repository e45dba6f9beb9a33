internal import CZlib

/// A zip archive's table of contents, and its members on demand.
///
/// Stored and deflated members, with or without zip64 (NumPy writes zip64 fields). Sizes and offsets in
/// the file are claims: every one is checked, and memory grows with what is really unpacked.
///
/// Source: PKWARE, "APPNOTE.TXT - .ZIP File Format Specification", 6.3.10, sections 4.3 to 4.5.
public struct ZipArchive: Sendable {
  /// One member.
  public struct Member: Sendable, Equatable {
    /// The path inside the archive.
    public var name: String
    /// Bytes once unpacked, as the archive claims.
    public var size: Int
    fileprivate var compressedSize: Int
    fileprivate var method: UInt16
    fileprivate var checksum: UInt32
    fileprivate var header: Int
  }

  /// A member may claim to unpack to at most this many times its stored size, and the whole archive to
  /// this many times the file's: deflate cannot do better than 1032 to 1.
  static let largestRatio = 1100

  /// The members, in the order of the table of contents; names are unique.
  public let members: [Member]
  private let file: MappedFile

  /// Reads the table of contents.
  ///
  /// - Throws: `FileError` when the file is no zip archive or contradicts itself.
  public init(_ file: MappedFile) throws {
    self.file = file
    let directory = try ZipArchive.directory(of: file)
    let reader = Fields(file: file, range: directory.range)
    var members: [Member] = []
    var names = Set<String>()
    var total = 0
    var position = directory.range.lowerBound
    for _ in 0..<directory.count {
      let (member, next) = try reader.member(at: position)
      position = next
      guard names.insert(member.name).inserted else {
        throw FileError(path: file.path, reason: "it has two members named '\(member.name)'")
      }
      let (sum, overflow) = total.addingReportingOverflow(member.size)
      let (bound, huge) = file.count.multipliedReportingOverflow(by: ZipArchive.largestRatio)
      guard !overflow, huge || sum <= bound else {
        throw FileError(path: file.path, reason: "it claims to unpack to an impossible size")
      }
      total = sum
      members.append(member)
    }
    self.members = members
  }

  /// The unpacked bytes of a member.
  ///
  /// - Throws: `FileError` when the member is broken: wrong size, wrong checksum, other compression.
  public func read(_ member: Member) throws -> [UInt8] {
    guard try file.integer(UInt32.self, at: member.header) == 0x0403_4b50 else {
      throw broken(member, "it has no header")
    }
    guard try file.integer(UInt16.self, at: member.header + 6) & 1 == 0 else {
      throw broken(member, "it is encrypted")
    }
    let name = Int(try file.integer(UInt16.self, at: member.header + 26))
    let extra = Int(try file.integer(UInt16.self, at: member.header + 28))
    let packed = try file.slice(member.header + 30 + name + extra, member.compressedSize)
    let bytes: [UInt8]
    switch member.method {
    case 0:
      guard member.size == member.compressedSize else { throw broken(member, "its sizes differ") }
      bytes = [UInt8](packed)
    case 8:
      bytes = try inflated(packed, member)
    default:
      throw broken(member, "its compression method \(member.method) is not known")
    }
    guard checksum(bytes) == member.checksum else { throw broken(member, "its checksum differs") }
    return bytes
  }

  private func broken(_ member: Member, _ reason: String) -> FileError {
    FileError(path: file.path, reason: "its member '\(member.name)' cannot be read: \(reason)")
  }

  private func inflated(_ packed: UnsafeRawBufferPointer, _ member: Member) throws -> [UInt8] {
    var stream = z_stream()
    let size = Int32(MemoryLayout<z_stream>.size)
    // Negative window bits: raw deflate, without zlib's own header.
    guard inflateInit2_(&stream, -15, ZLIB_VERSION, size) == Z_OK else {
      throw broken(member, "there is no memory to unpack it")
    }
    defer { inflateEnd(&stream) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(member.size, max(1 << 16, packed.count)))
    var window = [UInt8](repeating: 0, count: 1 << 16)
    var consumed = 0
    while true {
      let offered = min(packed.count - consumed, 1 << 24)
      // zlib takes a mutable pointer and does not write through it.
      let start = packed.baseAddress.map { $0 + consumed }
      stream.next_in = UnsafeMutablePointer(
        mutating: start?.assumingMemoryBound(to: UInt8.self))
      stream.avail_in = UInt32(offered)
      let (status, made) = window.withUnsafeMutableBufferPointer { window in
        stream.next_out = window.baseAddress
        stream.avail_out = UInt32(window.count)
        let status = inflate(&stream, Z_NO_FLUSH)
        return (status, window.count - Int(stream.avail_out))
      }
      let taken = offered - Int(stream.avail_in)
      consumed += taken
      guard made <= member.size - bytes.count else {
        throw broken(member, "it unpacks to more than its claimed \(member.size) bytes")
      }
      bytes.append(contentsOf: window[0..<made])
      if status == Z_STREAM_END { break }
      guard status == Z_OK || status == Z_BUF_ERROR, taken > 0 || made > 0 else {
        throw broken(member, "its compressed data is damaged")
      }
    }
    guard bytes.count == member.size else {
      throw broken(member, "it unpacks to \(bytes.count) bytes instead of \(member.size)")
    }
    return bytes
  }

  private func checksum(_ bytes: [UInt8]) -> UInt32 {
    bytes.withUnsafeBufferPointer {
      UInt32(truncatingIfNeeded: crc32_z(0, $0.baseAddress, $0.count))
    }
  }
}

extension ZipArchive {
  /// Where the table of contents lies and how many members it lists.
  private static func directory(of file: MappedFile) throws -> (range: Range<Int>, count: Int) {
    guard let end = try endRecord(of: file) else {
      throw FileError(path: file.path, reason: "it is not a zip archive")
    }
    var count = UInt64(try file.integer(UInt16.self, at: end + 10))
    var size = UInt64(try file.integer(UInt32.self, at: end + 12))
    var start = UInt64(try file.integer(UInt32.self, at: end + 16))
    let isLarge = count == 0xFFFF || size == 0xFFFF_FFFF || start == 0xFFFF_FFFF
    if isLarge, end >= 20, try file.integer(UInt32.self, at: end - 20) == 0x0706_4b50 {
      let offset = try file.integer(UInt64.self, at: end - 12)
      guard let record = Int(exactly: offset),
        try file.slice(record, 56).loadUnaligned(as: UInt32.self).littleEndian == 0x0606_4b50
      else { throw FileError(path: file.path, reason: "its zip64 end record is missing") }
      count = try file.integer(at: record + 32)
      size = try file.integer(at: record + 40)
      start = try file.integer(at: record + 48)
    }
    guard let start = Int(exactly: start), let size = Int(exactly: size), start <= end,
      size <= end - start, count <= UInt64(size) / 46
    else { throw FileError(path: file.path, reason: "its table of contents lies outside of it") }
    return (start..<start + size, Int(count))
  }

  /// Position of the end record: the last signature whose comment reaches just to the file's end.
  private static func endRecord(of file: MappedFile) throws -> Int? {
    guard file.count >= 22 else { return nil }
    for position in stride(from: file.count - 22, through: max(0, file.count - 22 - 0xFFFF), by: -1)
    where try file.integer(UInt32.self, at: position) == 0x0605_4b50 {
      let comment = Int(try file.integer(UInt16.self, at: position + 20))
      if position + 22 + comment == file.count { return position }
    }
    return nil
  }

  /// Reads entries of the table of contents.
  private struct Fields {
    let file: MappedFile
    let range: Range<Int>

    /// The member at `position` and where the next one starts.
    func member(at position: Int) throws -> (Member, next: Int) {
      guard range.upperBound - position >= 46,
        try file.integer(UInt32.self, at: position) == 0x0201_4b50
      else { throw FileError(path: file.path, reason: "its table of contents is damaged") }
      let nameLength = Int(try file.integer(UInt16.self, at: position + 28))
      let extraLength = Int(try file.integer(UInt16.self, at: position + 30))
      let commentLength = Int(try file.integer(UInt16.self, at: position + 32))
      let next = position + 46 + nameLength + extraLength + commentLength
      guard next <= range.upperBound else {
        throw FileError(path: file.path, reason: "its table of contents is damaged")
      }
      let name = String(decoding: try file.slice(position + 46, nameLength), as: UTF8.self)
      var compressed = UInt64(try file.integer(UInt32.self, at: position + 20))
      var size = UInt64(try file.integer(UInt32.self, at: position + 24))
      var header = UInt64(try file.integer(UInt32.self, at: position + 42))
      let extra = position + 46 + nameLength
      try largeSizes(in: extra..<extra + extraLength, &size, &compressed, &header)
      guard let size = Int(exactly: size), let compressed = Int(exactly: compressed),
        let header = Int(exactly: header), header <= file.count, compressed <= file.count,
        size / ZipArchive.largestRatio <= compressed
      else {
        throw FileError(path: file.path, reason: "its member '\(name)' claims an impossible size")
      }
      let member = Member(
        name: name, size: size, compressedSize: compressed,
        method: try file.integer(at: position + 10), checksum: try file.integer(at: position + 16),
        header: header)
      return (member, next)
    }

    /// Replaces the fields that are all ones by those of the zip64 extra field, in its fixed order.
    private func largeSizes(
      in extra: Range<Int>, _ size: inout UInt64, _ compressed: inout UInt64,
      _ header: inout UInt64
    ) throws {
      var position = extra.lowerBound
      while extra.upperBound - position >= 4 {
        let tag = try file.integer(UInt16.self, at: position)
        let end = position + 4 + Int(try file.integer(UInt16.self, at: position + 2))
        guard end <= extra.upperBound else { return }
        if tag == 1 {
          var at = position + 4
          func replace(_ value: inout UInt64) throws {
            guard value == 0xFFFF_FFFF, end - at >= 8 else { return }
            value = try file.integer(at: at)
            at += 8
          }
          try replace(&size)
          try replace(&compressed)
          try replace(&header)
          return
        }
        position = end
      }
    }
  }
}
