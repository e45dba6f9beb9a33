public import Vocabulary

/// Intel Neural Compressor's `RTNConfig`: anchored patterns under `local`.
public struct NeuralCompressor: Exporter {
  /// The name used on the command line.
  public static let id = "neural-compressor"
  /// Who reads this.
  public static let summary = "RTNConfig for Intel Neural Compressor"
  /// The file's usual name.
  public static let fileName = "rtn.json"

  /// The exporter; it has no options.
  public init() {}

  /// Integers and NF4 by group or channel, for linear layers.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    guard !setting.isFull else { return true }
    guard kind == .linear, setting.groupSizeOrChannel != nil else { return false }
    return setting.family == .integer
      || setting.family == .normal && setting.bits == 4 && setting.scalesPerScale == nil
  }

  /// `local` with a pattern a layer; what is not named stays as it is, the head is not left out.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let local = request.layers.map { ("^\(regexEscaped($0.name))$", entry($0.setting)) }
    return Recipe(
      text: Document.object([
        ("local", .object(local)),
        ("global", .object([("dtype", "fp32"), ("quant_lm_head", true)])),
      ]).json,
      next: python(
        "json",
        """
        from neural_compressor.torch.quantization import RTNConfig, convert, prepare
        config = RTNConfig.from_dict(json.load(open(\(request.pythonPath))))
        model = convert(prepare(model, config))
        """))
  }

  private func entry(_ setting: Setting) -> Document {
    guard !setting.isFull else { return ["dtype": "fp32"] }
    return [
      "dtype": setting.family == .normal ? "nf4" : "int", "bits": Document(setting.bits),
      "use_sym": Document(setting.isSymmetric),
      "group_size": Document(setting.groupSizeOrChannel ?? -1),
    ]
  }

  /// Patterns from a name's start, of which the last match holds; then `global`.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    var rules = LayerRules(.last)
    for (key, field) in try root.required("local").entries() {
      rules.add(.regex(key, .start), try treatment(field))
    }
    // Unless it is told otherwise, the head's own rule comes after all others.
    if try root["global"]?["quant_lm_head"]?.boolean() != true {
      for name in ["lm_head", "output_layer", "embed_out"] {
        rules.add(.regex(".*\(name)", .start), .untouched)
      }
    }
    for kind in [LayerKind.embedding, .convolution] { rules.addDefault(.kind(kind), .untouched) }
    if let global = root["global"] { rules.addDefault(.any, try treatment(global)) }
    return rules
  }

  private func treatment(_ field: Field) throws -> Treatment {
    let type = try field["dtype"]?.string() ?? "int"
    if type == "fp32" { return .untouched }
    let size = try field["group_size"]?.integer() ?? 32
    let granularity: Setting.Granularity = size == -1 ? .channel : .group(size)
    let bits = try field["bits"]?.integer() ?? 4
    let isSymmetric = try field["use_sym"]?.boolean() ?? true
    return .quantized(
      try field.reading {
        switch type {
        case "int": try Setting.integer(bits: bits, granularity, symmetric: isSymmetric)
        case "nf4": try Setting.named(size == -1 ? "nf4-channel" : "nf4-g\(size)")
        default: throw UserError(.failed, "the dtype '\(type)' has no format here")
        }
      })
  }
}
