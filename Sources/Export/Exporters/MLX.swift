public import Vocabulary

/// MLX's `quantization` of config.json: a width, group and mode for every module path.
public struct MLX: Exporter {
  /// The name used on the command line.
  public static let id = "mlx"
  /// Who reads this.
  public static let summary = "per-module quantization for mlx_lm (config.json)"
  /// The file's usual name.
  public static let fileName = "quantization.json"

  private static let widths = [2, 3, 4, 5, 6, 8]
  private static let groups = [32, 64, 128]

  /// The exporter; it has no options.
  public init() {}

  /// MLX's integers, ours with an offset in groups of 32, 64 or 128, and MLX's narrow floats.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    setting.isFull || kind != .convolution && entry(stored(setting)) != nil
  }

  /// Integers with an offset, and 4-bit floats with a power of two, are the same codes in MLX, rounded
  /// its way. (Its `nvfp4` has no scale of the tensor, and so other bytes.)
  public func stored(_ setting: Setting) -> Setting {
    if setting.name == "mxfp4" { return (try? Setting.named("mlx-mxfp4")) ?? setting }
    guard setting.family == .integer, !setting.isSymmetric, let size = setting.groupSize else {
      return setting
    }
    return (try? Setting.named("mlx\(setting.bits)-g\(size)")) ?? setting
  }

  private func entry(_ setting: Setting) -> Document? {
    switch setting.family {
    case .mlx where setting.isSymmetric:
      // `mlx-nvfp4` has the mode `nvfp4`.
      return [
        "bits": Document(setting.bits), "group_size": Document(setting.groupSize ?? 32),
        "mode": Document(String(setting.code.dropFirst("mlx-".count))),
      ]
    case .mlx:
      guard let size = setting.groupSize, Self.groups.contains(size),
        Self.widths.contains(setting.bits)
      else { return nil }
      return ["bits": Document(setting.bits), "group_size": Document(size), "mode": "affine"]
    case .microscaled:
      guard ["mxfp8", "mxfp8-e4m3"].contains(setting.name) else { return nil }
      return ["bits": 8, "group_size": 32, "mode": "mxfp8"]
    case .integer, .float, .normal, .ternary, .gguf, .full: return nil
    }
  }

  /// The object `quantization`, `false` for modules that stay as they are.
  public func write(_ request: ExportRequest) throws -> Recipe {
    // A module whose rows the global group does not divide is never asked about: 32 asks most.
    var entries: [(String, Document)] = [("group_size", 32), ("bits", 4), ("mode", "affine")]
    entries += request.layers.map { ($0.name, entry($0.setting) ?? false) }
    return Recipe(
      text: Document.object([("quantization", .object(entries))]).json,
      next: python(
        "json",
        """
        from pathlib import Path
        from mlx_lm.utils import load_model, quantize_model, save_config, save_model
        policy = json.load(open(\(request.pythonPath)))["quantization"]
        model, config = load_model(Path("MODEL"), lazy=True)
        model, config = quantize_model(
            model, config, 32, 4, quant_predicate=lambda path, module: policy.get(path, False))
        Path("OUT").mkdir(exist_ok=True)
        save_model("OUT", model)
        save_config(config, config_path=Path("OUT") / "config.json")
        """),
      notes: [
        "mlx_lm.convert takes no policy on its command line; copy the tokenizer's files to OUT"
      ])
  }

  /// The entries by exact path, `false` for what stays as it is; what has none takes the file's own width.
  ///
  /// A config.json that MLX wrote does not list modules that it left alone: only the weights tell those
  /// from modules of the file's own width.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    let table = root["quantization"] ?? root["quantization_config"] ?? root
    var rules = LayerRules(.first)
    for (key, field) in try table.entries() where !["group_size", "bits", "mode"].contains(key) {
      switch field.document.value {
      case .boolean(false): rules.add(.exact(key), .untouched)
      case .boolean(true): rules.add(.exact(key), .quantized(try setting(table)))
      case .object: rules.add(.exact(key), .quantized(try setting(field)))
      default: continue
      }
    }
    if table["bits"] != nil { rules.addDefault(.any, .quantized(try setting(table))) }
    return rules
  }

  private func setting(_ field: Field) throws -> Setting {
    let mode = try field["mode"]?.string() ?? "affine"
    guard mode == "affine" else {
      return try field.reading { try Setting.named(mode == "mxfp8" ? mode : "mlx-\(mode)") }
    }
    let bits = try field.required("bits").integer()
    let size = try field.required("group_size").integer()
    return try field.reading { try Setting.named("mlx\(bits)-g\(size)") }
  }
}
