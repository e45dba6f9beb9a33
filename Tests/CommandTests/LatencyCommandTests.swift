import Foundation
import TestSupport
import Testing

/// `profile`, and what `--device` adds to the other verbs.
@Suite struct LatencyCommandTests {
  /// Kernels that tests time stay among tests.
  private static let devices: String = {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("bitbudget-devices-\(UUID().uuidString)").path
    setenv("BITBUDGET_DEVICES", folder, 1)
    return folder
  }()

  private func study(_ scratch: borrowing Scratch) throws -> String {
    let study = scratch.path("study")
    let measured = try Tool.run(
      "measure", try Fixtures.path("smollm2/small-f16.gguf"), "--data",
      try Fixtures.path("text/wiki.txt"), "--samples", "2", "--length", "16", "--formats",
      "fp32,bf16,int8-channel", "--estimator", "weight-error", "-o", study, "-q")
    #expect(measured.code == 0, "\(measured.err)")
    return study
  }

  @Test func aStudyKnowsItsGeometryAndPlansForAnyDevice() throws {
    let scratch = try Scratch()
    let study = try study(scratch)
    #expect(FileManager.default.fileExists(atPath: study + "/geometry.json"))
    let plan = try Tool.run(
      "plan", study, "--device", "h100", "--budget", "1ms", "--budget", "10bpw", "--json", "-q")
    #expect(plan.code == 0, "\(plan.err)")
    let kinds = (plan.json["budget"] as? [[String: Any]] ?? []).compactMap { $0["kind"] as? String }
    #expect(kinds == ["latency", "bpw"])
    let tight = try Tool.run("plan", study, "--device", "h100", "--budget", "0.000001ms", "-q")
    #expect(tight.code == 2 && tight.err.contains("the smallest possible is"))
    let unknown = try Tool.run("plan", study, "--device", "h101", "--budget", "1ms", "-q")
    #expect(unknown.code == 64 && unknown.err.contains("'h100'"))
    // The T4 multiplies no bfloat16, and that is said.
    let old = try Tool.run(
      "plan", study, "--device", "t4", "--minimise", "latency", "--budget", "16bpw", "--pin",
      "*=bf16")
    #expect(old.code != 0 && old.err.contains("t4 has no kernel for bf16"))
    let bits = try Tool.run("plan", study, "--budget", "bops=1", "-q")
    #expect(bits.code == 2 && bits.err.contains("BOPs"))
  }

  @Test func aFrontierOfLatencyIsDrawnWithItsBudget() throws {
    let scratch = try Scratch()
    let study = try study(scratch)
    let drawn = try Tool.run(
      "frontier", study, "--axes", "latency,loss", "--device", "raspberry-pi-5", "--budget",
      "0.5ms", "-o", scratch.path("out"), "--json", "-q")
    #expect(drawn.code == 0, "\(drawn.err)")
    #expect(drawn.json["axes"] as? [String] == ["latency", "loss"])
    let svg = try String(contentsOfFile: scratch.path("out/frontier.svg"), encoding: .utf8)
    #expect(svg.contains("loss against latency"))
    let surface = try Tool.run(
      "frontier", study, "--axes", "bytes,latency,loss", "--device", "raspberry-pi-5", "--json",
      "-q")
    #expect(surface.code == 0 && (surface.json["points"] as? [Any] ?? []).count > 1)
    let none = try Tool.run("frontier", study, "--axes", "latency,loss", "-q")
    #expect(none.code == 64 && none.err.contains("no latency"))
  }

  @Test func memoryCountsKeysAndValues() throws {
    let scratch = try Scratch()
    let study = try study(scratch)
    func used(_ arguments: String...) throws -> Double {
      let process = Tool.process(
        ["plan", study, "--fit", "1GB", "--json", "-q"] + arguments)
      let pipe = Pipe()
      process.standardOutput = pipe
      try process.run()
      let data = pipe.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      let policy = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:]
      return ((policy["budget"] as? [[String: Any]])?.first?["used"] as? Double) ?? .nan
    }
    let short = try used("--context", "0")
    let long = try used("--context", "1000")
    let narrow = try used("--context", "1000", "--cache-format", "q8_0")
    #expect(long > short && narrow > short && narrow < long)
    // Halves take 16 bits a number, q8_0 8.5.
    #expect(abs((narrow - short) / (long - short) - 8.5 / 16) < 1e-9)
    let never = try Tool.run("plan", study, "--fit", "1kB", "--context", "32768", "-q")
    #expect(never.code == 2 && never.err.contains("in memory"))
  }

  @Test func thisMachineIsTimedOnceAndPlannedFrom() throws {
    _ = Self.devices
    let scratch = try Scratch()
    let study = try study(scratch)
    let model = try Fixtures.path("smollm2/small-f16.gguf")
    let first = try Tool.run(
      "profile", model, "--length", "16", "--formats", "fp32,bf16", "--study", study, "--json",
      "-q", "-o", scratch.path("here.json"))
    guard first.code == 0 else {
      // A machine without the library says what to install.
      #expect(first.err.contains("libdnnl-dev"))
      return
    }
    #expect((first.json["rest"] as? Double ?? -1) > 0)
    #expect((first.json["kernels"] as? Int ?? 0) > 0)
    let again = try Tool.run(
      "profile", model, "--length", "16", "--formats", "fp32,bf16", "--json", "-q")
    #expect(again.json["timed"] as? Int == 0)
    let plan = try Tool.run(
      "plan", study, "--device", "here", "--budget", "10s", "--budget", "1000ms", "-o",
      scratch.path("policy.json"), "-q")
    #expect(plan.code == 64 && plan.err.contains("'10s'"))
    let good = try Tool.run(
      "plan", study, "--device", "here", "--budget", "1000ms", "-o", scratch.path("policy.json"),
      "-q")
    #expect(good.code == 0, "\(good.err)")
    let check = try Tool.run(
      "profile", model, "--length", "16", "--formats", "fp32,bf16", "--policy",
      scratch.path("policy.json"), "--random", "2", "--rounds", "3", "--json", "-q")
    #expect(check.code == 0, "\(check.err)")
    let entries = check.json["entries"] as? [[String: Any]] ?? []
    #expect(entries.count == 3)
    #expect(entries.allSatisfy { ($0["measured"] as? Double ?? 0) > 0 })
    // What was written travels.
    let elsewhere = try Tool.run(
      "plan", study, "--device", scratch.path("here.json"), "--budget", "1000ms", "-q", "--exclude",
      "*=int8-channel")
    #expect(elsewhere.code == 0, "\(elsewhere.err)")
  }

  @Test func devicesAreListed() throws {
    let list = try Tool.run("list", "devices")
    #expect(list.code == 0 && list.out.hasPrefix("here"))
    for name in ["h100", "a100", "cortex-m7", "bitfusion", "snapdragon-8-gen-3-npu"] {
      #expect(list.out.contains("\n\(name) "))
    }
  }
}
