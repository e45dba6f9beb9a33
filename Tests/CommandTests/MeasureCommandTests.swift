import Foundation
import TestSupport
import Testing

/// `bitbudget measure` as a user runs it: what it says before it starts, and where it starts from.
@Suite struct MeasureCommandTests {
  private func command(_ study: String, _ more: String...) throws -> [String] {
    [
      "measure", try Fixtures.path("minilm"), "--data", try Fixtures.path("text/sentences.txt"),
      "--samples", "2", "--length", "16", "--formats", "int2-g64,int8-channel", "-o", study,
    ] + more
  }

  private func run(_ arguments: [String]) throws -> Tool.Result {
    try Tool.result(of: Tool.process(arguments))
  }

  @Test func theCostIsToldBeforeTheRun() throws {
    let scratch = try Scratch()
    let result = try run(
      command(scratch.path("study"), "--estimator", "fisher-channel,weight-error"))
    #expect(result.code == 0, "\(result.err)")
    let lines = result.err.split(separator: "\n").map(String.init)
    let told = try #require(lines.firstIndex { $0.contains("passes for each of 2 samples") })
    let began = try #require(lines.firstIndex { $0.contains("measuring fisher-channel") })
    #expect(told < began && lines[told].contains("in all"))
    #expect(lines.contains { $0 == "weight-error looks at the weights alone" })
  }

  @Test func scoresFromAPolicyAreARunOfTheirOwn() throws {
    let scratch = try Scratch()
    let study = scratch.path("study")
    let policy = scratch.path("policy.json")
    let first = try run(command(study, "--estimator", "exact-kl", "-q"))
    #expect(first.code == 0, "\(first.err)")
    let planned = try Tool.run("plan", study, "--budget", "5bpw", "-o", policy, "-q")
    #expect(planned.code == 0, "\(planned.err)")
    let based = try run(
      command(study, "--estimator", "exact-kl,exact-loss", "--base", policy, "--json", "-q"))
    #expect(based.code == 0, "\(based.err)")
    let runs = try #require(based.json["runs"] as? [[String: Any]])
    // The scores of the stored network are not taken for those of the policy, the second time they are.
    #expect(runs.allSatisfy { $0["resumed"] as? Int == 0 && $0["samples"] as? Int == 2 })
    let again = try run(
      command(study, "--estimator", "exact-kl", "--base", policy, "--json", "-q"))
    #expect((again.json["runs"] as? [[String: Any]])?.first?["resumed"] as? Int == 2)
    let other = try run(command(study, "--estimator", "taylor", "--base", policy, "-q"))
    #expect(other.code == 64 && other.err.contains("exact-kl, exact-loss"))
  }

  @Test func tooLittleMemoryIsRefused() throws {
    let scratch = try Scratch()
    let result = try run(command(scratch.path("study"), "--memory", "300MB"))
    #expect(result.code == 64 && result.err.contains("the least that can be planned"))
  }
}
