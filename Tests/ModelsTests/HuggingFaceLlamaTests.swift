import Archives
import Foundation
import Models
import Tensors
import TestSupport
import Testing
import Vocabulary

@Suite struct HuggingFaceLlamaTests {
  /// The same weights in both layouts: rotary pairs are neighbours in GGUF, halves in Hugging Face.
  @Test func bothFrontEndsAgree() throws {
    let path = try Fixtures.path("smollm2/small-untied.gguf")
    let arrays = try NPZFile(Fixtures.path("references/small-untied.npz"))
    let ids = try arrays.array("ids").int64s()
    let inputs = ["input_ids": Tensor(ids, shape: [1, ids.count])]
    let expected = try Executor(GGUFModel.load(path)).run(inputs).floats()
    try withScratchDirectory { directory in
      try TinyLlama(converting: GGUFFile(path)).write(to: directory)
      let logits = try Executor(HuggingFaceModel.load(directory)).run(inputs).floats()
      #expect(relativeDifference(logits, expected) < 1e-5)
      #expect(relativeDifference(logits, try arrays.array("logits").floats()) < 1e-4)
    }
  }

  @Test func layersCarryTheModulesNames() throws {
    try withScratchDirectory { directory in
      let model = TinyLlama()
      try model.write(to: directory)
      let graph = try HuggingFaceModel.load(directory)
      #expect(
        graph.layers.map(\.layer.name) == [
          "model.embed_tokens", "model.layers.0.self_attn.q_proj",
          "model.layers.0.self_attn.k_proj",
          "model.layers.0.self_attn.v_proj", "model.layers.0.self_attn.o_proj",
          "model.layers.0.mlp.gate_proj", "model.layers.0.mlp.up_proj",
          "model.layers.0.mlp.down_proj", "lm_head",
        ])
      #expect(graph.layers.allSatisfy { $0.layer.tensor == $0.layer.name + ".weight" })
      #expect(graph.head == .tokens && graph.architecture == "llama")
      #expect(graph.maximumLength == 64)
      #expect(graph.files == ["\(directory)/model.safetensors"])
      #expect(
        graph.skipped.map(\.tensor) == [
          "model.layers.0.input_layernorm.weight", "model.layers.0.post_attention_layernorm.weight",
          "model.norm.weight",
        ])
    }
  }

  @Test func shardsTiesAndHalvesGiveTheSameNetwork() throws {
    let inputs = ["input_ids": Tensor([0, 3, 1, 4] as [Int64], shape: [1, 4])]
    func run(_ model: TinyLlama, type: String = "F32", shards: Int = 1) throws -> [Float] {
      try withScratchDirectory { directory in
        try model.write(to: directory, type: type, shards: shards)
        let graph = try ModelLoader.load(directory + "/")
        #expect(graph.files.count == shards)
        return try Executor(graph).run(inputs).floats()
      }
    }
    let model = TinyLlama()
    #expect(try run(model, shards: 3) == run(model))

    var tied = model
    tied.configuration["tie_word_embeddings"] = true
    tied.tensors.removeValue(forKey: "lm_head.weight")
    var copied = model
    copied.tensors["lm_head.weight"] = model.tensors["model.embed_tokens.weight"]
    #expect(try run(tied) == run(copied))

    for (type, rounded) in [
      ("F16", { Float(Float16($0)) }), ("BF16", { Float(bitPattern: $0.bitPattern & 0xffff_0000) }),
    ] as [(String, (Float) -> Float)] {
      var coarse = model
      for (name, tensor) in model.tensors {
        coarse.tensors[name]?.values = tensor.values.map(rounded)
      }
      #expect(try run(model, type: type) == run(coarse), "\(type)")
    }
  }

  @Test func newSpellingsOfTheConfigurationAreRead() throws {
    func base(_ change: (inout TinyLlama) -> Void) throws -> [Double] {
      var model = TinyLlama()
      change(&model)
      return try withScratchDirectory { directory in
        try model.write(to: directory)
        return try HuggingFaceModel.load(directory).nodes.compactMap {
          ($0.operation as? RotaryEmbedding)?.base
        }
      }
    }
    #expect(try base { $0.configuration["rope_theta"] = 500 } == [500, 500])
    #expect(try base { $0.configuration["rope_theta"] = nil } == [10_000, 10_000])
    #expect(
      try base {
        $0.configuration["rope_theta"] = nil
        $0.configuration["rope_parameters"] = ["rope_theta": 300, "rope_type": "default"]
      } == [300, 300])
  }

  @Test func whatIsNotSupportedIsSaid() throws {
    let cases: [((inout TinyLlama) -> Void, String)] = [
      (
        { $0.configuration["model_type"] = "mamba" },
        "'mamba', which is not supported; there are: bert, llama"
      ),
      ({ $0.configuration["model_type"] = nil }, "'(none)', which is not supported"),
      ({ $0.configuration["rope_scaling"] = ["type": "linear", "factor": 2] }, "rope_scaling"),
      ({ $0.configuration["hidden_act"] = "gelu" }, "hidden_act 'gelu'"),
      ({ $0.configuration["hidden_size"] = nil }, "lacks 'hidden_size'"),
      ({ $0.configuration["hidden_size"] = "8" }, "'hidden_size' is not what it should be"),
      (
        { $0.configuration["num_hidden_layers"] = 2 },
        "no tensor 'model.layers.1.input_layernorm.weight'"
      ),
      ({ $0.configuration["num_attention_heads"] = -2 }, "impossible value -2"),
      ({ $0.configuration["head_dim"] = 3 }, "odd width 3"),
      ({ $0.configuration["intermediate_size"] = 24 }, "asks for [24, 8]"),
      ({ $0.tensors.removeValue(forKey: "lm_head.weight") }, "no tensor 'lm_head.weight'"),
      ({ $0.tensors["model.odd"] = $0.tensors["model.norm.weight"] }, "'model.odd' that the llama"),
    ]
    for (change, words) in cases {
      var model = TinyLlama()
      change(&model)
      try withScratchDirectory { directory in
        try model.write(to: directory)
        let said = try #require(sentence { try ModelLoader.load(directory) }, "accepted: \(words)")
        #expect(said.contains(words), "\(said)")
      }
    }
  }

  @Test func notANumberInTheWeightsIsSaid() throws {
    for value in [Float.nan, .infinity] {
      var model = TinyLlama()
      model.tensors["model.layers.0.mlp.up_proj.weight"]?.values[5] = value
      try withScratchDirectory { directory in
        try model.write(to: directory)
        let executor = Executor(try HuggingFaceModel.load(directory))
        let said = sentence {
          try executor.run(["input_ids": Tensor([1] as [Int64], shape: [1, 1])])
        }
        #expect(said == "the tensor 'model.layers.0.mlp.up_proj.weight' holds a NaN or an infinity")
      }
    }
  }

  @Test func unknownPathsAreSaid() throws {
    #expect(
      sentence { try ModelLoader.load("no/such/model") } == "there is no model 'no/such/model'")
    try withScratchDirectory { directory in
      #expect(sentence { try ModelLoader.load(directory) }?.contains("no config.json") == true)
      try TinyLlama().write(to: directory)
      let weights = "\(directory)/model.safetensors"
      #expect(
        sentence { try ModelLoader.load(weights) }?.contains("holds weights but no network") == true
      )
      try FileManager.default.removeItem(atPath: weights)
      #expect(
        sentence { try ModelLoader.load(directory) }?.contains("no model.safetensors") == true)
    }
    try withFile(Array("plain text".utf8), name: "model.txt") { path in
      #expect(sentence { try ModelLoader.load(path) }?.contains("is of no known kind") == true)
    }
    try withFile(Array("plain text".utf8), name: "model.gguf") { path in
      #expect(
        sentence { try ModelLoader.load(path) }?.contains("does not begin like a GGUF") == true)
    }
    let renamed = try withFile(GGUFWriter.tinyLlama().bytes(), name: "model.bin") { path in
      try ModelLoader.load(path)
    }
    #expect(renamed.architecture == "llama")
  }
}
