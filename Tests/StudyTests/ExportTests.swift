import Export
import Foundation
import Testing
import Vocabulary

@Suite struct NeutralFileTests {
  @Test func filesComeBack() async throws {
    try await withScratch { scratch in
      func path(_ name: String) -> String { scratch.appendingPathComponent(name).path }
      var policy = Samples.policy()
      policy.verified = Policy.Verification(
        loss: 0.1 + 0.2, low: 0.1, high: 0.5, data: "sha256:bb",
        uniform: Policy.Verification.Uniform(format: "int4-g64", bytes: 2000, loss: 1e-9))
      try PolicyFile.write(policy, to: path("deep/er/policy.json"))
      #expect(try PolicyFile.read(path("deep/er/policy.json")) == policy)

      try FrontierFile.write(Samples.realistic, to: path("frontier.json"))
      #expect(try FrontierFile.read(path("frontier.json")) == Samples.realistic)

      let table = SensitivityTable(
        unit: "u",
        groups: [
          GroupSensitivity(
            name: "a", layers: ["a"], weights: nil,
            candidates: [Candidate(format: "int4", loss: -0.5, bytes: 10)])
        ], ties: [["a"]])
      try TableFile.write(table, to: path("table.json"))
      #expect(try TableFile.read(path("table.json")) == table)
    }
  }

  @Test func textIsStableAndSorted() throws {
    let text = try PolicyFile.text(Samples.policy())
    #expect(try PolicyFile.text(try PolicyFile.value(of: text, name: "p")) == text)
    let keys = text.split(separator: "\n").filter { $0.hasPrefix("  \"") }
      .compactMap { $0.split(separator: "\"").dropFirst().first }
    #expect(keys == keys.sorted() && keys.count > 5)
    #expect(text.contains("\"schema\" : \"bitbudget.policy/1\""))
  }

  @Test func numbersThatAreNotFiniteAreRefused() {
    var policy = Samples.policy()
    policy.bpw = .nan
    #expect(throws: UserError.self) { try PolicyFile.text(policy) }
  }

  @Test(arguments: [
    ("", "'p' is not a policy: it is not JSON"),
    ("{\"a\": ", "'p' is not a policy: it is not JSON"),
    ("[1]", "'p' is not a policy: it has no \"schema\": \"bitbudget.policy/1\""),
    ("{}", "'p' is not a policy: it has no \"schema\": \"bitbudget.policy/1\""),
    (
      #"{"schema": "bitbudget.policy/2"}"#,
      "'p' is of version bitbudget.policy/2, and this tool reads bitbudget.policy/1"
    ),
    (
      #"{"schema": "bitbudget.table/1"}"#, "'p' is not a policy: its schema is bitbudget.table/1"
    ),
    (#"{"schema": "bitbudget.policy/1"}"#, "'p' is not a valid policy: 'model' is missing"),
  ])
  func otherTextsAreToldApart(text: String, message: String) {
    let error = #expect(throws: UserError.self) { try PolicyFile.value(of: text, name: "p") }
    #expect(error?.description == message)
  }

  @Test(arguments: [
    (#""group" : 0"#, #""group" : -1"#, "the group of 'layers.0.proj' is -1"),
    (#""weight" : "int8-g64""#, #""weight" : 8"#, "'layers[2].weight' has the wrong type"),
    (#""kind" : "linear""#, #""kind" : "round""#, "'layers[0].kind' has an unknown value"),
    ("layers.1.proj\"", "layers.0.proj\"", "the layer 'layers.0.proj' is there twice"),
    (
      #""bytes" : 1050"#, #""bytes" : 9223372036854775000"#,
      "the layers' bytes are beyond all measure"
    ),
  ])
  func nonsenseIsNamed(part: String, replacement: String, message: String) throws {
    let text = try PolicyFile.text(Samples.policy())
    let changed = text.replacingOccurrences(of: part, with: replacement)
    #expect(changed != text)
    let error = #expect(throws: UserError.self) { try PolicyFile.value(of: changed, name: "p") }
    #expect(error?.description == "'p' is not a valid policy: \(message)")
  }

  @Test func frontierInvariantsAreChecked() throws {
    func rejected(_ change: (inout Frontier) -> Void) throws -> Bool {
      var frontier = Samples.realistic
      change(&frontier)
      let text = try FrontierFile.text(frontier)
      do { _ = try FrontierFile.value(of: text, name: "f") } catch is UserError { return true }
      return false
    }
    #expect(try !rejected { _ in })
    #expect(try rejected { $0.points.swapAt(0, 1) })
    #expect(try rejected { $0.points[3].choices = [0, 2] })
    #expect(try rejected { $0.points[3].choices = [0] })
    #expect(try rejected { $0.knee = 41 })
    #expect(try rejected { $0.formats.removeLast() })
  }

  @Test func tableNonsenseIsRefused() throws {
    let group = GroupSensitivity(
      name: "a", layers: ["a"], weights: 5,
      candidates: [Candidate(format: "int4", loss: 1, bytes: 10)])
    func rejected(_ change: (inout SensitivityTable) -> Void) throws -> Bool {
      var table = SensitivityTable(unit: "u", groups: [group])
      change(&table)
      do { _ = try TableFile.value(of: try TableFile.text(table), name: "t") } catch is UserError {
        return true
      }
      return false
    }
    #expect(try !rejected { _ in })
    #expect(try rejected { $0.groups = [] })
    #expect(try rejected { $0.groups.append(group) })
    #expect(try rejected { $0.groups[0].candidates = [] })
    #expect(try rejected { $0.groups[0].candidates.append($0.groups[0].candidates[0]) })
    #expect(try rejected { $0.groups[0].candidates[0].bytes = -1 })
    #expect(try rejected { $0.groups[0].weights = .max })
    #expect(try rejected { $0.ties = [["a", "b"]] })
  }
}

@Suite struct AtomicFileTests {
  @Test func replacesAndLeavesNothingBehind() async throws {
    try await withScratch { scratch in
      let path = scratch.appendingPathComponent("a.txt").path
      try AtomicFile.write("one", to: path)
      try AtomicFile.write(String(repeating: "two ä\n", count: 100_000), to: path)
      let text = try String(contentsOfFile: path, encoding: .utf8)
      #expect(text == String(repeating: "two ä\n", count: 100_000))
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["a.txt"])
    }
  }

  @Test func aFailureLeavesTheOldFileAndNoOther() async throws {
    try await withScratch { scratch in
      // A directory with something in it cannot be replaced by a file.
      let target = scratch.appendingPathComponent("taken")
      try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
      try Data().write(to: target.appendingPathComponent("x"))
      let error = #expect(throws: UserError.self) { try AtomicFile.write("t", to: target.path) }
      #expect(error?.description.contains("cannot be written") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path) == ["taken"])
      #expect(throws: UserError.self) {
        try AtomicFile.write("t", to: target.appendingPathComponent("x/y").path)
      }
    }
  }
}
