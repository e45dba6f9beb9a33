public import Vocabulary

/// coremltools' `OptimizationConfig`: a linear quantizer for every constant by its name.
///
/// A config holds one type of operation. Palettized (non-linear) formats would be a second pass.
public struct CoreMLTools: Exporter {
  /// The name used on the command line.
  public static let id = "coremltools"
  /// Who reads this.
  public static let summary = "OptimizationConfig for coremltools' linear_quantize_weights"
  /// The file's usual name.
  public static let fileName = "coreml.yaml"
  /// Constants of the converted program.
  public static let naming = Naming.coreML

  /// The exporter; it has no options.
  public init() {}

  /// Integers of 4 or 8 bits in any granularity.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    setting.isFull || setting.family == .integer && [4, 8].contains(setting.bits)
  }

  /// `op_name_configs`, null for constants that stay as they are.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let operations = request.layers.map { ($0.name, entry($0.setting)) }
    let configuration = Document.object([
      ("config_type", "OpLinearQuantizerConfig"), ("op_name_configs", .object(operations)),
    ])
    return Recipe(
      text: configuration.yaml,
      next: python(
        "yaml, coremltools as ct, coremltools.optimize.coreml as cto",
        """
        model = ct.models.MLModel("MODEL.mlpackage", skip_model_load=True)
        names = yaml.safe_load(open(\(request.pythonPath)))["op_name_configs"]
        missing = set(names) - set(cto.get_weights_metadata(model, weight_threshold=0))
        assert not missing, missing  # coremltools ignores unknown names
        config = cto.OptimizationConfig.from_yaml(\(request.pythonPath))
        cto.linear_quantize_weights(model, config).save("OUT.mlpackage")
        """),
      notes: [
        "the names are those that coremltools gives to weights of a PyTorch model in float16; 4 bits and "
          + "groups need minimum_deployment_target=iOS18"
      ])
  }

  private func entry(_ setting: Setting) -> Document {
    guard !setting.isFull else { return .null }
    var entries: [(String, Document)] = [
      ("mode", setting.isSymmetric ? "linear_symmetric" : "linear"),
      ("dtype", Document("\(setting.isSymmetric ? "" : "u")int\(setting.bits)")),
    ]
    switch setting.granularity {
    case .group(let size):
      entries += [("granularity", "per_block"), ("block_size", Document(size))]
    case .channel: entries.append(("granularity", "per_channel"))
    case .tensor, .unscaled: entries.append(("granularity", "per_tensor"))
    }
    return .object(entries + [("weight_threshold", 0)])
  }

  /// The entries by exact name.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.yaml(text, file: file), file: file)
    let type = try root.required("config_type").string()
    guard type == "OpLinearQuantizerConfig" else {
      throw root.mistake("is of \(type), and only linear quantizers have formats here")
    }
    var rules = LayerRules(.first)
    for (name, field) in try root["op_name_configs"]?.entries() ?? [] {
      rules.add(.exact(name), field.isNull ? .untouched : .quantized(try setting(field)))
    }
    let fallback = try root["global_config"].map { Treatment.quantized(try setting($0)) }
    rules.addDefault(.any, fallback ?? .untouched)
    return rules
  }

  private func setting(_ field: Field) throws -> Setting {
    let bits = try field["dtype"]?.integerType().bits ?? 8
    let isSymmetric = try field["mode"]?.string() ?? "linear_symmetric" == "linear_symmetric"
    let granularity: Setting.Granularity
    switch try field["granularity"]?.string() ?? "per_channel" {
    case "per_block": granularity = .group(try field.required("block_size").integer())
    case "per_channel": granularity = .channel
    case "per_tensor": granularity = .tensor
    case let other: throw field.mistake("has the granularity '\(other)'")
    }
    return try field.reading {
      try Setting.integer(bits: bits, granularity, symmetric: isSymmetric)
    }
  }
}
