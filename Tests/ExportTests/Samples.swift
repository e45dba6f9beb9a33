import Export
import Quantization
import Vocabulary

/// Policies for consumers of every kind.
enum Samples {
  /// Every format there is, and some of weights with some of inputs: every kind with every kind.
  static let settings: [Setting] =
    Formats.all.compactMap { try? Setting(of: $0) }
    + [
      "int8-channel", "int8-tensor", "int4-channel", "int8-channel-asym", "int4-g64",
      "fp8-e4m3-channel", "fp8-e4m3-tensor", "q4_0", "nf4-g64", "nvfp4", "mlx4", "fp16",
    ].flatMap { weight in
      [
        "int8-tensor", "int8-tensor-sym", "int8-tensor-pow2", "int4-tensor", "int16-tensor",
        "int8-channel", "int8-token", "int8-token-asym", "int8-tensor-dynamic", "fp8-e4m3-tensor",
        "fp8-e4m3-token", "fp8-e4m3-tensor-dynamic", "fp8-e5m2-token",
      ].map { setting("\(weight)/\($0)") }
    }

  /// A layer's two formats in one name.
  static func format(_ layer: Policy.LayerChoice) -> String {
    layer.activation == "none" ? layer.weight : "\(layer.weight)/\(layer.activation)"
  }

  static func setting(_ name: String) -> Setting {
    guard let setting = try? Setting.named(name) else { fatalError("no format \(name)") }
    return setting
  }

  static func naming(_ exporter: any Exporter) -> Naming { type(of: exporter).naming }

  static func hasFixedNames(_ exporter: any Exporter) -> Bool {
    naming(exporter) == .gguf || naming(exporter) == .coreML
  }

  static func architecture(_ exporter: any Exporter) -> String {
    [.nodes, .initializers].contains(naming(exporter)) ? "onnx" : "llama"
  }

  /// Names of a llama's layers, without end.
  static func name(_ index: Int) -> String {
    let parts = [
      "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
      "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj",
    ]
    return "model.layers.\(index / 7).\(parts[index % 7])"
  }

  /// One for each format; without siblings for a consumer that wants one format for those.
  static func policy(_ exporter: any Exporter, kind: LayerKind, formats: [String]) -> Policy {
    let hasSiblings = !type(of: exporter).needsOneFormatForSiblings
    let layers = formats.enumerated().map { index, format in
      let name = name(hasSiblings ? index : 7 * index + 6)
      let (weight, input) = LayerFormat.split(format)
      return Policy.LayerChoice(
        name: name, tensor: "\(name).weight", kind: kind, group: index,
        weight: weight, activation: input ?? "none", bytes: 10, pinned: false,
        why: "one, \"two\"\r\nthree")
    }
    return Policy(
      model: .init(
        name: "Tiny", architecture: architecture(exporter), digest: "sha256:00", weights: 100),
      layers: layers, budget: [], bytes: 10 * formats.count, bpw: 4,
      predicted: .init(loss: 0.1, unit: "nats/token", lowerBound: 0.1, gap: 0),
      provenance: .init(
        estimator: "exact-kl", optimizer: "ilp", seed: 1, data: "sha256:aa", tool: "bitbudget",
        libraries: [:]))
  }

  /// An embedding, three blocks in changing formats that the consumer takes, and a head.
  static func policy(_ exporter: any Exporter) -> Policy {
    let taken = settings.filter { exporter.accepts($0, for: .linear) && $0.input == nil }
      .map(\.name)
    var policy = policy(
      exporter, kind: .linear, formats: (0..<21).map { taken[($0 * 5) % taken.count] })
    for (name, kind, index) in [
      ("model.embed_tokens", LayerKind.embedding, 0), ("lm_head", .linear, policy.layers.count + 1),
    ] {
      let format =
        settings.last { exporter.accepts($0, for: kind) && $0.isFull && $0.input == nil }
        ?? settings.first { exporter.accepts($0, for: kind) }
      guard let format else { continue }
      policy.layers.insert(
        Policy.LayerChoice(
          name: name, tensor: "\(name).weight", kind: kind, group: 100 + index,
          weight: format.name, bytes: 10, pinned: false, why: ""),
        at: min(index, policy.layers.count))
    }
    return policy
  }

  /// Two different quantized formats that the consumer takes for linear layers.
  static func two(_ exporter: any Exporter) -> [String] {
    let taken = settings.filter {
      exporter.accepts($0, for: .linear) && !$0.isFull && exporter.stored($0) == $0
        && $0.input == nil
    }
    guard taken.count > 1 else { fatalError("\(exporter.id) takes \(taken.count) formats") }
    return [taken[0].name, taken[taken.count / 2].name]
  }

  /// The formats of a policy's layers that its consumer's file asks for.
  static func formats(_ text: String, _ exporter: any Exporter, _ policy: Policy) throws -> [String]
  {
    try PolicyImport.formats(
      in: text, file: "f", from: exporter,
      layers: policy.layers.map {
        Layer(name: $0.name, tensor: $0.tensor, kind: $0.kind, shape: .init(rows: 1, columns: 1))
      }, architecture: policy.model.architecture, full: "fp16")
  }

  /// Whether reading back `wanted` may give `found`: itself, its twin, or any plain float for another
  /// where the consumer does not tell them apart.
  static func same(_ found: String, _ wanted: String, _ exporter: any Exporter) -> Bool {
    let stored = exporter.stored(setting(wanted))
    if found == stored.name { return true }
    return stored.isFull && setting(found).isFull && !type(of: exporter).tellsFloatsApart
  }
}
