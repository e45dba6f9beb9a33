import Foundation
import Vocabulary

/// Writing files that are there whole or not at all.
public enum AtomicFile {
  /// Replaces the file at `path` by `text`.
  ///
  /// The text goes to a temporary file beside the target, reaches the disk, and only then takes the
  /// target's name: a reader sees the old file or the new one, and a failure leaves the old one.
  /// Missing directories on the way are made.
  ///
  /// - Throws: `UserError` with the system's reason.
  public static func write(_ text: String, to path: String) throws {
    let target = URL(fileURLWithPath: path)
    let directory = target.deletingLastPathComponent()
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    } catch {
      throw UserError(.failed, "'\(path)' cannot be written: its directory cannot be made")
    }
    let name = ".\(target.lastPathComponent).\(getpid()).partial"
    let temporary = directory.appendingPathComponent(name).path
    do {
      try fill(temporary, with: text)
      guard rename(temporary, target.path) == 0 else { throw SystemFailure() }
    } catch let failure as SystemFailure {
      unlink(temporary)
      throw UserError(.failed, "'\(path)' cannot be written: \(failure.reason)")
    }
    // The new name has to reach the disk as well; a file system without this is no worse than before.
    let descriptor = Foundation.open(directory.path, O_RDONLY)
    if descriptor >= 0 {
      fsync(descriptor)
      close(descriptor)
    }
  }

  private static func fill(_ path: String, with text: String) throws {
    let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else { throw SystemFailure() }
    defer { close(descriptor) }
    var text = text
    try text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while let start = rest.baseAddress, !rest.isEmpty {
        let written = Foundation.write(descriptor, start, rest.count)
        if written < 0 {
          if errno == EINTR { continue }
          throw SystemFailure()
        }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
      }
    }
    guard fsync(descriptor) == 0 else { throw SystemFailure() }
  }
}

/// The system's last error, told in its own words.
private struct SystemFailure: Error {
  var reason: String

  init() { reason = String(cString: strerror(errno)) }
}
