public import Vocabulary

/// GPTQModel's `dynamic`: anchored patterns that override the base of a `QuantizeConfig`.
///
/// Siblings of one setting share a pattern that also holds the name under which vLLM fuses them; vLLM
/// looks up that name alone.
public struct GPTQModel: Exporter {
  /// The name used on the command line.
  public static let id = "gptqmodel"
  /// Who reads this.
  public static let summary = "QuantizeConfig with dynamic rules, for GPTQModel and vLLM"
  /// The file's usual name.
  public static let fileName = "quantize_config.json"
  /// What vLLM fuses.
  public static let fusing: (runtime: String, parts: [FusedParts])? = ("vLLM", FusedParts.vLLM)

  /// The exporter; it has no options.
  public init() {}

  /// Integers of 2 to 8 bits by group or channel, for linear layers.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    setting.isFull
      || kind == .linear && setting.family == .integer && setting.groupSizeOrChannel != nil
  }

  /// The base is the commonest setting; every layer has a rule of its own nevertheless.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let base = try request.commonest ?? Setting.named("int4-g128-sym")
    var rules: [(String, Document)] = []
    var written: Set<Int> = []
    let sets = FusedParts.vLLM.fused(among: request.layers.map(\.name)).filter { set in
      Set(set.members.map { request.layers[$0].setting }).count == 1
    }
    let setOfFirst = Dictionary(uniqueKeysWithValues: sets.map { ($0.members[0], $0) })
    for index in request.layers.indices where !written.contains(index) {
      let layer = request.layers[index]
      let set = setOfFirst[index]
      written.formUnion(set?.members ?? [index])
      let pattern = set.map { joined($0, request) } ?? regexEscaped(layer.name)
      rules.append(
        layer.setting.isFull
          ? ("-:^\(pattern)$", .object([])) : ("+:^\(pattern)$", rule(layer.setting)))
    }
    let head = request.layers.contains { $0.name == "lm_head" && !$0.setting.isFull }
    let configuration = Document.object(
      fields(base) + [
        ("desc_act", false), ("lm_head", Document(head)), ("dynamic", .object(rules)),
      ])
    return Recipe(
      text: configuration.json,
      next: python(
        "json",
        """
        from gptqmodel import GPTQModel, QuantizeConfig
        model = GPTQModel.load("MODEL", QuantizeConfig(**json.load(open(\(request.pythonPath)))))
        model.quantize(calibration)  # a list of {"input_ids": ..., "attention_mask": ...}
        model.save("OUT")
        """))
  }

  /// Width, group and symmetry.
  private func fields(_ setting: Setting) -> [(String, Document)] {
    [
      ("bits", Document(setting.bits)), ("group_size", Document(setting.groupSizeOrChannel ?? -1)),
      ("sym", Document(setting.isSymmetric)),
    ]
  }

  /// A layer's rule.
  ///
  /// GPTQModel reorders inputs by groups unless it is told not to, and stops where there are none; the
  /// layers with groups keep the reordering, which helps them.
  private func rule(_ setting: Setting) -> Document {
    let isWhole = setting.granularity == .channel
    return .object(fields(setting) + (isWhole ? [("act_group_aware", false)] : []))
  }

  /// `prefix\.(?:q_proj|k_proj|v_proj|qkv_proj)`.
  private func joined(_ set: FusedLayers, _ request: ExportRequest) -> String {
    let names = set.members.map { request.layers[$0].name } + [set.whole]
    let stem = set.whole.lastIndex(of: ".").map { set.whole[...$0] } ?? ""
    let parts = names.map { regexEscaped(String($0.dropFirst(stem.count))) }
    return regexEscaped(String(stem)) + "(?:" + parts.joined(separator: "|") + ")"
  }

  /// Rules that match a name's start, those that skip first; what a rule does not say is the base's.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    let configuration = root["quantization_config"] ?? root
    let base = try setting(configuration, base: nil)
    var skipped: [LayerRules.Pattern] = []
    var overrides: [(LayerRules.Pattern, Treatment)] = []
    for (key, field) in try configuration["dynamic"]?.entries() ?? [] {
      let pattern = LayerRules.Pattern.regex(
        key.hasPrefix("+:") || key.hasPrefix("-:") ? String(key.dropFirst(2)) : key, .start)
      if key.hasPrefix("-:") {
        skipped.append(pattern)
      } else {
        overrides.append((pattern, .quantized(try setting(field, base: base))))
      }
    }
    var rules = LayerRules(.first)
    for pattern in skipped { rules.add(pattern, .untouched) }
    for (pattern, treatment) in overrides { rules.add(pattern, treatment) }
    for kind in [LayerKind.embedding, .convolution] { rules.addDefault(.kind(kind), .untouched) }
    if try configuration["lm_head"]?.boolean() != true {
      rules.addDefault(.exact("lm_head"), .untouched)
    }
    rules.addDefault(.any, .quantized(base))
    return rules
  }

  private func setting(_ field: Field, base: Setting?) throws -> Setting {
    func value<Value>(_ key: String, _ inherited: Value?, _ read: (Field) throws -> Value) throws
      -> Value
    {
      if let inherited { return try field[key].map(read) ?? inherited }
      return try read(field.required(key))
    }
    let bits = try value("bits", base?.bits) { try $0.integer() }
    let size = try value("group_size", base?.groupSizeOrChannel) { try $0.integer() }
    let isSymmetric = try value("sym", base?.isSymmetric ?? true) { try $0.boolean() }
    return try field.reading {
      try Setting.integer(bits: bits, size == -1 ? .channel : .group(size), symmetric: isSymmetric)
    }
  }
}
