import Foundation
import Quantization
import Testing
import Vocabulary

@Suite struct PipelineSpaceTests {
  private static let shipped = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("SearchSpaces/pipeline.yaml")

  private static let layers = [("a.stem", 64), ("b.0.mlp", 10), ("b.1.mlp", 64)].map {
    Layer(
      name: $0.0, tensor: $0.0, kind: .linear, shape: WeightShape(rows: 8, columns: $0.1))
  }

  private func space(_ knobs: [String: String]) throws -> PipelineSpace {
    let usual = [
      "bits": "[4]", "granularity": "[channel]", "symmetry": "[sym]", "first": "[same]",
      "last": "[same]",
    ].merging(knobs) { $1 }
    return try PipelineSpace(
      parsing: "schemaVersion: 1\nknobs:\n"
        + usual.sorted { $0.key < $1.key }
        .map { "  - {name: \($0.key), values: \($0.value)}\n" }.joined())
  }

  @Test func theShippedSpaceHas96Points() throws {
    let text = try String(contentsOf: Self.shipped, encoding: .utf8)
    let space = try PipelineSpace(parsing: text)
    #expect(try space.points().count == 96 && space.pointCount == 96)
    #expect(try Set(space.points()).count == 96)
    let formats = try space.formats([0, 1, 1, 1, 0], for: Self.layers).map(\.name)
    // Rows of 10 are not a multiple of 64: the same width per channel.
    #expect(formats == ["int8-channel", "int4-channel", "int4-g64"])
  }

  @Test func knobsForSomeLayersOverrule() throws {
    let space = try PipelineSpace(
      parsing: """
        schemaVersion: 1
        knobs:
          - {name: bits, values: [3, 4]}
          - {name: granularity, values: [channel]}
          - {name: symmetry, values: [asym]}
          - {name: mlps, layers: "*.mlp", values: [same, int6-channel]}
          - {name: second, layers: "b.1.*", values: [same, int8-channel, bf16]}
        """)
    #expect(space.pointCount == 12)
    func names(_ choices: [Int]) throws -> [String] {
      try space.formats(choices, for: Self.layers).map(\.name)
    }
    #expect(try names([0, 0, 0, 0, 0]) == ["int3-channel", "int3-channel", "int3-channel"])
    #expect(try names([1, 0, 0, 1, 0]) == ["int4-channel", "int6-channel", "int6-channel"])
    #expect(try names([1, 0, 0, 1, 2]) == ["int4-channel", "int6-channel", "bf16"])
    #expect(
      try space.formatNames()
        == ["int3-channel", "int4-channel", "int6-channel", "int8-channel", "bf16"])
  }

  @Test func mistakesAreNamed() throws {
    func message(_ knobs: [String: String]) -> String {
      do {
        _ = try space(knobs)
        return ""
      } catch { return "\(error)" }
    }
    #expect(message([:]).isEmpty)
    #expect(message(["bits": "[]"]).contains("'bits' has no values"))
    #expect(message(["bits": "[4, 4]"]).contains("twice"))
    #expect(message(["bits": "[9]"]).contains("int9-channel"))
    #expect(message(["first": "[int8-chanel]"]).contains("int8-channel"))
    #expect(message(["frist": "[same]"]).contains("'first'"))
    #expect(throws: UserError.self) { try PipelineSpace(parsing: "schemaVersion: 2\nknobs: []") }
    #expect(throws: UserError.self) { try PipelineSpace(parsing: "knobs: {") }
  }
}
