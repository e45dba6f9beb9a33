import Export
import Testing
import Vocabulary

/// Files that somebody else wrote: patterns, precedence and defaults as each consumer has them.
@Suite struct ForeignFileTests {
  private static let names = [
    "model.embed_tokens", "model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.o_proj",
    "model.layers.1.mlp.down_proj", "lm_head",
  ]

  private func formats(_ id: String, _ text: String) throws -> [String] {
    let layers = Self.names.map { name in
      Layer(
        name: name, tensor: "\(name).weight", kind: name.contains("embed") ? .embedding : .linear,
        shape: .init(rows: 64, columns: 256))
    }
    return try PolicyImport.formats(
      in: text, file: "f", from: Exporters.named(id), layers: layers, architecture: "llama",
      full: "bf16")
  }

  @Test func llamaSearchesAndTheFirstMatchHolds() throws {
    // `output\.weight` without an anchor also hits attn_output, as it does in llama.cpp.
    let text = #"output\.weight=q8_0 ATTN_Q=Q4_0 blk=q5_1 token_embd=F16"#
    #expect(try formats("llama.cpp", text) == ["fp16", "q4_0", "q8_0", "q5_1", "q8_0"])
    #expect(throws: UserError.self) { try formats("llama.cpp", "attn_q=q4_0") }
    #expect(throws: UserError.self) { try formats("llama.cpp", "attn_q=iq1_s") }
    #expect(throws: UserError.self) { try formats("llama.cpp", "# comment") }
    #expect(throws: UserError.self) { try formats("llama.cpp", "(=q8_0") }
    // llama-quantize ends the pattern at the first "=", and "=q8_0" is no type.
    let twice = #expect(throws: UserError.self) { try formats("llama.cpp", "blk==q8_0") }
    #expect(twice?.description == "'f' line 1: the type '=q8_0' is no format here")
    let ahead = #expect(throws: UserError.self) { try formats("llama.cpp", "(?=blk)=q8_0") }
    #expect(ahead?.description == "'f' line 1: the type 'blk)=q8_0' is no format here")
  }

  @Test func compressedTensorsPrefersNamesThenAlphabeticalPatternsThenClasses() throws {
    let text = #"""
      {"quantization_config": {"quant_method": "compressed-tensors", "config_groups": {
        "a": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "int", "group_size": 128}},
        "b": {"targets": ["re:.*layers\\.0\\..*"], "weights": {"num_bits": 8, "group_size": 32, "symmetric": false}},
        "c": {"targets": ["re:.*_proj"], "weights": {"num_bits": 3, "strategy": "channel"}}},
        "ignore": ["lm_head"]}}
      """#
    #expect(
      try formats("compressed-tensors", text) == [
        "bf16", "int3-channel-sym", "int3-channel-sym", "int3-channel-sym", "bf16",
      ])
    #expect(
      try formats(
        "compressed-tensors",
        #"{"config_groups": {"W4A16": ["Linear"]}, "ignore": ["re:.*q_proj"]}"#)
        == ["bf16", "bf16", "int4-g128-sym", "int4-g128-sym", "int4-g128-sym"])
  }

  @Test func gptqInheritsTheBaseAndSkipsFirst() throws {
    let text = #"""
      {"bits": 4, "group_size": 128, "sym": true, "dynamic": {
        ".*\\.mlp\\..*": {"bits": 8}, "+:.*self_attn.*": {"group_size": 32}, "-:.*o_proj": {}}}
      """#
    #expect(
      try formats("gptqmodel", text) == ["bf16", "int4-g32-sym", "bf16", "int8-g128", "bf16"])
  }

  @Test func autoRoundPrefersPatternsToNames() throws {
    let text = #"""
      {"model.layers.0.self_attn.q_proj": {"bits": 8}, ".*q_proj": {"bits": 2, "group_size": 32},
       "model.layers.0.self_attn.o_proj": {"bits": 16}, "model.layers.1.mlp.down_proj": "W2A16G32",
       "lm_head": {"bits": 8}, "model.embed_tokens": {"bits": 16}}
      """#
    #expect(
      try formats("autoround", text) == [
        "bf16", "int2-g32-sym", "bf16", "int2-g32-sym", "int8-g128",
      ])
    let saved = #"""
      {"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": true,
       "extra_config": {"model.layers.1.mlp.down_proj": {"bits": 2}}}
      """#
    #expect(
      try formats("autoround", saved)
        == ["bf16", "int4-g128-sym", "int4-g128-sym", "int2-g128-sym", "bf16"])
  }

  @Test func torchaoReadsWhatTransformersSaved() throws {
    let config =
      #"{"_type": "IntxWeightOnlyConfig", "_data": {"weight_dtype": {"_type": "torch.dtype", "_data": "int4"}, "granularity": {"_type": "PerGroup", "_data": {"group_size": 64}}}}"#
    let text = """
      {"quantization_config": {"quant_method": "torchao", "quant_type": {"default": {"_type": "FqnToConfig",
       "_data": {"fqn_to_config": {"re:model\\\\.layers\\\\.[0-9]+\\\\..*": \(config),
       "model.layers.0.self_attn.o_proj": null}}}}}}
      """
    #expect(
      try formats("torchao", text)
        == ["bf16", "int4-g64-sym", "bf16", "int4-g64-sym", "bf16"])
  }

  @Test func mlxAndINCAndModelOpt() throws {
    #expect(
      try formats(
        "mlx",
        #"{"quantization": {"group_size": 64, "bits": 4, "lm_head": {"group_size": 32, "bits": 6}}}"#
      )
        == ["mlx4-g64", "mlx4-g64", "mlx4-g64", "mlx4-g64", "mlx6-g32"])
    #expect(
      try formats(
        "neural-compressor",
        #"{"local": {"model.layers.0": {"bits": 8, "group_size": 64}, ".*o_proj": {"dtype": "fp32"}}, "global": {"bits": 4, "group_size": 128}}"#
      ) == ["bf16", "int8-g64", "bf16", "int4-g128-sym", "bf16"])
    #expect(
      try formats(
        "modelopt",
        #"{"quant_cfg": [{"quantizer_name": "*", "enable": false}, {"quantizer_name": "*layers.0*weight_quantizer", "cfg": {"num_bits": 4, "block_sizes": {"-1": 128}}}, {"quantizer_name": "*q_proj.weight_quantizer", "cfg": {"num_bits": 8, "axis": 0}}, {"quantizer_name": "*input_quantizer", "enable": false}]}"#
      ) == ["bf16", "int8-channel", "int4-g128-sym", "bf16", "bf16"])
  }

  @Test(arguments: [
    ("gptqmodel", "{\"bits\": 4}", "'f' line 1: it has no 'group_size'"),
    (
      "gptqmodel", "{\n\"bits\": 4,\n\"group_size\": \"x\"}",
      "'f' line 3: 'group_size' must be a whole number"
    ),
    (
      "gptqmodel", "{\"bits\": 4, \"bits\": 4}",
      "'f' is not JSON: line 1, the key 'bits' is there twice"
    ),
    ("gptqmodel", "{\"a\": \"\\ud800\"}", "'f' is not JSON: line 1, half a character"),
    (
      "gptqmodel", "{\"bits\": 4, \"group_size\": 96}",
      "'f' line 1: it cannot be read: unknown format 'int4-g96-sym'; did you mean 'int4-g32-sym'?"
    ),
    ("hqq", "{\"a\":\n {\"nbits\": 4}}", "'f' line 2: 'a' has no 'group_size'"),
    ("exllamav3", "tensors:\n  a: [1]\n", "'f' line 2: 'tensors.a' must be a whole number"),
    ("llm-compressor", "a: {b: {}}", "'f' line 1: it has no modifier with 'config_groups'"),
    ("csv", "layer,bits\na,4\n", "'f' has no columns 'layer' and 'weight'"),
    ("csv", "layer,weight\na\n", "'f' row 2 has 1 fields, and the header 2"),
    ("markdown", "hello\n", "'f' has no table of layers"),
  ])
  func mistakesHaveFileLineAndField(id: String, text: String, message: String) throws {
    let exporter = try Exporters.named(id)
    let error = #expect(throws: UserError.self) { try exporter.rules(in: text, file: "f") }
    #expect(error?.description == message)
  }

  @Test func aLayerThatTheFileForgetsIsAnError() throws {
    let error = #expect(throws: UserError.self) { try formats("hqq", "{}") }
    #expect(
      error?.description
        == "'f' says nothing about the layer 'model.embed_tokens' ('model.embed_tokens' to hqq)")
  }

  @Test func importedPoliciesHaveTheBytesOfTheirFormats() throws {
    let layers = [
      Layer(name: "a", tensor: "a.weight", kind: .linear, shape: .init(rows: 4, columns: 64)),
      Layer(name: "b", tensor: "b.weight", kind: .linear, shape: .init(rows: 2, columns: 64)),
    ]
    let policy = try PolicyImport.policy(
      in: #"{"a": {"nbits": 4, "group_size": 64, "axis": 1}, "b": null}"#, file: "f", from: HQQ(),
      layers: layers, model: .init(name: "m", architecture: "llama", digest: "d", weights: 384),
      fixedBytes: 7, full: "fp16", tool: "t")
    #expect(policy.layers.map(\.bytes) == [4 * 36, 256])
    #expect(policy.bytes == 144 + 256 + 7)
    #expect(policy.bpw == 8 * 400.0 / 384)
    #expect(throws: UserError.self) {
      try PolicyImport.policy(
        in: #"{"a": {"nbits": 4, "group_size": 128, "axis": 1}, "b": null}"#, file: "f",
        from: HQQ(),
        layers: layers, model: policy.model, fixedBytes: 7, full: "fp16", tool: "t")
    }
  }
}
