internal import Quantization
public import Vocabulary

/// The `quantization_config` of compressed-tensors, which transformers and vLLM load.
///
/// Every module by its exact name, in a group per setting or in `ignore`: what library and vLLM make of
/// patterns and classes differs.
public struct CompressedTensors: Exporter {
  /// The name used on the command line.
  public static let id = "compressed-tensors"
  /// Who reads this.
  public static let summary = "quantization_config of config.json, for transformers and vLLM"
  /// The file's usual name.
  public static let fileName = "config.json"
  /// What vLLM fuses.
  public static let fusing: (runtime: String, parts: [FusedParts])? = ("vLLM", FusedParts.vLLM)

  /// The exporter; it has no options.
  public init() {}

  /// Inputs of 8 bits beside weights of 8 bits.
  public static let takesActivations = true

  /// What schemes of compressed-tensors can hold, for linear layers.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    setting.isFull
      || kind == .linear && CompressedScheme.arguments(of: setting) != nil
        && CompressedScheme.inputs(of: setting) != nil
  }

  /// The object `quantization_config`.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let formats = request.bySetting.compactMap { CompressedScheme.format(of: $0.setting) }
    let format = Set(formats).count == 1 ? formats[0] : "mixed-precision"
    let configuration: Document = [
      "quant_method": "compressed-tensors",
      "format": Document(formats.isEmpty ? "dense" : format),
      "quantization_status": "compressed",
      "config_groups": CompressedScheme.groups(of: request, withFormat: true),
      "ignore": .strings(request.full.map { CompressedScheme.target($0.name) }),
      "kv_cache_scheme": .null,
    ]
    return Recipe(
      text: Document.object([("quantization_config", configuration)]).json,
      next: python(
        "json, compressed_tensors.quantization as ct",
        """
        # The key belongs into the config.json of a checkpoint whose weights are packed like this;
        # `bitbudget export --to llm-compressor` writes the recipe that packs them.
        configuration = json.load(open(\(request.pythonPath)))["quantization_config"]
        ct.apply_quantization_config(model, ct.QuantizationConfig(**configuration))
        """))
  }

  /// Groups by exact name, then by regular expression in alphabetical order, then by class.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    let configuration = root["quantization_config"] ?? root["compression_config"] ?? root
    let method = try configuration["quant_method"]?.string() ?? "compressed-tensors"
    guard method == "compressed-tensors" else {
      throw configuration.mistake("is of \(method), not of compressed-tensors")
    }
    return try CompressedScheme.rules(
      groups: configuration.required("config_groups"), ignore: configuration["ignore"])
  }
}

/// The groups that compressed-tensors and llm-compressor have in common.
enum CompressedScheme {
  /// The fields of a group's `weights`; nil where there is no scheme for the setting.
  static func arguments(of setting: Setting) -> Document? {
    switch setting.family {
    case .integer:
      return strategy(
        of: setting, [("num_bits", Document(setting.bits)), ("type", "int")])
    case .float
    where setting.code == "fp8-e4m3" && [.channel, .tensor].contains(setting.granularity):
      return strategy(of: setting, [("num_bits", 8), ("type", "float")])
    case .microscaled:
      switch setting.name {
      case "nvfp4": return small(4, "tensor_group", 16, scale: "torch.float8_e4m3fn")
      case "mxfp4": return small(4, "group", 32, scale: "torch.uint8")
      case "mxfp8", "mxfp8-e4m3": return small(8, "group", 32, scale: "torch.uint8")
      default: return nil
      }
    case .float, .normal, .ternary, .gguf, .mlx, .full: return nil
    }
  }

  /// The fields of a group's `input_activations`, null where inputs stay as they are; nil where vLLM has
  /// no kernel for such inputs beside such weights.
  static func inputs(of setting: Setting) -> Document? {
    guard let input = setting.input else { return .null }
    let bits: [(String, Document)]
    switch input.element {
    case .integer(8, let scheme):
      guard setting.family == .integer, setting.bits == 8, setting.isSymmetric,
        setting.groupSize == nil, input.granularity == .token || !input.isDynamic,
        scheme == .symmetric || scheme == .asymmetric
      else { return nil }
      bits = [
        ("num_bits", 8), ("type", "int"), ("symmetric", Document(scheme == .symmetric)),
      ]
    case .float8(.e4m3):
      guard setting.family == .float else { return nil }
      bits = [("num_bits", 8), ("type", "float"), ("symmetric", true)]
    case .integer, .float8: return nil
    }
    switch input.granularity {
    case .channel: return nil
    case .tensor, .token:
      return .object(
        bits + [
          ("strategy", Document(input.granularity.rawValue)),
          ("dynamic", Document(input.isDynamic)),
        ])
    }
  }

  private static func strategy(of setting: Setting, _ start: [(String, Document)]) -> Document {
    var entries = start + [("symmetric", Document(setting.isSymmetric))]
    switch setting.granularity {
    case .group(let size):
      entries += [("strategy", "group"), ("group_size", Document(size))]
    case .channel: entries.append(("strategy", "channel"))
    case .tensor, .unscaled: entries.append(("strategy", "tensor"))
    }
    return .object(entries + [("dynamic", false)])
  }

  private static func small(_ bits: Int, _ strategy: String, _ size: Int, scale: String) -> Document
  {
    [
      "num_bits": Document(bits), "type": "float", "symmetric": true,
      "strategy": Document(strategy),
      "group_size": Document(size), "dynamic": false, "scale_dtype": Document(scale),
      "zp_dtype": Document(scale),
    ]
  }

  /// How a setting's codes are packed.
  static func format(of setting: Setting) -> String? {
    switch setting.family {
    case .integer: setting.input == nil ? "pack-quantized" : "int-quantized"
    case .float: "float-quantized"
    case .microscaled:
      switch setting.code {
      case "nvfp4": "nvfp4-pack-quantized"
      case "mxfp4": "mxfp4-pack-quantized"
      default: "mxfp8-quantized"
      }
    case .normal, .ternary, .gguf, .mlx, .full: nil
    }
  }

  /// A group per setting, named after its number: saving renames groups anyway.
  static func groups(of request: ExportRequest, withFormat: Bool) -> Document {
    .object(
      request.bySetting.enumerated().map { index, group in
        var entries: [(String, Document)] = [
          ("targets", .strings(group.layers.map { target($0.name) })),
          ("weights", arguments(of: group.setting) ?? .null),
        ]
        let inputs = inputs(of: group.setting) ?? .null
        if withFormat || group.setting.input != nil {
          entries.append(("input_activations", inputs))
        }
        if withFormat {
          entries.append(("output_activations", .null))
          if let format = format(of: group.setting) { entries.append(("format", Document(format))) }
        }
        return ("group_\(index)", .object(entries))
      })
  }

  /// Targets are module names, `re:` and a regular expression, or a class; `ignore` beats them all.
  static func rules(groups: Field, ignore: Field?) throws -> LayerRules {
    var exact: [(String, Treatment)] = []
    var patterns: [(String, Treatment)] = []
    var classes: [(LayerRules.Pattern, Treatment)] = []
    for (name, group) in try groups.entries() {
      let treatment: Treatment
      let targets: Field
      if case .list = group.document.value {
        guard let preset = presets[name.uppercased()] else {
          throw group.mistake("is a preset that is not known here")
        }
        treatment = .quantized(try Setting.named(preset))
        targets = group
      } else {
        treatment = try self.treatment(group)
        targets = try group.required("targets")
      }
      for target in try targets.strings() {
        switch pattern(target) {
        case .exact(let name): exact.append((name, treatment))
        case .regex(let text, _): patterns.append((text, treatment))
        case let other: classes.append((other, treatment))
        }
      }
    }
    // What is ignored comes first; of the regular expressions the alphabetically first one holds.
    var rules = LayerRules(.first)
    for target in try ignore?.strings() ?? [] { rules.add(pattern(target), .untouched) }
    for (name, treatment) in exact { rules.add(.exact(name), treatment) }
    for (text, treatment) in patterns.sorted(by: { $0.0 < $1.0 }) {
      rules.add(.regex(text, .start), treatment)
    }
    for (pattern, treatment) in classes { rules.add(pattern, treatment) }
    rules.addDefault(.any, .untouched)
    return rules
  }

  private static let presets = [
    "W4A16": "int4-g128-sym", "W4A16_ASYM": "int4-g128-asym", "W8A16": "int8-g128-sym",
    "NVFP4A16": "nvfp4", "MXFP4A16": "mxfp4",
    "W8A8": "int8-channel-sym/int8-token", "INT8": "int8-channel-sym/int8-token",
    "FP8": "fp8-e4m3-tensor/fp8-e4m3-tensor", "FP8_DYNAMIC": "fp8-e4m3-channel/fp8-e4m3-token",
  ]

  /// A module's name as a target: itself, unless it would be read as a pattern or a class.
  static func target(_ name: String) -> String {
    if case .exact = pattern(name) { name } else { "re:^\(regexEscaped(name))$" }
  }

  private static func pattern(_ target: String) -> LayerRules.Pattern {
    switch target {
    case "Linear": .kind(.linear)
    case "Embedding": .kind(.embedding)
    case "Conv1d", "Conv2d", "Conv3d": .kind(.convolution)
    default: target.hasPrefix("re:") ? .regex(String(target.dropFirst(3)), .start) : .exact(target)
    }
  }

  private static func treatment(_ group: Field) throws -> Treatment {
    let input = try group["input_activations"].map { try self.input($0) }
    guard let weights = group["weights"] else {
      guard input == nil else { throw group.mistake("quantizes inputs and no weights") }
      return .untouched
    }
    return .quantized(try self.weights(weights).with(input: input))
  }

  private static func input(_ field: Field) throws -> ActivationFormat {
    let symmetric = try field["symmetric"]?.boolean() ?? true
    let granularity: ActivationFormat.Granularity
    switch try field["strategy"]?.string() ?? "tensor" {
    case "token": granularity = .token
    case "tensor": granularity = .tensor
    case let other: throw field.mistake("has the strategy '\(other)'")
    }
    let isDynamic: Bool
    if case .string = field["dynamic"]?.document.value {
      throw field.mistake("has ranges that are partly dynamic, which is not known here")
    } else {
      isDynamic = try field["dynamic"]?.boolean() ?? false
    }
    let bits = try field.required("num_bits").integer()
    if try field["type"]?.string() ?? "int" == "float" {
      guard bits == 8 else { throw field.mistake("is a float that has no format here") }
      return ActivationFormat(.float8(.e4m3), granularity, isDynamic: isDynamic)
    }
    guard ActivationFormat.widths.contains(bits) else {
      throw field.mistake("is of \(bits) bits, which have no format here")
    }
    return ActivationFormat(
      .integer(bits: bits, symmetric ? .symmetric : .asymmetric), granularity,
      isDynamic: isDynamic)
  }

  private static func weights(_ weights: Field) throws -> Setting {
    let bits = try weights.required("num_bits").integer()
    let isSymmetric = try weights["symmetric"]?.boolean() ?? true
    let size = try weights["group_size"]?.integer()
    let strategy = try weights["strategy"]?.string() ?? (size == nil ? "tensor" : "group")
    if try weights["type"]?.string() ?? "int" == "float" {
      switch (bits, strategy, size) {
      case (4, "tensor_group", 16): return try Setting.named("nvfp4")
      case (4, "group", 32): return try Setting.named("mxfp4")
      case (8, "group", 32): return try Setting.named("mxfp8")
      case (8, "channel", _): return try Setting.named("fp8-e4m3-channel")
      case (8, "tensor", _): return try Setting.named("fp8-e4m3-tensor")
      default: throw weights.mistake("is a float that has no format here")
      }
    }
    let granularity: Setting.Granularity? =
      switch (strategy, size) {
      case ("group", let size?): size == -1 ? .channel : .group(size)
      case ("channel", _): .channel
      case ("tensor", _): .tensor
      default: nil
      }
    guard let granularity else { throw weights.mistake("has the strategy '\(strategy)'") }
    return try weights.reading {
      try Setting.integer(bits: bits, granularity, symmetric: isSymmetric)
    }
  }
}
