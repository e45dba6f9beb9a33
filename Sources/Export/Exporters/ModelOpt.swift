public import Vocabulary

/// NVIDIA ModelOpt's ordered `quant_cfg`, with the layout that its export will have.
///
/// Everything off first, then every weight quantizer by its exact path; the last match holds there. Its
/// export stops at layers of one input that have different formats, so such a policy is refused.
public struct ModelOpt: Exporter {
  /// The name used on the command line.
  public static let id = "modelopt"
  /// Who reads this.
  public static let summary = "quant_cfg for NVIDIA ModelOpt, and the layers of its mixed export"
  /// The file's usual name.
  public static let fileName = "modelopt.json"
  /// What ModelOpt finds to have one input, in decoders and in BERT.
  public static let fusing: (runtime: String, parts: [FusedParts])? = (
    "ModelOpt", FusedParts.vLLM + [FusedParts(parts: ["query", "key", "value"], whole: "qkv")]
  )
  /// `export_hf_checkpoint` asserts it.
  public static let needsOneFormatForSiblings = true

  /// `FP8` alone: weights and inputs of one range each.
  public static let takesActivations = true

  private static let suffix = ".weight_quantizer"
  private static let inputSuffix = ".input_quantizer"
  private static let float8 = "fp8-e4m3-tensor/fp8-e4m3-tensor"

  /// The exporter; it has no options.
  public init() {}

  /// Symmetric 4-bit groups, 8-bit channels, MXFP4 and NVFP4: what ModelOpt exports for weights alone; and
  /// FP8 weights with FP8 inputs.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    setting.isFull || kind == .linear && attributes(setting) != nil
  }

  private func attributes(_ setting: Setting) -> Document? {
    guard setting.input == nil else {
      return setting.name == Self.float8 ? ["num_bits": [4, 3], "axis": .null] : nil
    }
    switch setting.family {
    case .integer:
      guard setting.isSymmetric else { return nil }
      if setting.bits == 4, let size = setting.groupSize {
        return ["num_bits": 4, "block_sizes": .object([("-1", Document(size))])]
      }
      guard setting.bits == 8, setting.granularity == .channel else { return nil }
      return ["num_bits": 8, "axis": 0]
    case .microscaled:
      let (size, scale): (Int, Document)
      switch setting.name {
      case "nvfp4": (size, scale) = (16, [4, 3])
      case "mxfp4": (size, scale) = (32, [8, 0])
      default: return nil
      }
      return [
        "num_bits": [2, 1],
        "block_sizes": .object([
          ("-1", Document(size)), ("type", "dynamic"), ("scale_bits", scale),
        ]),
      ]
    case .float, .normal, .ternary, .gguf, .mlx, .full: return nil
    }
  }

  /// What ModelOpt calls the setting when it exports it.
  private func algorithm(_ setting: Setting) -> Document {
    if setting.name == Self.float8 { return ["quant_algo": "FP8"] }
    return switch (setting.family, setting.bits) {
    case (.integer, 8): ["quant_algo": "W8A16"]
    case (.integer, _):
      [
        "quant_algo": "W4A16_AWQ", "group_size": Document(setting.groupSize ?? 128),
        "has_zero_point": false,
      ]
    default:
      [
        "quant_algo": setting.code == "nvfp4" ? "W4A16_NVFP4" : "mxfp4",
        "group_size": Document(setting.groupSize ?? 16),
      ]
    }
  }

  /// `quant_cfg`, and `quantized_layers` as they will stand in `hf_quant_config.json`.
  public func write(_ request: ExportRequest) throws -> Recipe {
    var list: [Document] = [["quantizer_name": "*", "enable": false]]
    for layer in request.layers {
      let name = Document(globEscaped(layer.name) + Self.suffix)
      if let attributes = attributes(layer.setting) {
        list.append(.object([("quantizer_name", name), ("cfg", attributes)]))
        if layer.setting.input != nil {
          let input = Document(globEscaped(layer.name) + Self.inputSuffix)
          list.append(.object([("quantizer_name", input), ("cfg", attributes)]))
        }
      } else {
        list.append(["quantizer_name": name, "enable": false])
      }
    }
    let layout = Document.object([
      ("quant_algo", "MIXED_PRECISION"), ("kv_cache_quant_algo", .null),
      ("quantized_layers", .object(request.quantized.map { ($0.name, algorithm($0.setting)) })),
    ])
    return Recipe(
      text: Document.object([
        ("algorithm", "max"), ("quant_cfg", Document(value: .list(list))), ("quantization", layout),
      ]).json,
      next: python(
        "json, modelopt.torch.quantization as mtq",
        """
        from modelopt.torch.export import export_hf_checkpoint
        def python(value, key=None):  # JSON has neither tuples nor whole numbers as keys
            if isinstance(value, dict):
                return {-1 if k == "-1" else k: python(v, k) for k, v in value.items()}
            return tuple(value) if key in ("num_bits", "scale_bits") and isinstance(value, list) else value
        policy = json.load(open(\(request.pythonPath)))
        config = {"algorithm": policy["algorithm"], "quant_cfg": [python(e) for e in policy["quant_cfg"]]}
        mtq.quantize(model, config, forward_loop)
        export_hf_checkpoint(model, export_dir="OUT")
        """),
      notes: ["vLLM reads W4A16_AWQ and W8A16 layers of a mixed export as unquantized, silently"])
  }

  /// A `quant_cfg`, of which the last match holds; or the `quantized_layers` of an exported model.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    var rules = LayerRules(.last)
    guard let list = root["quant_cfg"] else {
      let layout = root["quantization"] ?? root["quantization_config"] ?? root
      for (name, field) in try layout.required("quantized_layers").entries() {
        rules.add(.exact(name), .quantized(try exported(field)))
      }
      rules.addDefault(.any, .untouched)
      return rules
    }
    for entry in try list.items() {
      // A range of the input is what makes 8-bit floats here FP8; other inputs have no format here.
      let name = try entry.required("quantizer_name").string()
      if let glob = modules(of: name) {
        if let attributes = entry["cfg"] {
          rules.add(.glob(glob), .quantized(try setting(attributes)))
        } else if try entry["enable"]?.boolean() == false {
          rules.add(.glob(glob), .untouched)
        }
      } else if !name.hasSuffix("input_quantizer") && !name.hasSuffix("output_quantizer") {
        throw entry.mistake("names '\(name)', which is no weight quantizer")
      }
    }
    return rules
  }

  /// The shell pattern of the modules whose weight quantizers a pattern matches; nil for others.
  private func modules(of pattern: String) -> String? {
    if pattern == "*" { return pattern }
    guard pattern.hasSuffix(Self.suffix.dropFirst()) else { return nil }
    let rest = pattern.dropLast(Self.suffix.count - 1)
    if rest.hasSuffix("*") { return String(rest) }
    return rest.hasSuffix(".") ? String(rest.dropLast()) : nil
  }

  private func setting(_ field: Field) throws -> Setting {
    let blocks = field["block_sizes"]
    let size = try blocks?["-1"]?.integer()
    let bits = try field.required("num_bits")
    if case .list = bits.document.value {
      if try bits.integers() == [4, 3], size == nil, field["axis"] == nil {
        return try Setting.named(Self.float8)
      }
      guard try bits.integers() == [2, 1], let size else {
        throw field.mistake("is a float that has no format here")
      }
      return try Setting.named(size == 16 ? "nvfp4" : "mxfp4")
    }
    let width = try bits.integer()
    let granularity: Setting.Granularity =
      size.map { .group($0) } ?? (field["axis"] == nil ? .tensor : .channel)
    return try field.reading { try Setting.integer(bits: width, granularity, symmetric: true) }
  }

  private func exported(_ field: Field) throws -> Setting {
    let size = try field["group_size"]?.integer() ?? 128
    switch try field.required("quant_algo").string() {
    case "W4A16_AWQ":
      return try field.reading { try Setting.integer(bits: 4, .group(size), symmetric: true) }
    case "W8A16": return try Setting.named("int8-channel")
    case "W4A16_NVFP4", "NVFP4": return try Setting.named("nvfp4")
    case "mxfp4", "MXFP4": return try Setting.named("mxfp4")
    case "FP8": return try Setting.named(Self.float8)
    case let other: throw field.mistake("has the quant_algo '\(other)', which has no format here")
    }
  }
}
