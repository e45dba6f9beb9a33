public import Vocabulary

/// OpenVINO's NNCF: one `compress_weights` for every mode and group size, all other nodes ignored.
public struct NNCF: Exporter {
  /// The name used on the command line.
  public static let id = "nncf"
  /// Who reads this.
  public static let summary = "passes of nncf.compress_weights for OpenVINO"
  /// The file's usual name.
  public static let fileName = "nncf.json"
  /// Nodes of the converted model.
  public static let naming = Naming.openVINO

  /// The exporter; it has no options.
  public init() {}

  /// Integers of 8 bits by channel, of 4 by group or channel, 2 and 3 without offset, NF4 and MX.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    if setting.isFull { return true }
    guard let mode = mode(setting) else { return false }
    return kind != .convolution || mode.hasPrefix("int8")
  }

  private func mode(_ setting: Setting) -> String? {
    switch setting.family {
    case .integer:
      guard setting.granularity != .tensor else { return nil }
      let mode = "int\(setting.bits)_\(setting.isSymmetric ? "sym" : "asym")"
      switch setting.bits {
      case 8: return setting.granularity == .channel ? mode : nil
      case 4: return mode
      case 2, 3: return setting.isSymmetric ? mode : nil
      default: return nil
      }
    case .normal:
      return setting.bits == 4 && setting.scalesPerScale == nil && setting.granularity != .tensor
        ? "nf4" : nil
    case .microscaled:
      switch setting.name {
      case "mxfp4", "nvfp4": return setting.name
      case "mxfp8", "mxfp8-e4m3": return "mxfp8_e4m3"
      default: return nil
      }
    case .float, .ternary, .gguf, .mlx, .full: return nil
    }
  }

  /// `passes`, 3-bit ones last: after them NNCF can make no other.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let groups =
      request.bySetting.filter { $0.setting.bits != 3 }
      + request.bySetting.filter { $0.setting.bits == 3 }
    let passes = groups.map { group -> Document in
      var entries: [(String, Document)] = [("mode", Document(mode(group.setting) ?? ""))]
      if group.setting.bits < 8 || group.setting.family != .integer {
        entries += [
          ("group_size", Document(group.setting.groupSizeOrChannel ?? -1)), ("all_layers", true),
        ]
      }
      return .object(entries + [("nodes", .strings(group.layers.map(\.name)))])
    }
    return Recipe(
      text: Document.object([
        ("passes", Document(value: .list(passes))),
        ("ignored", .strings(request.full.map(\.name))),
      ]).json,
      next: python(
        "json, nncf, openvino",
        """
        model = openvino.Core().read_model("MODEL.xml")
        policy = json.load(open(\(request.pythonPath)))
        every = policy["ignored"] + [n for p in policy["passes"] for n in p["nodes"]]
        for p in policy["passes"]:
            nodes, mode = set(p.pop("nodes")), nncf.CompressWeightsMode(p.pop("mode"))
            ratio = {} if mode.value.startswith("int8") else {"ratio": 1.0}
            ignored = nncf.IgnoredScope(names=[n for n in every if n not in nodes], validate=False)
            model = nncf.compress_weights(model, mode=mode, ignored_scope=ignored, **ratio, **p)
        openvino.save_model(model, "OUT.xml", compress_to_fp16=False)
        """),
      notes: [
        "a weight that the policy does not name is compressed in the first pass: give such nodes to "
          + "`ignored`"
      ])
  }

  /// The passes' nodes by exact name.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    var rules = LayerRules(.first)
    for pass in try root.required("passes").items() {
      let setting = try setting(pass)
      for node in try pass.required("nodes").strings() {
        rules.add(.exact(node), .quantized(setting))
      }
    }
    for node in try root["ignored"]?.strings() ?? [] { rules.add(.exact(node), .untouched) }
    return rules
  }

  private func setting(_ pass: Field) throws -> Setting {
    let mode = try pass.required("mode").string()
    let size = try pass["group_size"]?.integer() ?? -1
    let granularity: Setting.Granularity = size == -1 ? .channel : .group(size)
    if let match = mode.wholeMatch(of: #/int([2348])_(a?)sym/#), let bits = Int(match.output.1) {
      return try pass.reading {
        try Setting.integer(bits: bits, granularity, symmetric: match.output.2.isEmpty)
      }
    }
    return try pass.reading {
      switch mode {
      case "nf4": try Setting.named(size == -1 ? "nf4-channel" : "nf4-g\(size)")
      case "mxfp8_e4m3": try Setting.named("mxfp8")
      default: try Setting.named(mode)
      }
    }
  }
}
