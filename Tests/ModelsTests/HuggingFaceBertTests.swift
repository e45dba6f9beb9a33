import Archives
import Foundation
import Models
import Tensors
import TestSupport
import Testing
import Vocabulary

@Suite struct HuggingFaceBertTests {
  /// The references are numpy's, in float64.
  @Test func embeddingsAgreeWithTheReference() throws {
    let executor = Executor(try HuggingFaceModel.load(Fixtures.path("minilm")))
    let arrays = try NPZ.dictionary(Fixtures.path("references/minilm.npz"))
    for sample in 0..<8 {
      let ids = try #require(arrays["ids_\(sample)"]).int64s()
      let vector = try executor.run(inputs([ids]))
      #expect(vector.shape == [1, 384])
      let expected = try #require(arrays["embedding_\(sample)"]).floats()
      #expect(relativeDifference(try vector.floats(), expected) < 1e-4, "sample \(sample)")
    }
  }

  @Test func paddingChangesNothing() throws {
    let executor = Executor(try HuggingFaceModel.load(Fixtures.path("minilm")))
    let arrays = try NPZ.dictionary(Fixtures.path("references/minilm.npz"))
    let batch = try (0..<8).map { try #require(arrays["ids_\($0)"]).int64s() }
    let expected = try (0..<8).flatMap { try #require(arrays["embedding_\($0)"]).floats() }
    #expect(relativeDifference(try executor.run(inputs(batch)).floats(), expected) < 1e-4)
  }

  @Test func withoutPoolingTheHiddenStatesComeOut() throws {
    let arrays = try NPZ.dictionary(Fixtures.path("references/minilm.npz"))
    let ids = try #require(arrays["ids_3"]).int64s()
    try withMiniLM(files: ["config.json", "model.safetensors"]) { directory in
      let graph = try HuggingFaceModel.load(directory)
      #expect(graph.tokenizer == nil)
      let states = try Executor(graph).run(inputs([ids]))
      #expect(states.shape == [1, ids.count, 384])
      let expected = try #require(arrays["hidden_3"]).floats()
      #expect(relativeDifference(try states.floats(), expected) < 1e-4)
    }
  }

  @Test func poolingFollowsItsFiles() throws {
    let arrays = try NPZ.dictionary(Fixtures.path("references/minilm.npz"))
    let ids = try #require(arrays["ids_3"]).int64s()
    let hidden = try #require(arrays["hidden_3"]).floats()
    try withMiniLM(files: ["config.json", "model.safetensors"]) { directory in
      func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
      }
      func vector() throws -> [Float] {
        try Executor(HuggingFaceModel.load(directory)).run(inputs([ids])).floats()
      }
      try FileManager.default.createDirectory(
        atPath: "\(directory)/1_Pooling", withIntermediateDirectories: false)
      try write(#"{"pooling_mode_cls_token": true}"#, "1_Pooling/config.json")
      try write(#"[{"type": "x.Transformer"}, {"type": "x.Pooling"}]"#, "modules.json")
      let first = Array(hidden.prefix(384))
      #expect(relativeDifference(try vector(), first) < 1e-4)

      // Without a list of modules, unit vectors are the custom.
      try FileManager.default.removeItem(atPath: "\(directory)/modules.json")
      let length = first.map { Double($0) * Double($0) }.reduce(0, +).squareRoot()
      #expect(relativeDifference(try vector(), first.map { Float(Double($0) / length) }) < 1e-4)

      try write(#"[{"type": "x.Transformer"}, {"type": "x.Dense"}]"#, "modules.json")
      #expect(sentence { try HuggingFaceModel.load(directory) }?.contains("type 'Dense'") == true)
      try write(#"{"pooling_mode_max_tokens": true}"#, "1_Pooling/config.json")
      #expect(sentence { try HuggingFaceModel.load(directory) }?.contains("pools neither") == true)
    }
  }

  @Test func miniLMHasItsLayers() throws {
    let path = try Fixtures.path("minilm")
    let graph = try ModelLoader.load(path)
    #expect(graph.name == "minilm" && graph.architecture == "bert" && graph.head == .vector)
    #expect(graph.inputs.map(\.name) == ["input_ids", "attention_mask"])
    #expect(graph.maximumLength == 512)
    #expect(graph.files == ["\(path)/model.safetensors"])
    #expect(graph.layers.count == 37)
    #expect(graph.layers[0].layer.name == "embeddings.word_embeddings")
    #expect(graph.layers[0].layer.kind == .embedding)
    #expect(graph.layers[1].layer.name == "encoder.layer.0.attention.self.query")
    #expect(graph.layers[1].layer.tensor == "encoder.layer.0.attention.self.query.weight")
    #expect(graph.layers.last?.layer.name == "encoder.layer.5.output.dense")
    let skipped = Dictionary(uniqueKeysWithValues: graph.skipped.map { ($0.tensor, $0) })
    #expect(skipped["embeddings.position_embeddings.weight"]?.bytes == 786_432)
    #expect(skipped["embeddings.token_type_embeddings.weight"]?.count == 768)
    #expect(skipped["embeddings.LayerNorm.bias"]?.reason == "a vector (bias or normalisation)")
    #expect(graph.skipped.count == 64)
  }

  @Test func tooManyTokensAreSaid() throws {
    let executor = Executor(try HuggingFaceModel.load(Fixtures.path("minilm")))
    let said = sentence { try executor.run(inputs([[Int64](repeating: 100, count: 513)])) }
    #expect(said == "the data has sequences of 513 tokens, but the model takes at most 512")
  }

  @Test func wordPieceTokenizersAreRead() throws {
    let tokenizer = try #require(HuggingFaceModel.load(Fixtures.path("minilm")).tokenizer)
    #expect(tokenizer.model == .wordPiece(unknown: "[UNK]", prefix: "##", maximumWordLength: 100))
    #expect(tokenizer.vocabulary.count == 30_522)
    #expect(tokenizer.vocabulary[101] == "[CLS]")
    #expect(tokenizer.prefix == [101] && tokenizer.suffix == [102])
    #expect(
      tokenizer.normalizer
        == .init(lowercase: true, stripAccents: true, separateChinese: true, cleanText: true))
  }

  @Test func byteLevelTokenizersAreRead() throws {
    func tokenizer(
      pre: String, post: String = "null", merges: String = #"["a b"]"#, normalizer: String = "null"
    ) throws -> TokenizerDescription? {
      try withScratchDirectory { directory in
        try TinyLlama().write(to: directory)
        let text = """
          {"model": {"type": "BPE", "vocab": {"a": 0, "ab": 2, "b": 1}, "merges": \(merges)},
           "added_tokens": [{"id": 3, "content": "<s>"}], "normalizer": \(normalizer),
           "pre_tokenizer": \(pre), "post_processor": \(post)}
          """
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(directory)/tokenizer.json"))
        return try HuggingFaceModel.load(directory).tokenizer
      }
    }
    func expected(_ pre: TokenizerDescription.PreTokenizer, prefix: [Int] = [])
      -> TokenizerDescription
    {
      TokenizerDescription(
        model: .byteLevelBPE(merges: ["a b"], preTokenizer: pre),
        vocabulary: ["a", "b", "ab", "<s>"],
        normalizer: nil, prefix: prefix, suffix: [])
    }
    let plain = #"{"type": "ByteLevel", "add_prefix_space": false}"#
    let digits = """
      {"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": true}, \(plain)]}
      """
    let template = """
      {"type": "TemplateProcessing", "special_tokens": {"<s>": {"id": "<s>", "ids": [3]}},
       "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]}
      """
    #expect(try tokenizer(pre: plain) == expected(.gpt2))
    #expect(try tokenizer(pre: plain, merges: #"[["a", "b"]]"#) == expected(.gpt2))
    #expect(try tokenizer(pre: digits, post: #"{"type": "ByteLevel"}"#) == expected(.smollm))
    #expect(try tokenizer(pre: plain, post: template) == expected(.gpt2, prefix: [3]))
    #expect(try tokenizer(pre: #"{"type": "Split"}"#) == nil)
    #expect(try tokenizer(pre: plain, post: #"{"type": "Other"}"#) == nil)
    #expect(try tokenizer(pre: plain, normalizer: #"{"type": "NFC"}"#) == nil)
  }

  /// A batch, padded with zeros to its longest sample.
  private func inputs(_ samples: [[Int64]]) -> [String: Tensor] {
    let length = samples.map(\.count).max() ?? 0
    let ids = samples.flatMap { $0 + [Int64](repeating: 0, count: length - $0.count) }
    let mask = samples.flatMap { sample in (0..<length).map { $0 < sample.count ? 1 : 0 as Int64 } }
    return [
      "input_ids": Tensor(ids, shape: [samples.count, length]),
      "attention_mask": Tensor(mask, shape: [samples.count, length]),
    ]
  }

  /// A directory with some of MiniLM's files.
  private func withMiniLM(files: [String], _ body: (String) throws -> Void) throws {
    let source = try Fixtures.path("minilm")
    try withScratchDirectory { directory in
      for file in files {
        try FileManager.default.createSymbolicLink(
          atPath: "\(directory)/\(file)", withDestinationPath: "\(source)/\(file)")
      }
      try body(directory)
    }
  }
}
