import Foundation
import TestSupport
import Testing

/// `bitbudget trust` as a user runs it, on a real model.
@Suite struct TrustCommandTests {
  @Test func estimatorsAreJudgedByWhatTheirPoliciesLose() throws {
    let scratch = try Scratch()
    let model = try Fixtures.path("minilm")
    let text = try Fixtures.path("text/sentences.txt")
    let data = ["--data", text, "--samples", "4", "--length", "24"]
    let study = scratch.path("study")
    let measured = try Tool.run(
      "measure", model, "--data", text, "--samples", "4", "--length", "24", "--formats",
      "int2-g64,int4-g64,int8-channel", "--estimator", "fisher-channel,weight-error", "-o", study,
      "-q")
    #expect(measured.code == 0, "\(measured.err)")
    // Without the truth about single groups there is nothing to compare with.
    let early = try Tool.run("trust", model, study, "--data", text)
    #expect(early.code == 1 && early.err.contains("exact-kl"))
    let exact = try Tool.run(
      "measure", model, "--data", text, "--samples", "4", "--length", "24", "--formats",
      "int2-g64,int4-g64,int8-channel", "--estimator", "exact-kl", "-o", study, "-q")
    #expect(exact.code == 0, "\(exact.err)")

    func report() throws -> [String: Any] {
      let process = Tool.process(
        ["trust", model, study] + data + ["--policies", "8", "--bits", "4,5", "--json", "-q"])
      let pipe = Pipe()
      process.standardOutput = pipe
      process.standardError = FileHandle.nullDevice
      try process.run()
      let json = pipe.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      return (try JSONSerialization.jsonObject(with: json) as? [String: Any]) ?? [:]
    }
    let first = try report()
    #expect(first["policies"] as? Int == 8)
    let rows = try #require(first["rows"] as? [[String: Any]])
    let names = rows.compactMap { $0["estimator"] as? String }
    #expect(names.sorted() == ["exact-kl", "fisher-channel", "weight-error"])
    let truth = try #require(rows.first { $0["estimator"] as? String == "exact-kl" })
    #expect(truth["spearman"] as? Double == 1)
    for row in rows {
      let regret = try #require(row["regret"] as? [Double])
      #expect(regret.count == 2 && regret.allSatisfy { $0 >= 1 })
      let rank = try #require(row["spearman"] as? Double)
      #expect((-1...1).contains(rank))
    }
    // The order is that of the regrets.
    let means = rows.compactMap { ($0["regret"] as? [Double])?.reduce(0, +) }
    #expect(means == means.sorted())
    #expect(NSDictionary(dictionary: try report()) == NSDictionary(dictionary: first))
    let impossible = try Tool.run("trust", model, study, "--data", text, "--bits", "1")
    #expect(impossible.code == 2 && impossible.err.contains("smallest possible"))
  }
}
