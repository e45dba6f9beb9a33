import Foundation

/// What the benchmarks of one run share: the tool, and a folder that is gone afterwards.
final class BenchSession {
  let tool: BuiltTool
  private let folder: URL
  private var measuredStudy: String?

  /// Makes the folder.
  init() throws {
    tool = try BuiltTool()
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("bitbudget-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  /// A path in the folder.
  func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  /// Runs a verb of the tool.
  func run(_ arguments: [String]) throws -> Child {
    try tool.run(arguments, output: path("output"))
  }

  /// Wall time of a verb, the median of `times` runs, against `target`.
  func row(
    _ benchmark: String, _ what: String, _ arguments: [String], target: Double, times: Int = 1
  ) throws -> BenchRow {
    let children = try (0..<times).map { _ in try run(arguments) }
    return BenchRow(
      benchmark, what, median(children.map(\.seconds)), .seconds, target: target, runs: times,
      peakBytes: children.map(\.peakBytes).max())
  }

  /// Remembers the study that the long SmolLM2 benchmark made.
  func keep(smolLM2Study path: String) { measuredStudy = path }

  /// A study of SmolLM2 with all layers and formats and 32 samples: the one that was measured, or one
  /// from very short texts, which is as large.
  func smolLM2Study() throws -> String {
    if let measuredStudy { return measuredStudy }
    let study = path("short-study")
    _ = try run(
      ["measure", RealModels.smolLM2, "--data", RealModels.text, "--samples", "32"]
        + ["--length", "8", "--all", "--quiet", "--output", study])
    measuredStudy = study
    return study
  }
}
