import Export
import Testing
import Vocabulary

/// What the files of single consumers look like, to the letter where the consumer is particular.
@Suite struct ConsumerFileTests {
  private func recipe(
    _ id: String, _ layers: [(String, String)], path: String = "p", architecture: String = "llama"
  )
    throws -> Recipe
  {
    let exporter = try Exporters.named(id)
    var policy = Samples.policy(exporter, kind: .linear, formats: layers.map(\.1))
    policy.model.architecture = architecture
    for (index, layer) in layers.enumerated() {
      policy.layers[index].name = layer.0
      policy.layers[index].tensor = "\(layer.0).weight"
      if layer.0.contains("embed") { policy.layers[index].kind = .embedding }
    }
    return try exporter.recipe(for: policy, path: path)
  }

  private func error(_ id: String, _ layers: [(String, String)], architecture: String = "llama")
    -> String
  {
    do {
      _ = try recipe(id, layers, architecture: architecture)
      return "none"
    } catch { return "\(error)" }
  }

  @Test func llamaTakesAnchoredTensorsAndABaseThatChangesNothing() throws {
    let recipe = try recipe(
      "llama.cpp",
      [
        ("model.layers.11.self_attn.q_proj", "q8_0"), ("model.layers.0.mlp.down_proj", "q4_1"),
        ("blk.3.attn_output", "bf16"), ("model.embed_tokens", "fp16"), ("lm_head", "int4-g32"),
      ], path: "my types.txt")
    #expect(
      recipe.text == #"""
        ^blk\.11\.attn_q\.weight$=q8_0
        ^blk\.0\.ffn_down\.weight$=q4_1
        ^blk\.3\.attn_output\.weight$=bf16
        ^token_embd\.weight$=f16
        ^output\.weight$=q4_1

        """#)
    #expect(recipe.next.contains("--tensor-type-file 'my types.txt' "))
    #expect(recipe.next.hasSuffix(" Q8_0"))
    #expect(recipe.notes[0].hasPrefix("llama.cpp stores int4-g32 as q4_1"))
    #expect(
      error("llama.cpp", [("model.layers.0.mlp.up_proj", "int3-g64")])
        .contains("in int3-g64; the nearest format that it takes for a layer of kind linear is q"))
    #expect(
      error("llama.cpp", [("vision.tower.0.proj", "q8_0")])
        == "llama.cpp: the layer 'vision.tower.0.proj' has no name among the tensors of GGUF")
  }

  @Test func bertHasItsOwnNames() throws {
    let text = try recipe(
      "llama.cpp",
      [
        ("encoder.layer.2.attention.self.query", "q8_0"),
        ("encoder.layer.2.attention.output.dense", "q8_0"),
        ("encoder.layer.2.output.dense", "q4_0"), ("embeddings.word_embeddings", "fp16"),
      ], architecture: "bert"
    ).text
    #expect(
      text == #"""
        ^blk\.2\.attn_q\.weight$=q8_0
        ^blk\.2\.attn_output\.weight$=q8_0
        ^blk\.2\.ffn_down\.weight$=q4_0
        ^token_embd\.weight$=f16

        """#)
    #expect(
      try recipe("hqq", [("blk.2.ffn_down", "int4-g64")], architecture: "bert").text
        .contains("\"encoder.layer.2.output.dense\""))
  }

  @Test func compressedTensorsListsModulesByNameAndNoClass() throws {
    let text = try recipe(
      "compressed-tensors",
      [
        ("model.layers.0.self_attn.q_proj", "int4-g64"), ("Linear", "int4-g64"),
        ("blk.0.ffn_down", "int8-channel"), ("lm_head", "bf16"),
      ]
    ).text
    #expect(
      text == #"""
        {
          "quantization_config": {
            "quant_method": "compressed-tensors",
            "format": "pack-quantized",
            "quantization_status": "compressed",
            "config_groups": {
              "group_0": {
                "targets": ["model.layers.0.self_attn.q_proj", "re:^Linear$"],
                "weights": {"num_bits": 4, "type": "int", "symmetric": false, "strategy": "group", "group_size": 64, "dynamic": false},
                "input_activations": null,
                "output_activations": null,
                "format": "pack-quantized"
              },
              "group_1": {
                "targets": ["model.layers.0.mlp.down_proj"],
                "weights": {"num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel", "dynamic": false},
                "input_activations": null,
                "output_activations": null,
                "format": "pack-quantized"
              }
            },
            "ignore": ["lm_head"],
            "kv_cache_scheme": null
          }
        }

        """#)
  }

  @Test func compressorRecipeIsAStage() throws {
    let text = try recipe(
      "llm-compressor", [("model.layers.0.mlp.up_proj", "int4-g128-sym"), ("lm_head", "fp16")]
    ).text
    #expect(
      text == #"""
        quant_stage:
          quant_modifiers:
            QuantizationModifier:
              ignore: ["lm_head"]
              config_groups:
                group_0:
                  targets: ["model.layers.0.mlp.up_proj"]
                  weights: {"num_bits": 4, "type": "int", "symmetric": true, "strategy": "group", "group_size": 128, "dynamic": false}

        """#)
  }

  @Test func gptqJoinsSiblingsWithTheFusedName() throws {
    let q = "model.layers.0.self_attn."
    let recipe = try recipe(
      "gptqmodel",
      [
        (q + "q_proj", "int8-g32"), (q + "k_proj", "int8-g32"), (q + "v_proj", "int8-g32"),
        (q + "o_proj", "fp16"), ("model.layers.0.mlp.gate_proj", "int4-g64-sym"),
        ("model.layers.0.mlp.up_proj", "int8-g32"), ("lm_head", "int8-channel"),
      ])
    #expect(
      recipe.text == #"""
        {
          "bits": 8,
          "group_size": 32,
          "sym": true,
          "desc_act": false,
          "lm_head": true,
          "dynamic": {
            "+:^model\\.layers\\.0\\.self_attn\\.(?:q_proj|k_proj|v_proj|qkv_proj)$": {"bits": 8, "group_size": 32, "sym": true},
            "-:^model\\.layers\\.0\\.self_attn\\.o_proj$": {},
            "+:^model\\.layers\\.0\\.mlp\\.gate_proj$": {"bits": 4, "group_size": 64, "sym": true},
            "+:^model\\.layers\\.0\\.mlp\\.up_proj$": {"bits": 8, "group_size": 32, "sym": true},
            "+:^lm_head$": {"bits": 8, "group_size": -1, "sym": true, "act_group_aware": false}
          }
        }

        """#)
    #expect(recipe.notes.count == 1)
    #expect(recipe.notes[0].contains("gate_proj, model.layers.0.mlp.up_proj as one layer"))
  }

  @Test func mlxStatesEveryModule() throws {
    let text = try recipe(
      "mlx",
      [
        ("blk.0.attn_q", "mlx5-g64"), ("blk.0.attn_k", "mlx-nvfp4"), ("blk.0.attn_v", "mxfp4"),
        ("token_embd", "int3-g32"), ("output", "fp16"),
      ]
    ).text
    #expect(
      text == #"""
        {
          "quantization": {
            "group_size": 32,
            "bits": 4,
            "mode": "affine",
            "model.layers.0.self_attn.q_proj": {"bits": 5, "group_size": 64, "mode": "affine"},
            "model.layers.0.self_attn.k_proj": {"bits": 4, "group_size": 16, "mode": "nvfp4"},
            "model.layers.0.self_attn.v_proj": {"bits": 4, "group_size": 32, "mode": "mxfp4"},
            "model.embed_tokens": {"bits": 3, "group_size": 32, "mode": "affine"},
            "lm_head": false
          }
        }

        """#)
  }

  @Test func mlxHasAnNVFP4OfItsOwn() throws {
    #expect(
      error("mlx", [("blk.0.attn_q", "nvfp4")])
        == "mlx cannot take 'blk.0.attn_q' in nvfp4; the nearest format that it takes for a layer of kind "
        + "linear is mlx-nvfp4")
    let note = try recipe("mlx", [("blk.0.attn_q", "mxfp4")]).notes[0]
    #expect(note.hasPrefix("mlx stores mxfp4 as mlx-mxfp4: the same bytes and codes, rounded"))
  }

  @Test func autoRoundTakesExactNamesAndNoEightBitsWithAnOffset() throws {
    #expect(
      try recipe("autoround", [("a.b", "int2-g32-sym"), ("lm_head", "bf16")]).text
        == """
        {
          "a.b": {"bits": 2, "group_size": 32, "sym": true, "data_type": "int"},
          "lm_head": {"bits": 16}
        }

        """)
    #expect(error("autoround", [("a.b", "int8-g32-asym")]).hasSuffix("is int8-g32"))
    #expect(
      error("autoround", [("a.b", "int4-g32-sym"), ("a.*b", "int2-g32")])
        .contains("cannot say that 'a.b' is int4-g32-sym"))
    #expect(try recipe("autoround", [("a", "int4-g32-sym"), ("b", "int4-g32")]).notes.count == 1)
  }

  @Test func threeBitsAreNNCFsLastPass() throws {
    let text = try recipe(
      "nncf", [("a", "int3-g64-sym"), ("b", "int8-channel"), ("c", "int4-g64")]
    ).text
    let modes = text.split(separator: "\n").filter { $0.contains("\"mode\"") }
    #expect(modes.map { $0.contains("int3") } == [false, false, true])
    #expect(text.contains("\"__module.b/aten::linear/MatMul\""))
  }

  @Test func modelOptSwitchesEverythingOffFirst() throws {
    let text = try recipe("modelopt", [("a", "int4-g128-sym"), ("b", "bf16")]).text
    #expect(text.contains("[\n    {\"quantizer_name\": \"*\", \"enable\": false},"))
    #expect(text.contains("{\"quantizer_name\": \"b.weight_quantizer\", \"enable\": false}"))
    #expect(text.contains(#""quantized_layers": {"#))
  }

  @Test func modelOptRefusesSiblingsOfDifferentFormats() throws {
    let q = "model.layers.0.self_attn."
    let sentence =
      "modelopt exports layers of one input in one format only, and not '\(q)q_proj' in int4-g128-sym, "
      + "'\(q)k_proj' in int8-channel, '\(q)v_proj' in bf16"
    let mixed = [
      (q + "q_proj", "int4-g128-sym"), (q + "k_proj", "int8-channel"), (q + "v_proj", "bf16"),
    ]
    let way = "; plan with `--runtime` (vllm or tensorrt-llm) or `--tie` them, so that they get one"
    #expect(error("modelopt", mixed) == sentence + way)
    let gates = [("a.gate_proj", "nvfp4"), ("a.up_proj", "mxfp4")]
    #expect(error("modelopt", mixed + gates) == sentence + " (and 1 more such set)" + way)
    #expect(
      error("modelopt", [("query", "nvfp4"), ("value", "mxfp4")]).contains("'query' in nvfp4"))
    // Siblings of one format, and siblings that all stay as they are.
    #expect(error("modelopt", [(q + "q_proj", "nvfp4"), (q + "k_proj", "nvfp4")]) == "none")
    #expect(error("modelopt", [(q + "q_proj", "bf16"), (q + "k_proj", "fp16")]) == "none")
    // Who reads the others' files may load such siblings: there it is a note.
    #expect(try recipe("compressed-tensors", mixed).notes.count == 1)
  }

  @Test func theHeadOfExLlamaHasItsOwnKey() throws {
    #expect(
      try recipe(
        "exllamav3", [("a.b", "int3-channel"), ("c", "fp16"), ("lm_head", "int6-channel")]
      ).text
        == """
        head_bits: 6
        tensors: {"a.b": 3, "c": 16}

        """)
  }

  @Test func coreMLNamesConstants() throws {
    let text = try recipe("coremltools", [("layer1.0.fc", "int4-g32-sym"), ("head", "fp16")]).text
    #expect(text.contains("  layer1_0_fc_weight_to_fp16: {"))
    #expect(text.contains("  head_weight_to_fp16: null\n"))
    #expect(
      error("coremltools", [("a.b", "int4-tensor"), ("a_b", "int4-tensor")])
        == "coremltools calls both 'a.b' and 'a_b' 'a_b_weight_to_fp16'")
  }

  @Test func graphsAndModulesAreToldApart() {
    #expect(error("onnxruntime-qdq", [("a", "int8-tensor")]).contains("is not of an ONNX graph"))
    #expect(
      error("gptqmodel", [("/a/MatMul", "int4-g64")], architecture: "onnx").contains("ONNX graph"))
  }

  @Test func csvKeepsWhatIsInIt() throws {
    let policy = Samples.policy(LayerCSV())
    let rows = try LayerCSV().text(for: policy).split(
      separator: "\n", omittingEmptySubsequences: false)
    // "\r\n" within a quoted field is one character, so it does not split here.
    #expect(rows.count == policy.layers.count + 2)
    #expect(rows[1].contains("model.embed_tokens"))
    #expect(rows[2].hasSuffix("\"one, \"\"two\"\"\r\nthree\""))
  }
}
