import Foundation
import Vocabulary

/// A folder's lock, held until this value goes or the process ends.
struct FolderLock: ~Copyable {
  private let descriptor: Int32

  /// Takes the lock.
  ///
  /// - Throws: `UserError` when another process holds it or the file cannot be made.
  init(_ file: String) throws {
    descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw UserError(.failed, "'\(file)' cannot be made") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw UserError(.failed, "another process is at work here: it holds '\(file)'")
    }
  }

  deinit { close(descriptor) }
}
