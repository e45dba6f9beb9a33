import Foundation
import Vocabulary

/// Runs `body` while this process alone holds the lock `file`; a process that ends lets go of it.
///
/// - Throws: `UserError` when another process holds it or the file cannot be made.
func locked(_ file: String, _ body: () throws -> Void) throws {
  let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw UserError(.failed, "'\(file)' cannot be made") }
  defer { close(descriptor) }
  guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
    throw UserError(.failed, "another process is at work here: it holds '\(file)'")
  }
  try body()
}
