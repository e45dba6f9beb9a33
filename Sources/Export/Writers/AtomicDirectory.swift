import Foundation
import Vocabulary

/// Writing directories that are there whole or not at all.
enum AtomicDirectory {
  /// Makes a directory and fills it.
  ///
  /// The files go to a temporary directory beside the target, reach the disk, and only then does it take
  /// the target's name; after a failure nothing is left.
  /// - Parameter fill: Gets the path of an empty directory.
  /// - Throws: `UserError` when something of that name exists or the system refuses; what `fill` throws.
  static func write(_ path: String, fill: (String) throws -> Void) throws {
    let target = URL(fileURLWithPath: path).standardizedFileURL
    guard !FileManager.default.fileExists(atPath: target.path) else {
      throw UserError(.failed, "'\(path)' exists already; name a new directory")
    }
    let parent = target.deletingLastPathComponent()
    let temporary = parent.appendingPathComponent(
      ".\(target.lastPathComponent).\(getpid()).partial")
    do {
      try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
      try? FileManager.default.removeItem(at: temporary)
      try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: false)
    } catch {
      throw UserError(.failed, "'\(path)' cannot be written: its directory cannot be made")
    }
    do {
      try fill(temporary.path)
      guard rename(temporary.path, target.path) == 0 else {
        throw UserError(.failed, "'\(path)' cannot be written: \(String(cString: strerror(errno)))")
      }
    } catch {
      try? FileManager.default.removeItem(at: temporary)
      throw error
    }
  }
}

/// A file that is written from front to back.
final class SequentialFile {
  /// Bytes written so far.
  private(set) var count = 0
  private let path: String
  private let descriptor: Int32

  /// Makes a new file.
  ///
  /// - Throws: `UserError` with the system's reason.
  init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o644)
    guard descriptor >= 0 else { throw Self.failure(path) }
  }

  deinit { close(descriptor) }

  /// Adds bytes.
  ///
  /// - Throws: `UserError` with the system's reason.
  func write(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes
    while let start = rest.baseAddress, !rest.isEmpty {
      // One call takes at most 2 GB.
      let written = Foundation.write(descriptor, start, min(rest.count, 1 << 30))
      if written < 0 {
        if errno == EINTR { continue }
        throw Self.failure(path)
      }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
    }
    count += bytes.count
  }

  /// Adds bytes.
  ///
  /// - Throws: `UserError` with the system's reason.
  func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  /// Adds zeros up to a multiple of `alignment`.
  ///
  /// - Throws: `UserError` with the system's reason.
  func pad(to alignment: Int) throws {
    let missing = (alignment - count % alignment) % alignment
    try write([UInt8](repeating: 0, count: missing))
  }

  /// Waits until everything is on the disk.
  ///
  /// - Throws: `UserError` with the system's reason.
  func finish() throws {
    guard fsync(descriptor) == 0 else { throw Self.failure(path) }
  }

  private static func failure(_ path: String) -> UserError {
    UserError(.failed, "'\(path)' cannot be written: \(String(cString: strerror(errno)))")
  }
}
