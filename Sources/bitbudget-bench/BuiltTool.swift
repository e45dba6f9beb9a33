import Foundation
import Vocabulary

/// The `bitbudget` that was built together with this program.
struct BuiltTool {
  /// Where it is.
  var path: String
  /// How it is called in what we write: relative to the checkout, or the bare name.
  var shownPath: String

  /// Finds the tool beside this program.
  ///
  /// - Throws: `UserError` when it is not built, or when this is not a checkout with its fixtures.
  init() throws {
    let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
    path = folder + "/bitbudget"
    let checkout = FileManager.default.currentDirectoryPath + "/"
    shownPath = path.hasPrefix(checkout) ? String(path.dropFirst(checkout.count)) : "bitbudget"
    guard FileManager.default.isExecutableFile(atPath: path) else {
      throw UserError(.failed, "there is no bitbudget beside this program; `make build` makes it")
    }
    guard FileManager.default.fileExists(atPath: ".fixtures") else {
      throw UserError(
        .failed, "there are no .fixtures in this folder; run `make fixtures` in a checkout")
    }
  }

  /// Runs a verb to its end.
  ///
  /// - Parameters:
  ///   - arguments: The verb and what follows.
  ///   - output: The file that standard output goes to.
  ///   - accepted: Exit codes that are no failure.
  /// - Throws: `UserError` with the command when it fails; the tool's own words are on standard error.
  func run(_ arguments: [String], output: String, accepted: Set<Int32> = [0]) throws -> Child {
    let child = try Child.run(path, arguments, output: output)
    guard accepted.contains(child.code) else {
      throw UserError(.failed, "exit code \(child.code) of: \(command(arguments))")
    }
    return child
  }

  /// A command as it would be typed.
  func command(_ arguments: [String]) -> String {
    ([shownPath] + arguments).joined(separator: " ")
  }
}
