import Foundation
import Quantization
import Testing
import Vocabulary

@Suite struct PipelineSpaceTests {
  private static let shipped = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("SearchSpaces/pipeline.yaml")

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
    #expect(space.points.count == 96)
    #expect(Set(space.points).count == 96)
    let shapes = [(8, 64), (8, 10), (8, 64)].map { WeightShape(rows: $0.0, columns: $0.1) }
    let formats = try space.formats([0, 1, 1, 1, 0], for: shapes).map(\.name)
    // Rows of 10 are not a multiple of 64: the same width per channel.
    #expect(formats == ["int8-channel", "int4-channel", "int4-g64"])
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
