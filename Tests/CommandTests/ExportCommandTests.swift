import Foundation
import TestSupport
import Testing

/// Export, import and lint as a user runs them.
@Suite(.serialized) struct ExportCommandTests {
  /// A policy for the small MiniLM, made by importing a table of one format.
  private func policy(_ format: String, in scratch: borrowing Scratch) throws -> String {
    let inspection = try Tool.run("inspect", try Fixtures.path("minilm"), "--json")
    let layers = try #require(inspection.json["layers"] as? [[String: Any]])
    let names = layers.compactMap { ($0["layer"] as? [String: Any])?["name"] as? String }
    #expect(names.count == 37)
    let rows = names.map { name in
      "\(name),\(name.contains("embeddings") ? "fp16" : format)\n"
    }
    let table = scratch.path("table.csv")
    try ("layer,weight\n" + rows.joined()).write(toFile: table, atomically: true, encoding: .utf8)
    let path = scratch.path("policy.json")
    let imported = try Tool.run(
      "import", table, "--from", "csv", "--model", try Fixtures.path("minilm"), "-o", path)
    #expect(imported.code == 0, "\(imported.err)")
    return path
  }

  @Test func aPolicyGoesOutAndComesBack() throws {
    let scratch = try Scratch()
    let model = try Fixtures.path("minilm")
    let policy = try policy("int4-g64-sym", in: scratch)
    let file = scratch.path("out/dynamic.json")
    let written = try Tool.run(
      "export", policy, "--to", "gptqmodel", "--model", model, "-o", file, "--json")
    #expect(written.code == 0, "\(written.err)")
    #expect(written.json["exporter"] as? String == "gptqmodel")
    #expect(written.json["layers"] as? Int == 37)
    #expect((written.json["next"] as? String)?.contains(file) == true)

    let back = try Tool.run(
      "import", file, "--from", "gptqmodel", "--model", model, "--json")
    #expect(back.code == 0, "\(back.err)")
    let original = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: policy)))
    for key in ["layers", "bytes"] {
      let ours = (original as? [String: Any])?[key]
      if key == "bytes" { #expect(ours as? Int == back.json[key] as? Int) }
      let formats = [ours, back.json[key]].map {
        ($0 as? [[String: Any]])?.compactMap { $0["weight"] as? String }
      }
      #expect(formats[0] == formats[1])
    }

    // A folder takes the consumer's usual name; standard output takes the text alone.
    let folder = try Tool.run("export", policy, "--to", "torchao", "-o", scratch.path("out"))
    #expect(folder.code == 0 && folder.out.isEmpty && folder.err.contains("quantize_(model"))
    #expect(FileManager.default.fileExists(atPath: scratch.path("out/torchao.json")))
    let text = try Tool.run("export", policy, "--to", "torchao", "-q")
    #expect(text.json["modules"] != nil && text.err.isEmpty)
  }

  @Test func refusalsWriteNothing() throws {
    let scratch = try Scratch()
    let policy = try policy("int3-tensor", in: scratch)
    let file = scratch.path("types.txt")
    let refused = try Tool.run("export", policy, "--to", "gptqmodel", "-o", file)
    #expect(refused.code == 1)
    #expect(refused.err.contains("in int3-tensor (and 35 more layers)"))
    #expect(refused.err.contains("int3-channel"))
    #expect(refused.err.split(separator: "\n").count == 1)
    #expect(!FileManager.default.fileExists(atPath: file))
    #expect(try Tool.run("export", policy, "--to", "gptq").code == 64)
    #expect(try Tool.run("export", policy, "--to", "csv", "--json").code == 64)

    var text = try String(contentsOfFile: policy, encoding: .utf8)
    text = text.replacingOccurrences(of: "sha256:", with: "sha256:00")
    try text.write(toFile: scratch.path("other.json"), atomically: true, encoding: .utf8)
    let other = try Tool.run(
      "export", scratch.path("other.json"), "--to", "csv", "--model", try Fixtures.path("minilm"),
      "-o", file)
    #expect(other.code == 1 && other.err.contains("other weights"))
    #expect(!FileManager.default.fileExists(atPath: file))
  }

  @Test func lintTellsWhatARuntimeWouldNotLoad() throws {
    let scratch = try Scratch()
    let profiles = Fixtures.root.appendingPathComponent("SearchSpaces/runtimes").path
    let bad = try policy("int5-g64", in: scratch)
    let found = try Tool.run("lint", bad, "--runtime", "\(profiles)/vllm.yaml", "--json")
    #expect(found.code == 1)
    let conflicts = try #require(found.json["conflicts"] as? [[String: Any]])
    #expect(conflicts.count == 36)
    #expect(conflicts[0]["nearest"] as? String == "int4-g64-sym")
    let good = try policy("int4-g64-sym", in: scratch)
    let fine = try Tool.run(
      "lint", good, "--runtime", "\(profiles)/vllm.yaml", "--model", try Fixtures.path("minilm"))
    #expect(fine.code == 0, "\(fine.out)")
    #expect(fine.out == "vllm loads all 37 layers\n")
  }
}
