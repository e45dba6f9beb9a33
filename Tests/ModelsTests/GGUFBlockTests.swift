import Archives
import Models
import Quantization
import Tensors
import TestSupport
import Testing
import Vocabulary

/// Every block type that is read, against the `gguf` package (`Tests/Fixtures/blocks.py`).
@Suite struct GGUFBlockTests {
  private static let types = GGUFTensorType.all.filter { $0.isReadable && $0.elements > 1 }

  @Test(arguments: types)
  func blocksAreDequantizedToTheSameBits(type: GGUFTensorType) throws {
    let reference = try NPZFile(Fixtures.path("blocks/\(type.name).npz"))
    let packed = try reference.array("packed").bytes
    let expected = try reference.array("value").floats()
    let blocks = packed.count / type.bytes
    var writer = GGUFWriter()
    writer.tensors = [
      .init(name: "w", shape: [blocks, type.elements], type: type.number, bytes: packed)
    ]
    try withFile(writer.bytes()) { path in
      let file = try GGUFFile(path)
      let value = try file.tensor(#require(file.entries.first)).floats()
      #expect(value.count == expected.count)
      let wrong = value.indices.filter { value[$0].bitPattern != expected[$0].bitPattern }
      #expect(wrong.isEmpty, "\(wrong.count) of \(value.count), the first at \(wrong.first ?? 0)")
    }
  }

  /// What is written in a file is what was measured.
  @Test(arguments: GGMLFormat.allCases)
  func whatGGMLRoundsIsReadAsItRoundsIt(format: GGMLFormat) throws {
    _ = try #require(LlamaCPP.ggml, "make fixtures")
    let array = try NPZFile(Fixtures.path("formats/weights.npz")).array("weights")
    let shape = WeightShape(rows: array.shape[0], columns: array.shape[1])
    let expected = try format.roundTrip(array.floats(), shape: shape)
    var writer = GGUFWriter()
    writer.tensors = [
      .init(
        name: "w", shape: array.shape, type: format.number,
        bytes: try format.pack(array.floats(), shape: shape))
    ]
    try withFile(writer.bytes()) { path in
      let file = try GGUFFile(path)
      let value = try file.tensor(#require(file.entries.first)).floats()
      let wrong = value.indices.filter { value[$0].bitPattern != expected[$0].bitPattern }
      #expect(wrong.isEmpty, "\(wrong.count) of \(value.count), the first at \(wrong.first ?? 0)")
    }
  }

  @Test func whatIsReadIsWhatIsSaid() {
    let readable = GGUFTensorType.all.filter(\.isReadable).map(\.name)
    #expect(
      readable == [
        "F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K",
        "Q6_K", "IQ4_NL", "IQ4_XS", "BF16", "TQ1_0", "TQ2_0", "MXFP4", "NVFP4",
      ])
  }
}
