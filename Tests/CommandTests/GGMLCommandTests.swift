import Foundation
import TestSupport
import Testing

/// Formats that need ggml's library, as a user without it meets them.
@Suite struct GGMLCommandTests {
  private func run(library: String, _ arguments: [String]) throws -> Tool.Result {
    let process = Tool.process(arguments)
    process.environment?["BITBUDGET_GGML"] = library
    return try Tool.result(of: process)
  }

  @Test func withoutTheLibraryOneSentenceSaysHowToGetIt() throws {
    let scratch = try Scratch()
    let study = scratch.path("study")
    let measured = try run(
      library: "/nowhere",
      [
        "measure", try Fixtures.path("smollm2/small-f16.gguf"), "--data",
        try Fixtures.path("text/wiki.txt"), "--samples", "2", "--length", "16", "--formats",
        "iq4_nl", "--estimator", "weight-error", "-o", study, "-q",
      ])
    #expect(measured.code == 1)
    #expect(measured.err.split(separator: "\n").count == 1)
    #expect(measured.err.contains("iq4_nl is rounded by ggml's own library"))
    #expect(measured.err.contains("set BITBUDGET_GGML to the path"))
  }

  @Test func sizesAreKnownWithoutIt() throws {
    let inspected = try run(
      library: "/nowhere",
      [
        "inspect", try Fixtures.path("smollm2/small-f16.gguf"), "--formats", "iq4_nl,q4_k",
        "--json",
      ])
    #expect(inspected.code == 0, "\(inspected.err)")
    #expect(inspected.out.contains("iq4_nl"))
    let listed = try run(library: "/nowhere", ["list", "formats"])
    #expect(listed.out.contains("q4_k ") && listed.out.contains("rounded by ggml itself"))
  }
}
