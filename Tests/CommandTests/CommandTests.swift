import Foundation
import TestSupport
import Testing

/// The command line as an API: names, exit codes, JSON keys, and one clear sentence for bad input.
@Suite(.serialized) struct CommandTests {
  @Test func inspectReadsHeadersAlone() throws {
    let result = try Tool.run("inspect", try Fixtures.path("minilm"), "--json")
    #expect(result.code == 0)
    let weights = try #require(result.json["weights"] as? Int)
    #expect(weights == 30_522 * 384 + 6 * (4 * 384 * 384 + 2 * 384 * 1536))
    #expect((result.json["layers"] as? [Any])?.count == 37)
    let feasible = try #require(result.json["feasible"] as? [Int])
    #expect(feasible[0] < feasible[1])
    let skipped = try #require(result.json["skipped"] as? [[String: Any]])
    #expect(skipped.allSatisfy { ($0["reason"] as? String)?.isEmpty == false })
  }

  @Test func measurePlanFrontierVerify() throws {
    let scratch = try Scratch()
    let model = try Fixtures.path("minilm")
    let text = try Fixtures.path("text/sentences.txt")
    let study = scratch.path("study")
    let measured = try Tool.run(
      "measure", model, "--data", text, "--samples", "6", "--formats",
      "int2-g64,int3-g64,int4-g64,int8-g64", "-o", study, "--json")
    #expect(measured.code == 0, "\(measured.err)")
    #expect((measured.json["runs"] as? [[String: Any]])?.first?["samples"] as? Int == 6)

    // The same again finds everything there.
    let again = try Tool.run(
      "measure", model, "--data", text, "--samples", "6", "--formats",
      "int2-g64,int3-g64,int4-g64,int8-g64", "-o", study, "--json")
    #expect((again.json["runs"] as? [[String: Any]])?.first?["resumed"] as? Int == 6)

    let policy = scratch.path("policy.json")
    let planned = try Tool.run("plan", study, "--budget", "4bpw", "-o", policy, "--json")
    #expect(planned.code == 0, "\(planned.err)")
    #expect(planned.json["schema"] as? String == "bitbudget.policy/1")
    #expect((planned.json["bpw"] as? Double ?? 9) <= 4)
    let layers = try #require(planned.json["layers"] as? [[String: Any]])
    #expect(layers.count == 37)
    let sum = layers.reduce(0) { $0 + ($1["bytes"] as? Int ?? 0) }
    let bytes = try #require(planned.json["bytes"] as? Int)
    let inspection = try Tool.run("inspect", model, "--json")
    #expect(sum + (inspection.json["fixedBytes"] as? Int ?? 0) == bytes)

    let pinned = try Tool.run(
      "plan", study, "--budget", "4bpw", "--pin", "*attention*=int8-g64", "--json")
    let pins = try #require(pinned.json["layers"] as? [[String: Any]])
    #expect(
      pins.filter { ($0["name"] as? String)?.contains("attention") == true }
        .allSatisfy { $0["weight"] as? String == "int8-g64" && $0["pinned"] as? Bool == true })

    let frontier = try Tool.run("frontier", study, "-o", scratch.path("f"), "--json")
    #expect(frontier.code == 0)
    #expect((frontier.json["points"] as? [Any])?.count ?? 0 > 20)
    for name in ["frontier.json", "frontier.csv", "frontier.svg"] {
      #expect(FileManager.default.fileExists(atPath: scratch.path("f/\(name)")))
    }

    let verified = try Tool.run(
      "verify", model, policy, "--data", text, "--samples", "8", "--baselines",
      "int2-g64,int3-g64,int8-g64", "--json")
    #expect(verified.code == 0, "\(verified.err)")
    let entries = try #require(verified.json["entries"] as? [[String: Any]])
    // int8-g64 is larger than the policy and no baseline for it.
    #expect(entries.count == 3)
    #expect(entries.dropFirst().allSatisfy { ($0["bytes"] as? Int ?? .max) <= bytes })
    #expect(["policy", "tie", "uniform"].contains(verified.json["verdict"] as? String))
  }

  @Test func tooSmallABudgetSaysTheSmallestPossibleBeforeTheLongRun() throws {
    let scratch = try Scratch()
    let result = try Tool.run(
      "auto", try Fixtures.path("minilm"), "--budget", "1MB", "--data",
      try Fixtures.path("text/sentences.txt"), "-o", scratch.path("study"))
    #expect(result.code == 2)
    #expect(result.err.contains("smallest possible"))
    #expect(!FileManager.default.fileExists(atPath: scratch.path("study")))
  }

  @Test(arguments: [
    (["inspect", "/nowhere/model.onnx"], Int32(1), "/nowhere/model.onnx"),
    (["plan", "/nowhere", "--budget", "4bpw"], 1, "/nowhere"),
    (["plan", "/nowhere", "--budget", "4 apples"], 64, "4 apples"),
    (["plan", "/nowhere"], 64, "--budget"),
    (["list", "estimator"], 64, "estimators"),
    (["measure", "x", "--data", "y", "-o", "z", "--samples", "0"], 64, "--samples"),
    (["no-such-verb"], 64, "no-such-verb"),
  ])
  func badInputIsOneSentenceAndAnExitCode(
    arguments: [String], code: Int32, culprit: String
  ) throws {
    let process = Tool.process(arguments)
    let pipe = Pipe()
    process.standardError = pipe
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == code)
    #expect(text.contains(culprit))
  }

  @Test func unknownNamesComeWithTheNearest() throws {
    let model = try Fixtures.path("minilm")
    let result = try Tool.run("inspect", model, "--formats", "int4-g63")
    #expect(result.code == 64)
    #expect(result.err.contains("int4-g64") || result.err.contains("int4-g32"))
    let estimator = try Tool.run(
      "measure", model, "--data", try Fixtures.path("text/sentences.txt"), "--estimator",
      "fisher-ouput", "-o", "/tmp/never")
    #expect(estimator.code == 64)
    #expect(estimator.err.contains("fisher-output"))
  }

  @Test func emptyDataIsASentence() throws {
    let scratch = try Scratch()
    let empty = scratch.path("empty.txt")
    _ = FileManager.default.createFile(atPath: empty, contents: Data())
    let result = try Tool.run(
      "measure", try Fixtures.path("minilm"), "--data", empty, "-o", scratch.path("study"))
    #expect(result.code == 1)
    #expect(result.err.split(separator: "\n").count == 1)
  }

  /// Killed at any moment and run again, a measurement ends with the table of one that was left alone.
  @Test func aKilledMeasurementGoesOn() throws {
    let scratch = try Scratch()
    let model = try Fixtures.path("efficientnet-lite0/model.onnx")
    let data = try Fixtures.path("photos")
    func arguments(_ study: String) -> [String] {
      [
        "measure", model, "--data", data, "--samples", "12", "--formats",
        "int4-channel,int8-channel",
        "--estimator", "exact-kl", "--workers", "1", "-o", scratch.path(study), "--json", "-q",
      ]
    }
    let process = Tool.process(arguments("killed"))
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    // Killed as soon as there are scores, wherever that is.
    let database = scratch.path("killed/study.sqlite")
    var waited = 0
    while waited < 600, process.isRunning {
      let size = (try? FileManager.default.attributesOfItem(atPath: database)[.size]) as? Int ?? 0
      if size > 60_000 { break }
      Thread.sleep(forTimeInterval: 0.1)
      waited += 1
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    for study in ["killed", "whole"] {
      let process = Tool.process(arguments(study))
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
    let killed = try Tool.run("plan", scratch.path("killed"), "--budget", "5bpw", "--json")
    let whole = try Tool.run("plan", scratch.path("whole"), "--budget", "5bpw", "--json")
    #expect(killed.code == 0, "\(killed.err)")
    #expect(killed.out == whole.out)
  }
}
