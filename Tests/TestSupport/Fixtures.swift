public import Foundation

/// Real models and data, fetched by `make fixtures`.
public enum Fixtures {
  /// The root of the checkout.
  public static let root: URL = {
    var url = URL(fileURLWithPath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return url
  }()

  /// A fixture's path; fails the test with a sentence when it has not been fetched.
  public static func path(_ name: String) throws -> String {
    let url = root.appendingPathComponent(".fixtures").appendingPathComponent(name)
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw MissingFixture(name: name)
    }
    return url.path
  }
}

/// A fixture that is not there.
public struct MissingFixture: Error, CustomStringConvertible {
  var name: String
  /// What to do.
  public var description: String { "no fixture '\(name)': run `make fixtures`" }
}
