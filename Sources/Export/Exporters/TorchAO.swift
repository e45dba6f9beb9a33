public import Vocabulary

/// torchao's `FqnToConfig`, as a table from which a few lines of Python build it.
///
/// torchao's own serialization changes with its version and is made by torchao; the table is ours.
public struct TorchAO: Exporter {
  /// The name used on the command line.
  public static let id = "torchao"
  /// Who reads this.
  public static let summary = "a table for FqnToConfig, with the Python that builds it"
  /// The file's usual name.
  public static let fileName = "torchao.json"
  /// What vLLM fuses.
  public static let fusing: (runtime: String, parts: [FusedParts])? = ("vLLM", FusedParts.vLLM)

  /// The exporter; it has no options.
  public init() {}

  /// Those that torchao has a configuration for that runs anywhere (its 8-bit floats want CUDA).
  public static let takesActivations = true

  /// Configurations of weights together with their inputs, by the formats of both.
  private static let pairs = ["int8-channel/int8-token": "Int8DynamicActivationInt8WeightConfig"]

  /// Integers by group or channel, for linear layers and embeddings; and pairs, for linear layers.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    guard setting.input == nil else { return kind == .linear && Self.pairs[setting.name] != nil }
    return setting.isFull
      || kind != .convolution && setting.family == .integer && setting.groupSizeOrChannel != nil
  }

  /// `modules` by exact name, and `fused`: the names under which vLLM looks for siblings.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let sets = FusedParts.vLLM.fused(among: request.layers.map(\.name)).filter { set in
      Set(set.members.map { request.layers[$0].setting }).count == 1
    }
    let table = Document.object([
      ("modules", .object(request.layers.map { (key($0.name), entry($0.setting)) })),
      (
        "fused", .object(sets.map { (key($0.whole), entry(request.layers[$0.members[0]].setting)) })
      ),
    ])
    return Recipe(
      text: table.json,
      next: python(
        "json, torch",
        """
        from collections import OrderedDict
        from torchao.quantization import (FqnToConfig, Int8DynamicActivationInt8WeightConfig,
            IntxWeightOnlyConfig, MappingType, quantize_)
        from torchao.quantization.granularity import PerAxis, PerGroup
        def config(c):
            if "config" in c:
                return Int8DynamicActivationInt8WeightConfig()
            size = c["group_size"]
            return IntxWeightOnlyConfig(
                weight_dtype=getattr(torch, c["weight_dtype"]),
                granularity=PerAxis(0) if size == -1 else PerGroup(size),
                mapping_type=MappingType[c["mapping_type"]])
        table = json.load(open(\(request.pythonPath)))
        names = {**table["modules"], **table["fused"]}
        quantize_(model, FqnToConfig(OrderedDict(
            (name, c and config(c)) for name, c in names.items())), filter_fn=None)
        """),
      notes: [
        "torchao keeps one byte a code: the saved model is larger than the policy's bytes below 8 bits"
      ])
  }

  /// A module's name, unless it would be read as a pattern.
  private func key(_ name: String) -> String {
    name.hasPrefix("re:") ? "re:\(regexEscaped(name))" : name
  }

  private func pattern(_ key: String) -> LayerRules.Pattern {
    key.hasPrefix("re:") ? .regex(String(key.dropFirst(3)), .whole) : .exact(key)
  }

  private func entry(_ setting: Setting) -> Document {
    guard !setting.isFull else { return .null }
    if let pair = Self.pairs[setting.name] { return ["config": Document(pair)] }
    return [
      "weight_dtype": Document(setting.code),
      "group_size": Document(setting.groupSizeOrChannel ?? -1),
      "mapping_type": setting.isSymmetric ? "SYMMETRIC" : "ASYMMETRIC",
    ]
  }

  /// The table, or the `quantization_config` of a model that was saved with `FqnToConfig`.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    let configuration = root["quantization_config"] ?? root
    var rules = LayerRules(.exactThenFirst)
    if let saved = configuration["quant_type"]?["default"]?["_data"]?["fqn_to_config"] {
      for (key, field) in try saved.entries() {
        let treatment: Treatment = field.isNull ? .untouched : .quantized(try stored(field))
        if key == "_default" {
          rules.addDefault(.kind(.linear), treatment)
        } else {
          rules.add(pattern(key), treatment)
        }
      }
      rules.addDefault(.any, .untouched)
      return rules
    }
    for (key, field) in try configuration.required("modules").entries() {
      guard !field.isNull else {
        rules.add(pattern(key), .untouched)
        continue
      }
      if let configuration = try field["config"]?.string() {
        rules.add(pattern(key), .quantized(try pair(field, configuration)))
        continue
      }
      rules.add(
        pattern(key),
        .quantized(
          try setting(
            field, type: field.required("weight_dtype").string(),
            size: field.required("group_size").integer(),
            mapping: field.required("mapping_type").string())))
    }
    return rules
  }

  /// An `IntxWeightOnlyConfig` as torchao writes it.
  private func stored(_ field: Field) throws -> Setting {
    let kind = try field.required("_type").string()
    let data = try field.required("_data")
    guard kind == "IntxWeightOnlyConfig" else { return try pair(field, kind) }
    let granularity = try data.required("granularity")
    let size = try granularity["_data"]?["group_size"]?.integer() ?? -1
    return try setting(
      field, type: data.required("weight_dtype").required("_data").string(), size: size,
      mapping: data["mapping_type"]?["_data"]?.string() ?? "SYMMETRIC")
  }

  /// A configuration of weights and inputs.
  private func pair(_ field: Field, _ configuration: String) throws -> Setting {
    guard let name = Self.pairs.first(where: { $0.value == configuration })?.key else {
      throw field.mistake("is a \(configuration), which has no format here")
    }
    return try Setting.named(name)
  }

  private func setting(_ field: Field, type: String, size: Int, mapping: String) throws -> Setting {
    guard type.hasPrefix("int"), let bits = Int(type.dropFirst(3)) else {
      throw field.mistake("has the type '\(type)'")
    }
    return try field.reading {
      try Setting.integer(
        bits: bits, size == -1 ? .channel : .group(size),
        symmetric: mapping.hasPrefix("SYMMETRIC"))
    }
  }
}
