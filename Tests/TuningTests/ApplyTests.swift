import Foundation
import TestSupport
import Testing
import Tuning
import Vocabulary

/// Models written in the formats of a policy; what the consumers read in them is for
/// `make test-consumers`.
@Suite struct ApplyTests {
  /// A policy that gives every layer of a model the first of some formats that it accepts.
  private func policy(_ model: OpenedModel, _ formats: [String], digest: String = "unknown") throws
    -> Policy
  {
    let inspection = try model.inspection(formats: formats)
    let layers = inspection.layers.map { entry in
      Policy.LayerChoice(
        name: entry.layer.name, tensor: entry.layer.tensor, kind: entry.layer.kind,
        group: entry.group, weight: entry.candidates[0].format, bytes: entry.candidates[0].bytes,
        pinned: false, why: "")
    }
    let bytes = layers.reduce(0) { $0 + $1.bytes }
    return Policy(
      model: .init(
        name: inspection.name, architecture: inspection.architecture, digest: digest,
        weights: inspection.weights),
      layers: layers, budget: [], bytes: bytes + inspection.fixedBytes,
      bpw: 8 * Double(bytes) / Double(inspection.weights),
      predicted: .init(loss: 0, unit: "", lowerBound: 0, gap: 0),
      provenance: .init(
        estimator: "", optimizer: "", seed: 0, data: "", tool: "", libraries: [:]))
  }

  /// A folder that does not exist yet, in one that is removed afterwards.
  private func withTarget(_ body: (URL) throws -> Void) throws {
    let parent = FileManager.default.temporaryDirectory.appendingPathComponent(
      "apply-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: parent) }
    try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    try body(parent.appendingPathComponent("model"))
    // Nothing half-written is left beside it.
    let left = try FileManager.default.contentsOfDirectory(atPath: parent.path)
    #expect(left.allSatisfy { $0 == "model" })
  }

  /// Every layer's size in the written file is the policy's; everything else is as it was.
  @Test(arguments: ["q8_0", "q4_1", "q5_0", "fp16"])
  func ggufFilesTakeWhatThePolicySays(format: String) throws {
    let source = try OpenedModel(Fixtures.path("smollm2/small-untied.gguf"))
    let policy = try policy(source, [format])
    try withTarget { target in
      let summary = try source.apply(policy, as: "gguf", to: target.path)
      #expect(summary.layerBytes == policy.layers.reduce(0) { $0 + $1.bytes })
      let path = target.appendingPathComponent("model.gguf").path
      let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
      #expect(size == summary.fileBytes)
      let written = try OpenedModel(path).inspection(formats: ["fp32"])
      let before = try source.inspection(formats: ["fp32"])
      #expect(written.layers.map(\.layer) == before.layers.map(\.layer))
      #expect(written.skipped == before.skipped)
      // What is read again and written again in the same format stays the same file.
      let again = target.appendingPathComponent("again")
      _ = try OpenedModel(path).apply(
        self.policy(OpenedModel(path), [format]), as: "gguf", to: again.path)
      if format == "fp16" {
        #expect(
          FileManager.default.contentsEqual(
            atPath: path, andPath: again.appendingPathComponent("model.gguf").path))
      }
    }
  }

  /// A rounded model in full precision has no loss left when the same formats are applied again.
  @Test func roundedModelsStayWhereTheyAre() throws {
    let source = try OpenedModel(Fixtures.path("minilm"))
    let policy = try policy(source, ["int4-g64"])
    try withTarget { target in
      _ = try source.apply(policy, as: "safetensors-fake", to: target.path)
      let again = target.appendingPathComponent("again")
      _ = try OpenedModel(target.path).apply(policy, as: "safetensors-fake", to: again.path)
      let first = target.appendingPathComponent("model.safetensors").path
      let second = again.appendingPathComponent("model.safetensors").path
      #expect(FileManager.default.contentsEqual(atPath: first, andPath: second))
      #expect(
        try !FileManager.default.contentsEqual(
          atPath: first, andPath: Fixtures.path("minilm/model.safetensors")))
    }
  }

  @Test func whatCannotBeWrittenIsSaidAndNothingIsLeft() throws {
    let small = try OpenedModel(Fixtures.path("smollm2/small-untied.gguf"))
    let minilm = try OpenedModel(Fixtures.path("minilm"))
    let folded = try OpenedModel(Fixtures.path("efficientnet-lite0/model-bn.onnx"))
    let cases: [(OpenedModel, Policy, String, String)] = [
      (
        small, try policy(small, ["q8_0"], digest: "sha256:0"), "gguf",
        "for a model with other weights"
      ),
      (small, try policy(small, ["int8-g32"]), "gguf", "the nearest that can be written is q8_0"),
      (small, try policy(small, ["q8_0"]), "mlx", "cannot be q8_0: MLX does not have it"),
      (small, try policy(small, ["mlx8-g32"]), "mlx", "only a Hugging Face directory"),
      (
        minilm, try policy(minilm, ["q8_0"]), "gguf",
        "only from a GGUF file or a Llama directory, and"
      ),
      (minilm, try policy(minilm, ["int8-g64"]), "onnx-fake", "only an ONNX file"),
      (
        folded, try policy(folded, ["int8-channel"]), "onnx-fake",
        "a batch normalization has been folded into"
      ),
    ]
    for (model, policy, kind, words) in cases {
      try withTarget { target in
        let error = #expect(throws: UserError.self) {
          try model.apply(policy, as: kind, to: target.path)
        }
        #expect(error?.kind == .failed)
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(!FileManager.default.fileExists(atPath: target.path))
      }
    }
    let unknown = #expect(throws: UserError.self) {
      try small.apply(policy(small, ["q8_0"]), as: "ggfu", to: "nowhere")
    }
    #expect(unknown?.description == "unknown kind of model 'ggfu'; did you mean 'gguf'?")
  }

  @Test func whatExistsIsLeftAlone() throws {
    let small = try OpenedModel(Fixtures.path("smollm2/small-untied.gguf"))
    try withTarget { target in
      try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
      let error = #expect(throws: UserError.self) {
        try small.apply(policy(small, ["q8_0"]), as: "gguf", to: target.path)
      }
      #expect(error?.description.hasSuffix("exists already; name a new directory") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: target.path).isEmpty)
    }
  }
}
