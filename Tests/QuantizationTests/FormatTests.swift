import Foundation
import Quantization
import TestSupport
import Testing
import Vocabulary

@Suite struct FormatTests {
  @Test func bitsPerWeightAreTheKnownOnes() throws {
    let shape = WeightShape(rows: 512, columns: 4096)
    let known: [(String, Double)] = [
      ("int4-g64", 4.5), ("int4-g128", 4.25), ("int4-g32", 5.0), ("int4-g64-sym", 4.25),
      ("int8-g64", 8.25), ("int8-g64-asym", 8.5), ("int2-g64", 2.5), ("int3-g64", 3.5),
      ("int5-g64", 5.25), ("int4-channel", 4 + 32.0 / 4096), ("fp16", 16), ("bf16", 16),
      ("fp32", 32),
    ]
    for (name, bits) in known { #expect(try Formats.named(name).bitsPerWeight(of: shape) == bits) }
    let square = WeightShape(rows: 576, columns: 576)
    #expect(try Formats.named("int4-g64").bytes(of: square) == 186_624)
    // 9 codes of 3 bits are 27 bits: 4 bytes a row.
    let depthwise = WeightShape(rows: 96, columns: 9)
    #expect(try Formats.named("int3-channel").bytes(of: depthwise) == 96 * (4 + 4))
    #expect(try Formats.named("int3-tensor").bytes(of: depthwise) == 96 * 4 + 4)
  }

  @Test func knownWeightsBecomeKnownValues() throws {
    let shape = WeightShape(rows: 1, columns: 4)
    // Steps of 1 from -1: halves go to the even code.
    let asymmetric = IntegerFormat(bits: 2, .channel)
    #expect(try asymmetric.roundTrip([-1, -0.5, 0.5, 2], shape: shape) == [-1, -1, 1, 2])
    // Steps of 1: the largest magnitude takes code 7, and -7.6 cannot be.
    let symmetric = IntegerFormat(bits: 4, .channel, .symmetric)
    #expect(try symmetric.roundTrip([7, 2.5, -3.5, 0.4], shape: shape) == [7, 2, -4, 0])
  }

  @Test func whatHalvesCannotHoldIsRefused() throws {
    let shape = WeightShape(rows: 1, columns: 32)
    func weights(_ first: Float, _ second: Float) -> [Float] {
      [first, second] + [Float](repeating: 0, count: 30)
    }
    func refused(_ name: String, _ weights: [Float], _ words: String) throws {
      let format = try Formats.named(name)
      let error = #expect(throws: UserError.self) { try format.roundTrip(weights, shape: shape) }
      #expect(error?.description.contains(words) == true)
      #expect(error?.kind == .failed)
    }
    try refused(
      "int4-g32", weights(-65520, 0), "int4-g32 cannot store weights from -65520.0 to 0.0")
    try refused("int8-g32", weights(-1e9, 0), "16-bit floats")
    try refused("int4-tensor", weights(3e38, -3e38), "16-bit floats")
    try refused("fp16", weights(0, -65520), "magnitude 65520.0")
    try refused("bf16", weights(3.4e38, 0), "magnitude")
    // The scale is what must fit, not the weight: 900000 / 15 = 60000.
    let wide = try Formats.named("int4-g32").roundTrip(weights(900_000, 0), shape: shape)
    #expect(wide[0] == 900_000)
    #expect(try FloatFormat.fp16.roundTrip(weights(65519, 0), shape: shape)[0] == 65504)
    #expect(try FloatFormat.fp32.roundTrip(weights(3.4e38, 0), shape: shape)[0] == 3.4e38)
  }

  @Test func refusalsNameTheCulprit() throws {
    let rows = WeightShape(rows: 96, columns: 9)
    #expect(
      try Formats.named("int4-g64").refusal(of: rows)
        == "its rows of 9 weights are not a multiple of the group size 64")
    #expect(try Formats.named("int4-channel").refusal(of: rows) == nil)
    let empty = WeightShape(rows: 0, columns: 64)
    #expect(Formats.all.allSatisfy { $0.refusal(of: empty) == "it has no weights" })
  }

  @Test func theCatalogueIsInOrder() {
    let names = Formats.all.map(\.name)
    #expect(names.count == 7 * 5 * 2 + 3 + 6 + 2 + 2 + 8 + 7 + 6 * 3 + 2 + 7 * 4 * 2)
    #expect(Set(names).count == names.count)
    #expect(Set(Formats.all.map(\.summary)).count == names.count)
    #expect(names.prefix(4) == ["int2-g32", "int2-g32-sym", "int2-g64", "int2-g64-sym"])
    #expect(
      names[68..<74] == ["int8-tensor-asym", "int8-tensor", "bf16", "fp16", "fp32", "fp8-e4m3"])
  }

  @Test func namesWithAndWithoutSymmetryMeanTheSame() throws {
    #expect(try Formats.named("int4-g64-asym").name == "int4-g64")
    #expect(try Formats.named("int8-channel-sym").name == "int8-channel")
    #expect(try Formats.named("int8-channel-asym").name == "int8-channel-asym")
    for case let format as IntegerFormat in Formats.all {
      let named = try Formats.named(format.explicitName)
      #expect(named as? IntegerFormat == format)
      #expect(try Formats.named(format.name) as? IntegerFormat == format)
    }
  }

  @Test func unknownNamesAreToldTheNearest() {
    let known = [
      ("int4-g65", "int4-g64"), ("int4-64", "int4-g64"), ("INT8-Channel", "int8-channel"),
      ("fp61", "fp16"),
    ]
    for (wrong, right) in known {
      let error = #expect(throws: UserError.self) { try Formats.named(wrong) }
      #expect(error?.kind == .usage)
      #expect(error?.description == "unknown format '\(wrong)'; did you mean '\(right)'?")
    }
    for wrong in ["int4", "int9-g64", "int4-g16", "int4-g64-", "int4-g064", " int4-g64", ""] {
      #expect(throws: UserError.self, "\(wrong)") { try Formats.named(wrong) }
    }
  }

  @Test func standInsKeepWidthAndSymmetry() throws {
    let rows = WeightShape(rows: 96, columns: 9)
    #expect(try Formats.format("int4-g64", for: rows)?.name == "int4-channel")
    #expect(try Formats.format("int4-g64-sym", for: rows)?.name == "int4-channel-sym")
    #expect(try Formats.format("int8-tensor", for: rows)?.name == "int8-tensor")
    let mixed = ["int8-g64", "int4-g64", "int4-channel-asym", "fp16", "int4-g128", "int8-g64-sym"]
    let wide = WeightShape(rows: 8, columns: 192)
    #expect(
      try Formats.candidates(for: rows, from: mixed).map(\.name)
        == ["int8-channel", "int4-channel", "fp16"])
    #expect(
      try Formats.candidates(for: wide, from: mixed).map(\.name)
        == ["int8-g64", "int4-g64", "int4-channel", "fp16"])
    #expect(try Formats.candidates(for: WeightShape(rows: 0, columns: 9), from: mixed).isEmpty)
    #expect(throws: UserError.self) { try Formats.candidates(for: rows, from: ["int4"]) }
  }
}

@Suite struct FormatSetTests {
  private func shipped() throws -> FormatSets {
    let url = Fixtures.root.appendingPathComponent("SearchSpaces/formats.yaml")
    return try FormatSets(parsing: String(contentsOf: url, encoding: .utf8))
  }

  @Test func theShippedSetsAreCanonical() throws {
    let sets = try shipped()
    #expect(sets.sets["channel"]?.contains("int4-channel") == true)
    for (name, formats) in sets.sets {
      #expect(!formats.isEmpty && Set(formats).count == formats.count, "\(name)")
      #expect(!formats.contains { $0.hasPrefix("@") }, "\(name)")
    }
    #expect(try Formats.standard == Formats.standard.map { try Formats.named($0).name })
  }

  @Test func namesAndSetsMix() throws {
    let sets = try FormatSets(
      parsing: "schemaVersion: 1\nsets:\n  small: [int2-g64-asym, int3-g64]\n  other: [fp16]\n")
    let names = try sets.expand(["fp32", "@small", "int3-g64-asym", "int4-g64-asym"])
    #expect(names == ["fp32", "int2-g64", "int3-g64", "int4-g64"])
    let error = #expect(throws: UserError.self) { try sets.expand(["@smal"]) }
    #expect(error?.description == "unknown format set 'smal'; did you mean 'small'?")
    #expect(throws: UserError.self) { try sets.expand(["int4"]) }
    #expect(try FormatSets.none.expand(["int4-g64-asym", "int4-g64"]) == ["int4-g64"])
  }

  @Test(
    arguments: [
      ("", "cannot be read"), ("sets: [", "cannot be read"), ("[1, 2]", "cannot be read"),
      ("schemaVersion: 1\nsets: {a: int4-g64}", "cannot be read"),
      ("schemaVersion: 2\nsets: {}", "schemaVersion 2"),
      ("schemaVersion: 1\nsets: {a: [int4-g65]}", "did you mean 'int4-g64'"),
    ])
  func badFilesAreOneSentence(text: String, words: String) {
    let error = #expect(throws: UserError.self) { try FormatSets(parsing: text) }
    #expect(error?.description.contains(words) == true)
  }
}
