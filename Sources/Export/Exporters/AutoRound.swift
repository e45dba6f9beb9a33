public import Vocabulary

/// AutoRound's `layer_config`: a scheme for every module by its exact name.
///
/// Exact names only: AutoRound escapes dots itself, and a pattern always beats an exact name.
public struct AutoRound: Exporter {
  /// The name used on the command line.
  public static let id = "autoround"
  /// Who reads this.
  public static let summary = "layer_config for AutoRound, which exports to several runtimes"
  /// The file's usual name.
  public static let fileName = "layer_config.json"
  /// What vLLM fuses.
  public static let fusing: (runtime: String, parts: [FusedParts])? = ("vLLM", FusedParts.vLLM)

  /// The exporter; it has no options.
  public init() {}

  /// Integers by group or channel, but not 8 bits with an offset, for linear layers.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    setting.isFull
      || kind == .linear && setting.family == .integer && setting.groupSizeOrChannel != nil
        && (setting.bits < 8 || setting.isSymmetric)
  }

  /// Width, group and symmetry, or 16 bits for modules that stay as they are.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let entries = request.layers.map { layer -> (String, Document) in
      if layer.setting.isFull { return (layer.name, ["bits": 16]) }
      return (
        layer.name,
        [
          "bits": Document(layer.setting.bits),
          "group_size": Document(layer.setting.groupSizeOrChannel ?? -1),
          "sym": Document(layer.setting.isSymmetric), "data_type": "int",
        ]
      )
    }
    let symmetries = Set(request.quantized.map(\.setting.isSymmetric))
    return Recipe(
      text: Document.object(entries).json,
      next: python(
        "json",
        """
        from auto_round import AutoRound
        config = json.load(open(\(request.pythonPath)))
        AutoRound("MODEL", scheme="W4A16", layer_config=config).quantize_and_save(
            "OUT", format="auto_round")
        """),
      notes: symmetries.count > 1
        ? [
          "some layers are symmetric and some are not, which AutoRound packs but does not load again on a "
            + "CPU; plan with formats of one symmetry for that"
        ] : [])
  }

  /// A `layer_config`, or the `quantization_config` of a model that AutoRound wrote.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    let configuration = root["quantization_config"] ?? root
    var rules = LayerRules(.patternThenExact)
    guard configuration["quant_method"] != nil else {
      for (key, field) in try configuration.entries() {
        rules.add(pattern(key), try treatment(field, base: nil))
      }
      return rules
    }
    let base = try treatment(configuration, base: nil)
    for (key, field) in try configuration["extra_config"]?.entries() ?? [] {
      rules.add(pattern(key), try treatment(field, base: base))
    }
    for kind in [LayerKind.embedding, .convolution] { rules.addDefault(.kind(kind), .untouched) }
    rules.addDefault(.exact("lm_head"), .untouched)
    rules.addDefault(.any, base)
    return rules
  }

  /// Dots that no star follows stand for themselves; a key without other signs is a module's name.
  private func pattern(_ key: String) -> LayerRules.Pattern {
    guard key.contains(where: { "*+?()[]{}|^$\\".contains($0) }) else { return .exact(key) }
    var text = ""
    for index in key.indices {
      let next = key.index(after: index)
      let isLiteral = key[index] == "." && (next == key.endIndex || key[next] != "*")
      text += isLiteral ? "\\." : String(key[index])
    }
    return .regex(text, .search)
  }

  private func treatment(_ field: Field, base: Treatment?) throws -> Treatment {
    if case .string(let preset) = field.document.value {
      guard let match = preset.wholeMatch(of: #/W([2-8])A16(?:G([0-9]+))?/#) else {
        throw field.mistake("is the scheme '\(preset)', which is not known here")
      }
      let size = match.output.2.flatMap { Int($0) } ?? 128
      return .quantized(
        try field.reading {
          try Setting.integer(bits: Int(match.output.1) ?? 4, .group(size), symmetric: true)
        })
    }
    var inherited: Setting?
    if case .quantized(let setting) = base { inherited = setting }
    let type = try field["data_type"]?.string() ?? "int"
    guard type == "int" else { throw field.mistake("has the data_type '\(type)'") }
    let bits = try field["bits"]?.integer() ?? inherited?.bits ?? 4
    if bits >= 16 { return .untouched }
    let size = try field["group_size"]?.integer() ?? inherited?.groupSizeOrChannel ?? 128
    let isSymmetric = try field["sym"]?.boolean() ?? inherited?.isSymmetric ?? true
    return .quantized(
      try field.reading {
        try Setting.integer(
          bits: bits, size == -1 ? .channel : .group(size), symmetric: isSymmetric)
      })
  }
}
