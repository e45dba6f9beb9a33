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

  @Test func theSameSeedSaysTheSameInAnotherProcess() throws {
    let scratch = try Scratch()
    let first = try run(arguments(scratch, "one")).json
    // Cut short, and then finished.
    var short = try arguments(scratch, "two")
    let count = try #require(short.firstIndex(of: "--evaluations"))
    short[count + 1] = "2"
    #expect(try run(short).json["evaluations"] as? Int == 2)
    let second = try run(arguments(scratch, "two")).json
    #expect(second["evaluations"] as? Int == 6)
    for key in ["policy", "heldOut"] {
      let (a, b) = (first[key] as? NSObject, second[key] as? NSObject)
      #expect(a != nil && a == b, "\(key)")
    }
  }

  private func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  private static let space = """
    schemaVersion: 1
    knobs:
      - {name: bits, values: [3, 4, 5], ordered: true}
      - {name: granularity, values: [channel]}
      - {name: symmetry, values: [sym]}
      - {name: words, layers: "*embeddings*", values: [same, int8-channel]}
    """

  @Test func aPipelineIsSearchedAndLearntFrom() throws {
    let scratch = try Scratch()
    try write(Self.space, to: scratch.path("space.yaml"))
    let common = [
      "search", try Fixtures.path("minilm"), "--data", try Fixtures.path("text/sentences.txt"),
      "--samples", "4", "--space", scratch.path("space.yaml"), "--evaluations", "6", "--json",
      "-q",
    ]
    // 5 bits everywhere, and 4 with the words at 8, are too large.
    let (code, report) = try run(
      common + ["--strategy", "grid", "--budget", "4.5bpw", "-o", scratch.path("grid")])
    #expect(code == 0 && report["evaluations"] as? Int == 6)
    let policy = try #require(report["policy"] as? [String: Any])
    #expect((policy["bpw"] as? Double ?? 9) <= 4.5)
    let layers = try #require(policy["layers"] as? [[String: Any]])
    #expect(Set(layers.compactMap { $0["weight"] as? String }) == ["int4-channel-sym"])
    // Without a budget: a frontier, proven with intervals.
    let curve =
      try run(
        common + ["--strategy", "evolution", "-o", scratch.path("curve")]
      ).json["frontier"] as? [String: Any]
    let points = try #require(curve?["points"] as? [[String: Any]])
    #expect(points.count > 2)
    #expect(points.allSatisfy { $0["low"] is Double && $0["high"] is Double })
    // What another study knows is no trial of this one's.
    let learnt = try run(
      common + [
        "--strategy", "boosted", "--budget", "4.5bpw", "--transfer", scratch.path("grid"), "-o",
        scratch.path("learnt"),
      ])
    #expect(learnt.code == 0 && learnt.json["resumed"] as? Int == 0)
    let none = try run(
      common + [
        "--strategy", "boosted", "--budget", "4.5bpw", "--transfer", scratch.path("none"), "-o",
        scratch.path("other"),
      ])
    #expect(none.code == 1)
  }

  @Test func changedAnswersAreACeiling() throws {
    let scratch = try Scratch()
    let (code, report) = try run([
      "search", try Fixtures.path("efficientnet-lite0/model.onnx"), "--data",
      try Fixtures.path("photos"), "--samples", "6", "--formats", "int4-channel,int8-channel",
      "--budget", "20%", "--strategy", "bisection", "--evaluations", "8", "-o",
      scratch.path("study"), "--json", "-q",
    ])
    #expect(code == 0)
    #expect(report["unit"] as? String == "changed answers")
    let rivals = try #require(report["heldOut"] as? [[String: Any]])
    // Shares of a few pictures.
    let samples = try #require(report["heldOutSamples"] as? Int)
    for loss in rivals.compactMap({ $0["loss"] as? Double }) {
      let changed = loss * Double(samples)
      #expect(abs(changed - changed.rounded()) < 1e-9 && (0...1).contains(loss))
    }
    let vector = try Tool.run(
      "search", try Fixtures.path("minilm"), "--data", try Fixtures.path("text/sentences.txt"),
      "--strategy", "bisection", "--budget", "1%", "-o", scratch.path("vector"))
    #expect(vector.code == 64 && vector.err.contains("no answers"))
    let plan = try Tool.run("plan", scratch.path("study"), "--budget", "1%")
    #expect(plan.code != 0)
  }
}
