import Foundation
import TestSupport
import Testing

/// `plan --runtime`: what is planned is what the runtime loads.
@Suite struct RuntimeCommandTests {
  @Test func theRuntimeLoadsWhatIsPlannedForIt() throws {
    let scratch = try Scratch()
    let study = scratch.path("study")
    let model = try Fixtures.path("smollm2/small-f16.gguf")
    let measured = try Tool.run(
      "measure", model, "--data", try Fixtures.path("text/wiki.txt"), "--samples", "2",
      "--length", "16", "--formats",
      "int3-channel-sym,int4-channel-sym,int4-channel-asym,int8-channel-sym,bf16", "--estimator",
      "weight-error", "-o", study, "-q")
    #expect(measured.code == 0, "\(measured.err)")
    let free = try Tool.run(
      "plan", study, "--budget", "9bpw", "-o", scratch.path("free.json"))
    #expect(free.code == 0)
    let bound = try Tool.run(
      "plan", study, "--budget", "15bpw", "--runtime", "sglang", "-o",
      scratch.path("bound.json"))
    // The toy's rows may be too short for the kernels: then it is said, and nothing is written.
    guard bound.code == 0 else {
      #expect(bound.err.contains("sglang loads"))
      #expect(!FileManager.default.fileExists(atPath: scratch.path("bound.json")))
      return
    }
    let lint = try Tool.run(
      "lint", scratch.path("bound.json"), "--runtime", "sglang", "--model", model)
    #expect(lint.code == 0, "\(lint.out)")
  }

  @Test func anUnknownRuntimeIsASentence() throws {
    let scratch = try Scratch()
    let table = scratch.path("table.json")
    try Data(
      """
      {"schema": "bitbudget.table/1", "unit": "nats", "costs": ["bytes"], "groups": [
        {"name": "blk.0.attn_q", "layers": ["blk.0.attn_q"], "weights": 64, "candidates": [
          {"format": "int4-g64-sym", "loss": 2, "bytes": 34}, {"format": "mlx4-g64", "loss": 1, "bytes": 36}]},
        {"name": "blk.0.ffn_up", "layers": ["blk.0.ffn_up"], "weights": 64, "candidates": [
          {"format": "int4-g64-sym", "loss": 1, "bytes": 34}, {"format": "mlx4-g64", "loss": 2, "bytes": 36}]}]}
      """.utf8
    ).write(to: URL(fileURLWithPath: table))
    let slip = try Tool.run("plan", table, "--budget", "9bpw", "--runtime", "mlxx")
    #expect(slip.code == 64 && slip.err.contains("'mlx'"))
    let plan = try Tool.run(
      "plan", table, "--budget", "9bpw", "--runtime", "mlx", "--raw", "--json")
    #expect(plan.code == 0, "\(plan.err)")
    #expect(plan.out.contains("mlx4-g64") && !plan.out.contains("\"weight\" : \"int4-g64-sym\""))
    let none = try Tool.run("plan", table, "--budget", "9bpw", "--runtime", "llama.cpp")
    #expect(none.code == 1 && none.err.contains("measure it in one of: "))
  }
}
