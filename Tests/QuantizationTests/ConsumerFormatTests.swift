import Archives
import Quantization
import TestSupport
import Testing
import Vocabulary

/// The consumers' formats against the packages that define them (`Tests/Fixtures/formats.py`).
@Suite struct ConsumerFormatTests {
  /// Those that are rounded here; ggml's own types have tests of their own.
  static let packed = Formats.all.filter { $0 is any PackedFormat && !($0 is GGMLFormat) }
    .map(\.name)

  private func format(_ name: String) throws -> any PackedFormat {
    try #require(Formats.named(name) as? any PackedFormat)
  }

  private func weights() throws -> ([Float], WeightShape) {
    let array = try NPZFile(Fixtures.path("formats/weights.npz")).array("weights")
    return (array.floats(), WeightShape(rows: array.shape[0], columns: array.shape[1]))
  }

  @Test(arguments: packed)
  func valuesAreThoseOfTheDefiningPackage(name: String) throws {
    let (weights, shape) = try weights()
    let expected = try NPZFile(Fixtures.path("formats/\(name).npz")).array("value").floats()
    let value = try format(name).roundTrip(weights, shape: shape)
    let wrong = value.indices.filter { value[$0].bitPattern != expected[$0].bitPattern }
    let examples = wrong.prefix(4).map { k in
      "row \(k / shape.columns): \(weights[k]) is \(value[k]), not \(expected[k])"
    }
    #expect(wrong.isEmpty, "\(wrong.count): \(examples)")
  }

  @Test(arguments: packed)
  func bytesAreThoseOfTheDefiningPackage(name: String) throws {
    let (weights, shape) = try weights()
    let expected = try NPZFile(Fixtures.path("formats/\(name).npz")).array("packed").bytes
    let packed = try format(name).pack(weights, shape: shape)
    #expect(packed.count == expected.count)
    let wrong = zip(packed, expected).enumerated().filter { $0.element.0 != $0.element.1 }
    #expect(wrong.isEmpty, "\(wrong.count), the first at \(wrong.first?.offset ?? 0)")
  }

  @Test(arguments: Float8Format.all)
  func eightBitFloatsAreThoseOfTheDefiningPackage(format: Float8Format) throws {
    let (weights, shape) = try weights()
    let file = try NPZFile(Fixtures.path("formats/\(format.name).npz"))
    let expected = try file.array("value").floats()
    if format.granularity == .unscaled {
      let largest = try #require(try file.array("largest").floats().first)
      let held = weights.map { max(-largest, min(largest, $0)) }
      #expect(try bits(format.roundTrip(held, shape: shape)) == bits(expected))
      var weights = held
      weights[7] = largest * 1.25
      #expect(throws: UserError.self) { try format.roundTrip(weights, shape: shape) }
      return
    }
    // A zero over a scale has no sign here.
    let value = try format.roundTrip(weights, shape: shape)
    #expect(bits(value.map { $0 + 0 }) == bits(expected.map { $0 + 0 }))
  }

  @Test(arguments: NormalFloatFormat.all)
  func quantilesOfABellAreThoseOfTheDefiningRules(format: NormalFloatFormat) throws {
    let (weights, shape) = try weights()
    let expected = try NPZFile(Fixtures.path("formats/\(format.name).npz")).array("value").floats()
    let value = try format.roundTrip(weights, shape: shape)
    #expect(bits(value.map { $0 + 0 }) == bits(expected.map { $0 + 0 }))
    // The grid's own numbers stay.
    if !format.doubleQuantization {
      let grid = try NPZFile(Fixtures.path("formats/nf4-g64.npz")).array("grid").floats()
      let row = grid + grid + grid + grid
      #expect(try format.roundTrip(row, shape: WeightShape(rows: 1, columns: 64)) == row)
    }
  }

  @Test(arguments: packed)
  func partsHaveTheBytesThatAreCounted(name: String) throws {
    let format = try format(name)
    for (rows, columns) in [(1, 128), (3, 256), (24, 1280)] {
      let shape = WeightShape(rows: rows, columns: columns)
      guard format.refusal(of: shape) == nil else { continue }
      let parts = format.parts(of: shape)
      #expect(parts.reduce(0) { $0 + $1.bytes } == format.bytes(of: shape))
      #expect(Set(parts.map(\.name)).count == parts.count)
      #expect(parts.allSatisfy { $0.rows == rows || $0.name == "global_scale" })
    }
  }

  @Test func bitsPerWeightAreTheKnownOnes() throws {
    let shape = WeightShape(rows: 512, columns: 4096)
    let known: [(String, Double)] = [
      ("q4_0", 4.5), ("q4_1", 5), ("q5_0", 5.5), ("q5_1", 6), ("q8_0", 8.5), ("mxfp4", 4.25),
      ("tq1_0", 1.6875), ("tq2_0", 2.0625), ("mlx4-g64", 4.5), ("mlx3-g32", 4), ("mlx8-g128", 8.25),
      ("q2_k", 2.625), ("q3_k", 3.4375), ("q4_k", 4.5), ("q5_k", 5.5), ("q6_k", 6.5625),
      ("iq4_nl", 4.5), ("iq4_xs", 4.25), ("mlx-mxfp4", 4.25), ("mlx-nvfp4", 4.5), ("mxfp8", 8.25),
      ("nvfp4", 4.5 + 32.0 / (512 * 4096)), ("fp8-e4m3", 8),
      ("fp8-e5m2-channel", 8 + 32.0 / 4096), ("nf4-g64", 4.5),
      ("nf4-g64-dq256", 4.126953125 + 32.0 / (512 * 4096)),
    ]
    for (name, bits) in known { #expect(try Formats.named(name).bitsPerWeight(of: shape) == bits) }
  }

  @Test func rowsThatBlocksDoNotDivideTakeWhatTheConsumerTakes() throws {
    func standIn(_ name: String, _ columns: Int) throws -> String? {
      try Formats.format(name, for: WeightShape(rows: 4, columns: columns))?.name
    }
    #expect(try standIn("tq1_0", 160) == "q4_0")
    #expect(try standIn("tq2_0", 9) == "fp16")
    #expect(try standIn("q8_0", 9) == "fp16")
    #expect(try standIn("mlx4-g64", 96) == "fp16")
    // As llama-quantize has it.
    let types = ["q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "iq4_xs", "iq4_nl"]
    #expect(
      try types.map { try standIn($0, 160) } == [
        "q4_0", "q4_0", "q5_0", "q5_1", "q8_0", "iq4_nl", "iq4_nl",
      ])
    #expect(try types.allSatisfy { try standIn($0, 9) == "fp16" })
    #expect(try standIn("mlx4-g32", 96) == "mlx4-g32")
    #expect(
      try Formats.named("tq1_0").refusal(of: WeightShape(rows: 4, columns: 160))
        == "its rows of 160 weights are not a multiple of the block size 256")
  }

  @Test(arguments: packed)
  func whatHalvesCannotHoldIsRefused(name: String) throws {
    let format = try format(name)
    let shape = WeightShape(rows: 1, columns: 256)
    var weights = bell(shape.count, width: 1, seed: 2)
    weights[17] = 3e7
    if name.hasSuffix("fp4") || name == "mxfp8" {  // such scales reach everywhere
      #expect(try format.roundTrip(weights, shape: shape).allSatisfy(\.isFinite))
      return
    }
    let first = #expect(throws: UserError.self) { try format.roundTrip(weights, shape: shape) }
    let second = #expect(throws: UserError.self) { try format.pack(weights, shape: shape) }
    #expect(first == second && first?.description.contains("which end at 65504") == true)
    weights[17] = .nan
    #expect(throws: UserError.self) { try format.pack(weights, shape: shape) }
  }
}
