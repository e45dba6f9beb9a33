import Archives
import Foundation
import Models
import Tensors
import TestSupport
import Testing
import Vocabulary

@Suite struct SafetensorsTests {
  @Test func minilmIsRead() throws {
    let file = try SafetensorsFile(Fixtures.path("minilm/model.safetensors"))
    #expect(file.entries.count == 104)
    #expect(file.entries.map(\.range.lowerBound) == file.entries.map(\.range.lowerBound).sorted())
    #expect(file.entries.last?.range.upperBound == file.file.count)
    let table = try #require(file.entries.first { $0.name == "embeddings.word_embeddings.weight" })
    #expect(table.shape == [30522, 384])
    #expect(table.type == .float32)
    #expect(table.range.count == 46_881_792)
  }

  @Test func everyElementTypeIsKnown() throws {
    let types = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"]
    let sizes = [8, 4, 2, 2, 8, 4, 2, 1, 1, 1]
    var writer = SafetensorsWriter()
    for (type, size) in zip(types, sizes) {
      writer.tensors.append(
        .init(name: type, type: type, shape: [2, 3], bytes: .init(repeating: 0, count: 6 * size)))
    }
    writer.tensors.append(.init(name: "empty", type: "F32", shape: [0, 3], bytes: []))
    writer.tensors.append(.init(name: "scalar", type: "I8", shape: [], bytes: [1]))
    try withFile(writer.bytes()) { path in
      let entries = try SafetensorsFile(path).entries
      #expect(entries.count == 12)
      for (type, size) in zip(types, sizes) {
        let entry = try #require(entries.first { $0.name == type })
        #expect(entry.type.rawValue == type && entry.type.size == size)
        #expect(entry.range.count == 6 * size)
      }
    }
  }

  @Test func damageIsOneClearSentence() throws {
    let data = [UInt8](repeating: 0, count: 16)
    func tensor(_ type: String, _ shape: String, _ offsets: String) -> String {
      #""t":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }
    let cases: [(String, String)] = [
      (tensor("F8_E4M3", "[16]", "[0,16]"), "'t' has the element type 'F8_E4M3'"),
      (tensor("F32", "[4]", "[0,17]"), "does not lie inside the file"),
      (tensor("F32", "[4]", "[8,0]"), "does not lie inside the file"),
      (tensor("F32", "[4]", "[-16,0]"), "does not lie inside the file"),
      (tensor("F32", "[4]", "[0]"), "does not lie inside the file"),
      (tensor("F32", "[3]", "[0,16]"), "has 16 bytes where its shape [3] asks for 12"),
      (tensor("F32", "[-4]", "[0,16]"), "impossible shape"),
      (tensor("F32", "[4611686018427387904,4611686018427387904]", "[0,16]"), "impossible shape"),
      (tensor("F32", "[1.5]", "[0,16]"), "not the JSON"),
      (#""t":{"dtype":"F32","shape":[4]}"#, "describes the tensor 't'"),
      (#""t":7"#, "describes the tensor 't'"),
      (
        tensor("U8", "[9]", "[0,9]") + ","
          + tensor("U8", "[8]", "[8,16]").replacing("t\":{", with: "u\":{"),
        "'t' and 'u' overlap"
      ),
      ("\"t\":", "not the JSON"),
    ]
    for (json, words) in cases {
      try withFile(SafetensorsWriter.file(header: Array("{\(json)}".utf8), data: data)) { path in
        let said = try #require(sentence { try SafetensorsFile(path) }, "accepted: \(words)")
        #expect(said.contains(words), "\(said)")
        #expect(!said.contains("\n"))
      }
    }
    for bytes in [[1, 2, 3], [255, 255, 255, 255, 255, 255, 255, 255, 123], data] as [[UInt8]] {
      try withFile(bytes) { path in
        #expect(sentence { try SafetensorsFile(path) }?.contains("does not begin like") == true)
      }
    }
  }

  /// Two thousand damaged files either work or fail with a sentence.
  @Test func damagedFilesNeverCrash() throws {
    var refused = 0
    try withScratchDirectory { directory in
      try TinyLlama().write(to: directory)
      let url = URL(fileURLWithPath: "\(directory)/model.safetensors")
      let original = Array(try Data(contentsOf: url))
      let header = Int(try MappedFile(url.path).integer(UInt64.self, at: 0)) + 8
      for job in 0..<2_000 {
        var generator = SplitMix64(seed: 11, job: job)
        try Data(mutated(original, header: header, &generator)).write(to: url)
        do {
          let executor = Executor(try ModelLoader.load(directory))
          for parameter in executor.graph.parameters { _ = try executor.parameter(parameter.value) }
          _ = try executor.run(["input_ids": Tensor([1, 2, 0] as [Int64], shape: [1, 3])])
        } catch let error where error is FileError || error is UserError {
          refused += 1
          #expect(!"\(error)".contains("\n"), "job \(job): \(error)")
        } catch {
          Issue.record("job \(job): \(error)")
        }
      }
    }
    #expect((500..<2_000).contains(refused))
  }
}
