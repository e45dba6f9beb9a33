internal import Foundation
internal import MILP
internal import Tensors

/// The tool itself: its version, and the libraries that compute for it.
public enum Tool {
  /// The version, as it goes into every file.
  public static let version = "bitbudget 0.1.0"

  /// Versions of the libraries that measurements depend on; loads the engine.
  public static var measuringLibraries: [String: String] { ["libtorch": Engine.version] }

  /// Versions of the libraries that plans depend on.
  static var planningLibraries: [String: String] { ["glpk": glpkVersion] }

  /// Threads for work that is side by side: one a core.
  public static var defaultWorkers: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

  /// The time now, ISO 8601 in UTC.
  static func now() -> String { ISO8601DateFormatter().string(from: Date()) }
}
