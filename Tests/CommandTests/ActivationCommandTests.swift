import Foundation
import TestSupport
import Testing

/// Policies that round layers' inputs, as a user makes and proves them.
@Suite struct ActivationCommandTests {
  private func run(_ arguments: [String]) throws -> Tool.Result {
    try Tool.result(of: Tool.process(arguments))
  }

  private func data(_ samples: String) throws -> [String] {
    [
      "--data", try Fixtures.path("text/sentences.txt"), "--samples", samples, "--length", "16",
      "-q",
    ]
  }

  @Test func measuredPlannedAndProven() throws {
    let scratch = try Scratch()
    let (study, policy) = (scratch.path("study"), scratch.path("policy.json"))
    let model = try Fixtures.path("minilm")
    let formats = ["--formats", "int8-channel/int8-tensor+percentile@3,int4-g64/int8-token"]
    let blind = try run(
      ["measure", model, "--estimator", "weight-error", "-o", study] + formats + data("4"))
    #expect(blind.code == 64 && blind.err.contains("scored by fisher-channel"))
    let measured = try run(["measure", model, "-o", study] + formats + data("4"))
    #expect(measured.code == 0, "\(measured.err)")
    let planned = try run(["plan", study, "--budget", "6bpw", "-o", policy, "--json", "-q"])
    #expect(planned.code == 0, "\(planned.err)")
    let layers = try #require(planned.json["layers"] as? [[String: Any]])
    for layer in layers {
      let activation = layer["activation"] as? String
      let range = layer["activationRange"] as? [Double]
      // Tables of rows have no input to round; ranges found at run time are not in the policy.
      #expect((activation == "none") == (layer["kind"] as? String == "embedding"))
      #expect((range != nil) == (activation == "int8-tensor+percentile@3"))
      if let range { #expect(range.count == 2 && range[0] <= range[1]) }
    }
    #expect(Set(layers.compactMap { $0["activation"] as? String }).count == 3)
    let proven = try run(["verify", model, policy, "--json"] + data("8"))
    // A uniform format may win with so few samples; then the exit code says so.
    #expect([0, 1].contains(proven.code) && proven.json["entries"] != nil, "\(proven.err)")
    let applied = try run(
      ["apply", model, policy, "--as", "safetensors-fake", "-o", scratch.path("out")])
    #expect(applied.code == 1 && applied.err.contains("cannot say that the input of"))
    #expect(!FileManager.default.fileExists(atPath: scratch.path("out")))
    // Without its range the policy is refused, not run with a guess.
    let text = try String(contentsOfFile: policy, encoding: .utf8)
    let stripped = text.replacing("\"activationRange\"", with: "\"lostRange\"")
    try stripped.write(toFile: policy, atomically: true, encoding: .utf8)
    let lost = try run(["verify", model, policy] + data("8"))
    #expect(lost.code == 1 && lost.err.contains("there is no calibrated range of"))
  }

  @Test func pipelinesWithClippingAndCalibrationAreSearched() throws {
    let scratch = try Scratch()
    let space = scratch.path("space.yaml")
    try """
    schemaVersion: 1
    knobs:
      - {name: bits, values: [8]}
      - {name: granularity, values: [channel]}
      - {name: symmetry, values: [sym]}
      - {name: activation, values: [int8-tensor]}
      - {name: clipping, values: [minmax, percentile]}
      - {name: calibration, values: [1, 4]}
    """.write(toFile: space, atomically: true, encoding: .utf8)
    let searched = try run(
      [
        "search", try Fixtures.path("minilm"), "--space", space, "--strategy", "grid",
        "--evaluations", "4", "--budget", "9bpw", "--json", "-o", scratch.path("search"),
      ] + data("12"))
    #expect(searched.code == 0, "\(searched.err)")
    #expect(searched.json["evaluations"] as? Int == 4)
    let policy = try #require(searched.json["policy"] as? [String: Any])
    let layers = try #require(policy["layers"] as? [[String: Any]])
    #expect(layers.contains { ($0["activationRange"] as? [Double])?.count == 2 })
  }

  @Test func activationsAreListed() throws {
    let listed = try run(["list", "activations"])
    #expect(listed.code == 0 && listed.out.contains("int8-tensor-pow2"))
  }
}
