import Foundation

/// Runs `work` with a fresh directory that is gone afterwards.
func withScratch<Result>(_ work: (URL) async throws -> Result) async throws -> Result {
  let url = FileManager.default.temporaryDirectory
    .appendingPathComponent("bitbudget-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: url) }
  return try await work(url)
}
