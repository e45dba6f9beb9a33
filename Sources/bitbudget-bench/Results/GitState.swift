import Foundation

/// Which commit a checkout is at.
struct GitState {
  /// The commit; `unknown` without git.
  var commit: String
  /// Whether files other than results differ from it.
  var dirty: Bool

  /// The state of the checkout now.
  ///
  /// - Parameter scratch: A file that may be written.
  init(scratch: String) throws {
    func git(_ arguments: [String]) throws -> String? {
      let child = try Child.run("/usr/bin/env", ["git"] + arguments, output: scratch)
      guard child.code == 0 else { return nil }
      return try String(contentsOfFile: scratch, encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let changes = try git(["status", "--porcelain", "--", ".", ":(exclude)Results"])
    commit = try git(["rev-parse", "HEAD"]) ?? "unknown"
    dirty = changes != ""
  }
}
