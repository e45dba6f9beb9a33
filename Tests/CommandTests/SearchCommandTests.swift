import Foundation
import TestSupport
import Testing

/// `bitbudget search` as a user runs it, on a real model.
@Suite(.serialized) struct SearchCommandTests {
  private func arguments(_ scratch: borrowing Scratch, _ study: String) throws -> [String] {
    [
      "search", try Fixtures.path("minilm"), "--data", try Fixtures.path("text/sentences.txt"),
      "--samples", "4", "--formats", "int2-g64,int3-g64,int4-g64", "--budget", "3.5bpw",
      "--strategy", "random", "--evaluations", "6", "-o", scratch.path(study), "--json", "-q",
    ]
  }

  private func run(_ arguments: [String]) throws -> (code: Int32, json: [String: Any]) {
    let process = Tool.process(arguments)
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let json = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
    return (process.terminationStatus, json ?? [:])
  }

  @Test func theShippedPolicyKeepsTheBudgetAndLosesLeast() throws {
    let scratch = try Scratch()
    let (code, report) = try run(arguments(scratch, "study"))
    #expect(code == 0)
    #expect(report["evaluations"] as? Int == 6)
    let rivals = try #require(report["heldOut"] as? [[String: Any]])
    let losses = rivals.compactMap { $0["loss"] as? Double }
    let shipped = try #require(report["shipped"] as? Int)
    #expect(losses.count == rivals.count && losses[shipped] == losses.min())
    #expect(rivals.allSatisfy { ($0["bpw"] as? Double ?? 9) <= 3.5 })
    let policy = try #require(report["policy"] as? [String: Any])
    #expect((policy["bpw"] as? Double ?? 9) <= 3.5)
    let written = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: scratch.path("study/policy.json"))))
    #expect((written as? [String: Any])?["bytes"] as? Int == policy["bytes"] as? Int)

    // The same again evaluates nothing and says the same.
    let again = try run(arguments(scratch, "study")).json
    #expect(again["resumed"] as? Int == 6)
    #expect(again["evaluations"] as? Int == 6)
    #expect(
      NSDictionary(dictionary: again["policy"] as? [String: Any] ?? [:])
        == NSDictionary(dictionary: policy))
  }

  @Test func whatCannotWorkIsASentence() throws {
    let scratch = try Scratch()
    let model = try Fixtures.path("minilm")
    let text = try Fixtures.path("text/sentences.txt")
    let place = scratch.path("study")
    let unknown = try Tool.run(
      "search", model, "--data", text, "--strategy", "rondom", "--budget", "4bpw", "-o", place)
    #expect(unknown.code == 64 && unknown.err.contains("random"))
    let tooSmall = try Tool.run(
      "search", model, "--data", text, "--strategy", "random", "--budget", "1bpw", "-o", place)
    #expect(tooSmall.code == 2 && tooSmall.err.contains("smallest possible"))
    let unbounded = try Tool.run(
      "search", model, "--data", text, "--strategy", "exchange", "-o", place)
    #expect(unbounded.code == 64 && unbounded.err.contains("--budget"))
    let curve = try Tool.run(
      "search", model, "--data", text, "--strategy", "exchange", "--axes", "bytes,loss", "-o", place
    )
    #expect(curve.code == 64 && curve.err.contains("exchange"))
    let slip = try Tool.run(
      "search", model, "--data", text, "--strategy", "genetic", "--budget", "4bpw", "--option",
      "populaton=3", "-o", place)
    #expect(slip.code == 64 && slip.err.contains("'population'"))
    let none = try Tool.run(
      "search", model, "--data", text, "--strategy", "random", "--budget", "4bpw", "--option",
      "population=3", "-o", place)
    #expect(none.code == 64 && none.err.contains("no settings"))
    #expect(!FileManager.default.fileExists(atPath: place))
  }
}
