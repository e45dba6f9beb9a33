#if canImport(Glibc)
  internal import Glibc
#else
  internal import Darwin
#endif

/// A file's bytes in memory without being read: pages come in when they are touched.
///
/// Every read is checked against the file's end, so a reader of a foreign format needs no trust in the
/// lengths that it finds there.
public final class MappedFile: @unchecked Sendable {  // immutable after init
  /// Where the file is.
  public let path: String
  /// The file's size in bytes.
  public let count: Int
  /// The first byte; valid for `count` bytes as long as this object lives.
  public let base: UnsafeMutableRawPointer

  /// Maps a regular file.
  ///
  /// Changes through ``base`` stay private to the process and never reach the file.
  /// - Throws: `FileError` when it cannot be opened or is no regular file.
  public init(_ path: String) throws {
    self.path = path
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw FileError(path: path, reason: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw FileError(path: path, reason: "it is not a regular file")
    }
    count = Int(status.st_size)
    guard count > 0 else { throw FileError(path: path, reason: "it is empty") }
    guard
      let address = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0),
      address != MAP_FAILED
    else { throw FileError(path: path, reason: String(cString: strerror(errno))) }
    base = address
  }

  deinit { munmap(base, count) }

  /// All bytes.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// The bytes `offset ..< offset + length`, checked.
  ///
  /// - Throws: `FileError` when they reach beyond the file's end.
  public func slice(_ offset: Int, _ length: Int) throws -> UnsafeRawBufferPointer {
    guard offset >= 0, length >= 0, offset <= count, length <= count - offset else {
      throw FileError(
        path: path,
        reason:
          "it ends at byte \(count), but something is said to be at \(offset) (\(length) bytes)")
    }
    return UnsafeRawBufferPointer(start: base + offset, count: length)
  }

  /// A little-endian integer at `offset`, checked; no alignment is needed.
  public func integer<T: FixedWidthInteger>(_ type: T.Type = T.self, at offset: Int) throws -> T {
    T(littleEndian: try slice(offset, MemoryLayout<T>.size).loadUnaligned(as: T.self))
  }
}

/// A file that cannot be used, and why.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file.
  public var path: String
  /// One clause.
  public var reason: String

  /// A file and what is wrong with it.
  public init(path: String, reason: String) {
    self.path = path
    self.reason = reason
  }

  /// One sentence.
  public var description: String { "'\(path)' cannot be used: \(reason)" }
}
