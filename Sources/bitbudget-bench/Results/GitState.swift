import Foundation

/// Which commit a checkout is at.
enum GitState {
  /// The commit, and whether files other than results differ from it; `unknown` without git.
  ///
  /// - Parameter file: A scratch file.
  static func read(with file: String) throws -> (commit: String, dirty: Bool) {
    func git(_ arguments: [String]) throws -> String? {
      let child = try Child.run("/usr/bin/env", ["git"] + arguments, output: file)
      guard child.code == 0 else { return nil }
      return try String(contentsOfFile: file, encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    guard let commit = try git(["rev-parse", "HEAD"]),
      let changes = try git(["status", "--porcelain", "--", ".", ":(exclude)Results"])
    else { return ("unknown", true) }
    return (commit, !changes.isEmpty)
  }
}
