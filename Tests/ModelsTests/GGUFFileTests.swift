import Archives
import Foundation
import Models
import Tensors
import TestSupport
import Testing
import Vocabulary

@Suite struct GGUFFileTests {
  @Test func everyKindOfMetadataIsRead() throws {
    func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
      var bytes: [UInt8] = []
      bytes.append(value)
      return bytes
    }
    var nested = little(UInt32(9)) + little(UInt64(2))
    for numbers in [[1, 2], []] as [[UInt16]] {
      nested += little(UInt32(2)) + little(UInt64(numbers.count)) + numbers.flatMap(little)
    }
    let cases: [(UInt32, [UInt8], GGUFValue)] = [
      (0, [200], .integer(200)), (1, [200], .integer(-56)),
      (2, little(UInt16(65000)), .integer(65000)),
      (3, little(Int16(-3)), .integer(-3)), (4, little(UInt32.max), .integer(4_294_967_295)),
      (5, little(Int32(-7)), .integer(-7)), (6, little(Float(1.5).bitPattern), .number(1.5)),
      (7, [1], .bool(true)), (10, little(UInt64(1) << 40), .integer(1 << 40)),
      (10, little(UInt64.max), .integer(.max)), (11, little(Int64.min), .integer(.min)),
      (12, little(Double(-0.1).bitPattern), .number(-0.1)),
      (9, little(UInt32(5)) + little(UInt64(2)) + little(Int64(9)), .list(count: 2)),
      (9, nested, .list(count: 2)),
    ]
    for version in [2, 3] as [UInt32] {
      var writer = GGUFWriter(version: version)
      for (index, item) in cases.enumerated() {
        writer.metadata.append(("k\(index)", .raw(item.0, item.1)))
      }
      writer.metadata.append(("text", .string("Größe")))
      writer.metadata.append(("texts", .strings(["", "Ġa", "b"])))
      try withFile(writer.bytes()) { path in
        let metadata = try GGUFFile(path).metadata
        for (index, item) in cases.enumerated() { #expect(metadata["k\(index)"] == item.2) }
        #expect(metadata["text"] == .string("Größe"))
        #expect(metadata["texts"] == .strings(["", "Ġa", "b"]))
        #expect(metadata.count == cases.count + 2)
      }
    }
  }

  @Test func shippedWeightsAreDequantizedToTheSameBits() throws {
    let file = try GGUFFile(Fixtures.path("smollm2/original.gguf"))
    for (name, array) in try NPZ.read(Fixtures.path("references/dequantize.npz")) {
      let entry = try #require(file.entries.first { $0.name == name })
      let actual = try file.tensor(entry).floats().prefix(array.count)
      #expect(
        actual.map(\.bitPattern) == array.floats().map(\.bitPattern), "\(name) \(entry.type.name)")
    }
  }

  /// Blocks with every nibble, and halves that are normal, subnormal and negative.
  @Test func blocksFollowTheirFormula() throws {
    let halves: [Float16] = [0.5, -1.25, 6e-8, 0]
    let nibbles = (0..<16).map { UInt8($0 | (15 - $0) << 4) }
    var bytes: [String: [UInt8]] = [:]
    var expected: [String: [Float]] = [:]
    for d in halves {
      let m: Float16 = 0.75
      bytes["Q4_0", default: []].append(d.bitPattern)
      bytes["Q4_0", default: []] += nibbles
      bytes["Q4_1", default: []].append(d.bitPattern)
      bytes["Q4_1", default: []].append(m.bitPattern)
      bytes["Q4_1", default: []] += nibbles
      bytes["Q8_0", default: []].append(d.bitPattern)
      bytes["Q8_0", default: []] += (0..<32).map { UInt8(bitPattern: Int8($0 * 8 - 128)) }
      let codes = (0..<16).map(Float.init) + (0..<16).reversed().map(Float.init)
      expected["Q4_0", default: []] += codes.map { Float(d) * ($0 - 8) }
      expected["Q4_1", default: []] += codes.map { Float(d) * $0 + Float(m) }
      expected["Q8_0", default: []] += (0..<32).map { Float(d) * Float($0 * 8 - 128) }
    }
    let values: [Float] = (0..<128).map { Float($0 - 64) / 8 }
    for value in values {
      bytes["F32", default: []].append(value.bitPattern)
      bytes["F16", default: []].append(Float16(value).bitPattern)
      bytes["BF16", default: []].append(UInt16(truncatingIfNeeded: value.bitPattern >> 16))
    }
    for name in ["F32", "F16", "BF16"] { expected[name] = values }
    // Alignment 1 puts the tensors at odd addresses.
    for alignment in [32, 1] {
      var writer = GGUFWriter(alignment: alignment)
      writer.metadata = [("general.alignment", .uint32(UInt32(alignment))), ("x", .bool(true))]
      for (name, bytes) in bytes.sorted(by: { $0.key < $1.key }) {
        let type = try #require(GGUFTensorType.all.first { $0.name == name })
        writer.tensors.append(.init(name: name, shape: [2, 64], type: type.number, bytes: bytes))
      }
      try withFile(writer.bytes()) { path in
        let file = try GGUFFile(path)
        #expect(file.entries.count == 6)
        for entry in file.entries {
          let tensor = try file.tensor(entry)
          #expect(tensor.shape == [2, 64])
          #expect(try tensor.floats() == expected[entry.name], "\(entry.name)")
        }
      }
    }
  }

  @Test func singlesStayInTheFile() throws {
    let file = try GGUFFile(Fixtures.path("smollm2/permuted.gguf"))
    let entry = try #require(file.entries.first { $0.name == "token_embd.weight" })
    let tensor = try file.tensor(entry)
    #expect(tensor.byteCount == 113_246_208)
    try tensor.withBytes {
      #expect($0.baseAddress == UnsafeRawPointer(file.file.base + entry.range.lowerBound))
    }
  }

  @Test func damageIsOneClearSentence() throws {
    let values = [UInt8](repeating: 0, count: 128)
    func file(_ change: (inout GGUFWriter) -> Void) -> [UInt8] {
      var writer = GGUFWriter()
      writer.metadata = [("a", .bool(true))]
      writer.tensors = [
        .init(name: "t", shape: [32], type: 0, bytes: values),
        .init(name: "u", shape: [32], type: 0, bytes: values),
      ]
      change(&writer)
      return writer.bytes()
    }
    let cases: [([UInt8], String)] = [
      (Array("GGUX".utf8) + values, "does not begin like a GGUF"),
      (file { $0.version = 1 }, "version 1"),
      (file { $0.version = UInt32(3).byteSwapped }, "big-endian"),
      (Array(file { _ in }.dropLast()), "'u' does not lie inside the file"),
      (file { $0.tensors[1].name = "t" }, "two tensors named 't'"),
      (file { $0.metadata.append(("a", .bool(true))) }, "'a' twice"),
      (file { $0.tensors[1].offset = 32 }, "'t' and 'u' overlap"),
      (file { $0.tensors[1].offset = .max }, "does not lie inside"),
      (file { $0.tensors[0].type = 99 }, "unknown type 99"),
      (file { $0.tensors[0].shape = [8, 4, 1, 1, 1] }, "5 axes"),
      (file { $0.tensors[0].shape = [1 << 40, 1 << 40] }, "impossible shape"),
      (file { $0.tensors[0].shape = [0] }, "impossible shape"),
      (
        file {
          $0.tensors[0].shape = [33]; $0.tensors[0].type = 3
        }, "no whole number of blocks"
      ),
      (file { $0.metadata.append(("b", .raw(77, []))) }, "unknown type 77"),
      (file { $0.metadata.append(("general.alignment", .uint32(24))) }, "alignment"),
      (
        file { $0.metadata.append(("b", .raw(8, [255, 255, 255, 255, 255, 255, 255, 127]))) },
        "bytes in a text"
      ),
      (
        file { $0.metadata.append(("b", .raw(9, [8, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0]))) },
        "texts in a list"
      ),
    ]
    for (bytes, words) in cases {
      try withFile(bytes) { path in
        let said = try #require(sentence { try GGUFFile(path) }, "accepted: \(words)")
        #expect(said.contains(words), "\(said)")
        #expect(!said.contains("\n"))
      }
    }
  }
}
