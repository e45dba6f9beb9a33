import Archives
import Foundation
import Models
import Tensors
import TestSupport
import Testing
import Vocabulary

@Suite struct GGUFModelTests {
  /// The references are numpy's, in float64, on the same dequantized weights.
  @Test(arguments: [
    ("original", "smollm2", "logits"), ("permuted", "smollm2", "logits_permuted"),
    ("small-f16", "small-f16", "logits"), ("small-untied", "small-untied", "logits"),
  ])
  func logitsAgreeWithTheReference(model: String, reference: String, key: String) throws {
    let graph = try GGUFModel.load(Fixtures.path("smollm2/\(model).gguf"))
    let arrays = try NPZFile(Fixtures.path("references/\(reference).npz"))
    let ids = try arrays.array("ids").int64s()
    let logits = try Executor(graph).run(["input_ids": Tensor(ids, shape: [1, ids.count])])
    let expected = try arrays.array(key)
    #expect(logits.shape == [1] + expected.shape)
    #expect(relativeDifference(try logits.floats(), expected.floats()) < 1e-4)
  }

  @Test func smolLM2HasItsLayers() throws {
    let path = try Fixtures.path("smollm2/original.gguf")
    let graph = try ModelLoader.load(path)
    #expect(graph.architecture == "llama")
    #expect(graph.head == .tokens)
    #expect(graph.maximumLength == 8192)
    #expect(graph.files == [path])
    #expect(graph.layers.count == 211)
    #expect(graph.layers.map(\.layer.shape.count).reduce(0, +) == 134_479_872)
    // The token table is the head as well: one layer, two uses.
    let table = graph.layers[0]
    #expect(table.layer.name == "token_embd")
    #expect(table.layer.tensor == "token_embd.weight")
    #expect(table.layer.kind == .embedding)
    #expect(table.uses == [0, graph.nodes.count - 1])
    let query = graph.layers[1].layer
    #expect(query.name == "blk.0.attn_q" && query.tensor == "blk.0.attn_q.weight")
    #expect(query.shape == WeightShape(rows: 576, columns: 576))
    #expect(graph.skipped.count == 61)
    #expect(graph.parameters.map(\.storedBytes).reduce(0, +) == 96_576_768)
  }

  @Test func namesTellWhereTheWeightsComeFrom() throws {
    func name(_ file: String) throws -> String {
      try GGUFModel.load(Fixtures.path("smollm2/\(file).gguf")).name
    }
    #expect(try name("original").hasSuffix("(weights dequantized from Q4_1, Q8_0)"))
    #expect(try name("permuted") == "SmolLM2-135M dequantized from Q4_1, permuted")
    var writer = GGUFWriter.tinyLlama()
    writer.metadata.append(("general.name", .string("tiny")))
    writer.metadata.append(("bitbudget.note", .string("permuted; and checked")))
    let noted = try withFile(writer.bytes()) { try GGUFModel.load($0).name }
    #expect(noted == "tiny (permuted)")
  }

  @Test func tokenizersAreRead() throws {
    let graph = try GGUFModel.load(Fixtures.path("smollm2/original.gguf"))
    let tokenizer = try #require(graph.tokenizer)
    guard case .byteLevelBPE(let merges, .smollm) = tokenizer.model else {
      Issue.record("not SmolLM's kind")
      return
    }
    #expect(merges.prefix(3) == ["Ġ t", "Ġ a", "i n"])
    #expect(merges.count == 48_900)
    #expect(tokenizer.vocabulary.count == 49_152)
    #expect(tokenizer.vocabulary[1] == "<|im_start|>")
    #expect(tokenizer.prefix.isEmpty && tokenizer.suffix.isEmpty && tokenizer.normalizer == nil)

    func read(pre: String?) throws -> TokenizerDescription? {
      var writer = GGUFWriter.tinyLlama()
      writer.metadata += [
        ("tokenizer.ggml.model", .string("gpt2")), ("tokenizer.ggml.tokens", .strings(["a", "b"])),
        ("tokenizer.ggml.merges", .strings(["a b"])), ("tokenizer.ggml.add_bos_token", .bool(true)),
        ("tokenizer.ggml.bos_token_id", .uint32(1)),
      ]
      if let pre { writer.metadata.append(("tokenizer.ggml.pre", .string(pre))) }
      return try withFile(writer.bytes()) { try GGUFModel.load($0).tokenizer }
    }
    let plain = TokenizerDescription(
      model: .byteLevelBPE(merges: ["a b"], preTokenizer: .gpt2), vocabulary: ["a", "b"],
      normalizer: nil, prefix: [1], suffix: [])
    #expect(try read(pre: nil) == plain)
    #expect(try read(pre: "gpt-2") == plain)
    #expect(try read(pre: "qwen2") == nil)
  }

  @Test func whatIsNotSupportedIsSaid() throws {
    let cases: [((inout GGUFWriter) -> Void, String)] = [
      (
        { $0["general.architecture"] = .string("mamba") },
        "'mamba', which is not supported; there are: llama"
      ),
      ({ $0["llama.rope.scaling.type"] = .string("yarn") }, "scales its rotary"),
      ({ $0["llama.expert_count"] = .uint32(8) }, "mixture of experts"),
      ({ $0["llama.rope.dimension_count"] = .uint32(2) }, "rope.dimension_count"),
      ({ $0["llama.attention.head_count"] = .uint32(0) }, "impossible value 0"),
      ({ $0["llama.attention.head_count"] = .string("two") }, "not a whole number"),
      ({ $0["llama.attention.head_count_kv"] = .uint32(3) }, "cannot share 3"),
      ({ $0["llama.rope.freq_base"] = .float32(.nan) }, "rotary base"),
      ({ $0["llama.block_count"] = .uint32(2) }, "no tensor 'blk.1.attn_norm.weight'"),
      ({ $0["llama.embedding_length"] = nil }, "lacks 'llama.embedding_length'"),
      ({ $0["llama.feed_forward_length"] = .uint32(24) }, "asks for [24, 8]"),
      (
        {
          $0.tensors.append(
            .init(
              name: "rope_freqs.weight", shape: [2], type: 0, bytes: .init(repeating: 0, count: 8)))
        },
        "scales its rotary"
      ),
      (
        {
          $0.tensors.append(
            .init(name: "blk.0.extra", shape: [2], type: 0, bytes: .init(repeating: 0, count: 8)))
        },
        "'blk.0.extra' that the llama network here does not use"
      ),
      (
        {
          $0.tensors.append(
            .init(name: "odd", shape: [256], type: 22, bytes: .init(repeating: 0, count: 82)))
        },
        "stored as IQ2_S, which is not supported"
      ),
    ]
    try withFile(GGUFWriter.tinyLlama().bytes()) { _ = try GGUFModel.load($0) }
    for (change, words) in cases {
      var writer = GGUFWriter.tinyLlama()
      change(&writer)
      try withFile(writer.bytes()) { path in
        let said = try #require(sentence { try GGUFModel.load(path) }, "accepted: \(words)")
        #expect(said.contains(words), "\(said)")
      }
    }
  }
}

extension GGUFWriter {
  /// A metadata value by key.
  subscript(key: String) -> Value? {
    get { metadata.first { $0.key == key }?.value }
    set {
      metadata.removeAll { $0.key == key }
      if let newValue { metadata.append((key, newValue)) }
    }
  }

  /// A llama model of one block with zero weights.
  static func tinyLlama() -> GGUFWriter {
    var writer = GGUFWriter()
    writer.metadata = [
      ("general.architecture", .string("llama")), ("llama.block_count", .uint32(1)),
      ("llama.embedding_length", .uint32(8)), ("llama.feed_forward_length", .uint32(16)),
      ("llama.attention.head_count", .uint32(2)), ("llama.attention.head_count_kv", .uint32(1)),
    ]
    let shapes: [(String, [Int])] = [
      ("token_embd", [5, 8]), ("blk.0.attn_norm", [8]), ("blk.0.attn_q", [8, 8]),
      ("blk.0.attn_k", [4, 8]), ("blk.0.attn_v", [4, 8]), ("blk.0.attn_output", [8, 8]),
      ("blk.0.ffn_norm", [8]), ("blk.0.ffn_gate", [16, 8]), ("blk.0.ffn_up", [16, 8]),
      ("blk.0.ffn_down", [8, 16]), ("output_norm", [8]),
    ]
    writer.tensors = shapes.map { name, shape in
      TensorData(
        name: "\(name).weight", shape: shape, type: 0,
        bytes: [UInt8](repeating: 0, count: 4 * shape.reduce(1, *)))
    }
    return writer
  }
}
