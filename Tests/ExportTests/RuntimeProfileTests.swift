import Export
import Foundation
import Quantization
import TestSupport
import Testing
import Vocabulary

@Suite struct RuntimeProfileTests {
  private static let folder = Fixtures.root.appendingPathComponent("SearchSpaces/runtimes").path

  private func profile(_ name: String) throws -> RuntimeProfile {
    try RuntimeProfiles.named(name, in: Self.folder)
  }

  @Test func everyProfileIsReadAndSaysSomething() throws {
    let profiles = try RuntimeProfiles.all(in: Self.folder)
    #expect(
      profiles.map(\.name) == [
        "coreml", "llama.cpp", "mlx", "onnxruntime", "openvino", "sglang", "tensorrt-llm", "vllm",
      ])
    for profile in profiles {
      #expect(!profile.summary.isEmpty)
      for rule in profile.rules {
        let alone = RuntimeProfile(name: "x", summary: "", rules: [rule], fused: [])
        // A rule that lets no format of the catalogue through is a slip of the pen.
        #expect(
          (Samples.settings + [Samples.setting("nf4-g64")]).contains { setting in
            LayerKind.allCases.contains { alone.refusal(of: setting, for: $0, shape: nil) == nil }
          }, "\(profile.name): \(rule)")
      }
    }
    let error = #expect(throws: UserError.self) { try profile("vlm") }
    #expect(error?.description == "unknown runtime 'vlm'; did you mean 'vllm'?")
  }

  /// What a runtime loads, its exporters can write: `plan --runtime` then ends in a file.
  @Test(arguments: [
    ("llama.cpp", ["llama.cpp"]), ("mlx", ["mlx"]), ("coreml", ["coremltools"]),
    ("openvino", ["nncf"]), ("onnxruntime", ["onnxruntime-matmulnbits", "onnxruntime-qdq"]),
    ("vllm", ["compressed-tensors"]), ("sglang", ["compressed-tensors"]),
  ])
  func whatIsLoadedCanBeWritten(runtime: String, exporters: [String]) throws {
    let profile = try profile(runtime)
    let writers = try exporters.map { try Exporters.named($0) }
    for kind in LayerKind.allCases {
      for setting in Samples.settings
      where profile.refusal(of: setting, for: kind, shape: nil) == nil {
        if kind == .convolution && setting.isFull { continue }
        #expect(writers.contains { $0.accepts(setting, for: kind) }, "\(setting.name) \(kind)")
      }
    }
  }

  @Test func formatsKindsShapesAndFusedSetsAreHeldTo() throws {
    let vllm = try profile("vllm")
    func permitted(_ rows: Int, _ columns: Int, _ kind: LayerKind = .linear) throws -> [String] {
      try vllm.permitted(
        ["int4-g64", "int4-g64-sym", "int8-channel", "int3-g64-sym", "bf16"],
        for: Layer(name: "x", tensor: "x", kind: kind, shape: .init(rows: rows, columns: columns)))
    }
    #expect(try permitted(576, 1536) == ["int4-g64-sym", "int8-channel", "bf16"])
    #expect(try permitted(576, 64) == ["bf16"])
    #expect(try permitted(60, 128) == ["bf16"])
    #expect(try permitted(576, 1536, .embedding) == ["bf16"])
    #expect(
      vllm.refusal(
        of: Samples.setting("int4-g64-sym"), for: .linear, shape: .init(rows: 64, columns: 96))
        == "vllm loads int4-g64-sym for multiples of 64 x 128, and the weight is 64 x 96")
    #expect(throws: UserError.self) { try vllm.permitted(["int4-q"], for: layer("a")) }
  }

  /// Weights that are loaded alone are not loaded with any input, nor the other way round.
  @Test func inputsAreHeldTo() throws {
    let vllm = try profile("vllm")
    #expect(
      try vllm.permitted(
        [
          "int8-channel/int8-token", "int8-channel/int8-channel", "int4-g64-sym/int8-token",
          "int8-channel/int8-tensor+entropy", "fp8-e4m3-channel/fp8-e4m3-token", "int8-tensor",
          "fp8-e4m3-channel/int8-token", "int8-tensor/int8-token", "bf16/int8-token",
        ], for: layer("a")) == [
          "int8-channel/int8-token", "int8-channel/int8-tensor+entropy",
          "fp8-e4m3-channel/fp8-e4m3-token", "int8-tensor/int8-token",
        ])
    let policy = Samples.policy(
      NeutralJSON(), kind: .linear,
      formats: ["int8-channel/int8-token", "int8-channel", "int8-channel/int8-token"])
    let conflict = try #require(try vllm.conflicts(in: policy).first)
    #expect(conflict.reason.contains("as one layer") && conflict.layers.count == 3)
    #expect(
      try vllm.conflicts(
        in: Samples.policy(NeutralJSON(), kind: .linear, formats: ["int8-channel/int8-channel"])
      ).first?.nearest == "int8-channel/int8-tensor")
  }

  private func layer(_ name: String) -> Layer {
    Layer(name: name, tensor: name, kind: .linear, shape: .init(rows: 64, columns: 128))
  }

  @Test func fusedSiblingsAreFoundUnderBothNames() throws {
    let vllm = try profile("vllm")
    let names = [
      "model.layers.0.self_attn.q_proj", "blk.1.attn_q", "model.layers.0.mlp.up_proj",
      "model.layers.0.self_attn.v_proj", "blk.1.attn_k", "model.layers.1.mlp.up_proj",
      "model.layers.0.mlp.gate_proj", "lm_head",
    ]
    #expect(vllm.fused(among: names).map(\.members) == [[0, 3], [1, 4], [2, 6]])
    #expect(try profile("llama.cpp").fused(among: names).isEmpty)
  }

  @Test func conflictsAreExplained() throws {
    let vllm = try profile("vllm")
    var policy = Samples.policy(
      NeutralJSON(), kind: .linear,
      formats: ["int4-g64-sym", "int8-g64", "int4-g64-sym", "int3-g64", "int8-g64", "int8-g64"])
    let found = try vllm.conflicts(in: policy)
    #expect(found.count == 2)
    #expect(
      found[0].sentence
        == "model.layers.0.self_attn.o_proj (int3-g64): vllm loads no int3-g64; the nearest that it "
        + "loads is int4-g64-sym")
    #expect(found[1].layers.count == 3)
    #expect(found[1].nearest == "int8-g64")
    #expect(found[1].reason.contains("as one layer"))
    let shapes = ["model.layers.0.mlp.up_proj": WeightShape(rows: 10, columns: 64)]
    #expect(try vllm.conflicts(in: policy, shapes: shapes).count == 3)
    policy.layers = policy.layers.filter { $0.weight == "int8-g64" }
    #expect(try vllm.conflicts(in: policy).isEmpty)
  }

  @Test(arguments: [
    ("schemaVersion: 2", "line 1: 'schemaVersion' must be 1: no other version is understood"),
    ("schemaVersion: 1\nname: x", "line 1: it has no 'formats'"),
    (
      "schemaVersion: 1\nformats:\n  - {family: integer, bit: [4]}",
      "line 3: 'formats[0].bit' is unknown; did you mean 'bits'?"
    ),
    (
      "schemaVersion: 1\nformats:\n  - family: integr",
      "line 3: 'formats[0].family' is the unknown family 'integr'; there are: integer, float, "
        + "normal, microscaled, ternary, gguf, mlx, full"
    ),
    (
      "schemaVersion: 1\nformats:\n  - family: integer\n    bits: [4, x]",
      "line 4: 'formats[0].bits[1]' must be a whole number"
    ),
    (
      "schemaVersion: 1\nformats:\n  - family: integer\n    columns: 0",
      "line 4: 'formats[0].columns' must be positive, got 0"
    ),
    (
      "schemaVersion: 1\nformats: [{bits: [4]}]",
      "line 2: 'formats[0]' must have a 'family' or 'codes'"
    ),
    (
      "schemaVersion: 1\nformats: [{family: integer, scales: [h32]}]",
      "line 2: 'formats[0].scales[0]' must be gN, channel, tensor or unscaled, got 'h32'"
    ),
  ])
  func mistakesHaveFileLineAndField(text: String, message: String) {
    let error = #expect(throws: UserError.self) {
      try RuntimeProfile(parsing: text, file: "r.yaml")
    }
    #expect(error?.description == "'r.yaml' \(message)")
  }
}
