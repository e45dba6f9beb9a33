import Foundation

/// The files that come with the tool, such as those in `SearchSpaces`.
public enum ToolData {
  /// Where a file or folder of the tool's data is.
  ///
  /// Looked for, in this order, in the working directory; in the folder that the environment variable
  /// `BITBUDGET_DATA` names; in the folders above the executable, of which the checkout is one when it was
  /// built there, and in `share/bitbudget` in each of them.
  ///
  /// - Parameter name: Such as `SearchSpaces/formats.yaml`.
  /// - Returns: nil when it is in none of these places.
  public static func path(of name: String) -> String? {
    var folders = ["."]
    if let set = ProcessInfo.processInfo.environment["BITBUDGET_DATA"] { folders.append(set) }
    if let executable = Bundle.main.executablePath {
      var folder = URL(fileURLWithPath: executable).resolvingSymlinksInPath()
      for _ in 0..<4 {
        folder = folder.deletingLastPathComponent()
        folders += [folder.path, folder.appendingPathComponent("share/bitbudget").path]
      }
    }
    return folders.map { $0 == "." ? name : "\($0)/\(name)" }
      .first { FileManager.default.fileExists(atPath: $0) }
  }
}
