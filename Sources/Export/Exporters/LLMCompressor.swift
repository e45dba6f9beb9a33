internal import Quantization
public import Vocabulary

/// A recipe for llm-compressor, which writes a compressed-tensors checkpoint.
public struct LLMCompressor: Exporter {
  /// The name used on the command line.
  public static let id = "llm-compressor"
  /// Who reads this.
  public static let summary = "a recipe for oneshot(), which packs a checkpoint for vLLM"
  /// The file's usual name.
  public static let fileName = "recipe.yaml"
  /// What vLLM fuses.
  public static let fusing: (runtime: String, parts: [FusedParts])? = ("vLLM", FusedParts.vLLM)

  /// The exporter; it has no options.
  public init() {}

  /// Those of compressed-tensors.
  public static let takesActivations = true

  /// What compressed-tensors takes.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    CompressedTensors().takes(setting, for: kind)
  }

  /// One `QuantizationModifier` with a group per setting.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let modifier: Document = [
      "ignore": .strings(request.full.map { CompressedScheme.target($0.name) }),
      "config_groups": CompressedScheme.groups(of: request, withFormat: false),
    ]
    let recipe = Document.object([
      ("quant_stage", .object([("quant_modifiers", .object([("QuantizationModifier", modifier)]))]))
    ])
    let isCalibrated = request.quantized.contains { $0.setting.input?.isDynamic == false }
    return Recipe(
      text: recipe.yaml,
      next: """
        from transformers import AutoModelForCausalLM
        from llmcompressor import oneshot
        model = AutoModelForCausalLM.from_pretrained("MODEL", dtype="auto")
        oneshot(model=model, recipe=\(request.pythonPath)\(isCalibrated ? ", dataset=dataset" : ""))
        model.save_pretrained("OUT", save_compressed=True)
        """,
      notes: [
        "QuantizationModifier rounds to nearest; with GPTQModifier in its place the same fields hold, and "
          + "oneshot needs a dataset"
      ]
        + (isCalibrated
          ? ["oneshot finds the static ranges of inputs anew, from the dataset that it is given"]
          : [])
    )
  }

  /// The groups of the first modifier that has some.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.yaml(text, file: file), file: file)
    for (_, stage) in try root.entries() {
      let modifiers = try (stage["quant_modifiers"] ?? stage).entries()
      for (_, modifier) in modifiers {
        guard let groups = modifier["config_groups"] else { continue }
        return try CompressedScheme.rules(groups: groups, ignore: modifier["ignore"])
      }
    }
    throw root.mistake("has no modifier with 'config_groups'")
  }
}
