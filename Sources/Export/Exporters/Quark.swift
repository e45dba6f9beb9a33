public import Vocabulary

/// AMD Quark's `QConfig`, as a table of modules from which a few lines of Python build it.
public struct Quark: Exporter {
  /// The name used on the command line.
  public static let id = "quark"
  /// Who reads this.
  public static let summary = "a table for AMD Quark's QConfig, with the Python that builds it"
  /// The file's usual name.
  public static let fileName = "quark.json"

  /// The exporter; it has no options.
  public init() {}

  /// Integers of 2, 3, 4 or 8 bits, 3 without offset, for linear layers.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    setting.isFull
      || kind == .linear && setting.family == .integer && [2, 3, 4, 8].contains(setting.bits)
        && (setting.isSymmetric || setting.bits != 3)
  }

  private var table: ModuleTable {
    ModuleTable { setting in
      let scheme: String =
        switch setting.granularity {
        case .group: "per_group"
        case .channel: "per_channel"
        case .tensor, .unscaled: "per_tensor"
        }
      return [
        ("dtype", Document("\(setting.isSymmetric ? "" : "u")int\(setting.bits)")),
        ("qscheme", Document(scheme)), ("symmetric", Document(setting.isSymmetric)),
        ("group_size", setting.groupSize.map { Document($0) } ?? .null),
      ]
    } setting: { field in
      let bits = try field.required("dtype").integerType().bits
      let granularity: Setting.Granularity
      switch try field.required("qscheme").string() {
      case "per_group": granularity = .group(try field.required("group_size").integer())
      case "per_channel": granularity = .channel
      case "per_tensor": granularity = .tensor
      case let other: throw UserError(.failed, "the qscheme '\(other)' has no format here")
      }
      return try Setting.integer(
        bits: bits, granularity, symmetric: field.required("symmetric").boolean())
    }
  }

  /// Type, scheme, symmetry and group of every module.
  public func write(_ request: ExportRequest) throws -> Recipe {
    Recipe(
      text: table.text(request),
      next: python(
        "glob, json",
        """
        from quark.torch import ModelQuantizer
        from quark.torch.quantization.config.config import QConfig, QLayerConfig, QTensorConfig
        from quark.torch.quantization.config.type import Dtype, QSchemeType, RoundType, ScaleType
        from quark.torch.quantization.observer import observer
        observers = {"per_group": observer.PerGroupMinMaxObserver,
            "per_channel": observer.PerChannelMinMaxObserver, "per_tensor": observer.PerTensorMinMaxObserver}
        def config(c):
            scheme = c["qscheme"]
            axis = {"per_group": -1, "per_channel": 0, "per_tensor": None}[scheme]
            return QLayerConfig(weight=QTensorConfig(
                dtype=Dtype[c["dtype"]], qscheme=QSchemeType[scheme], observer_cls=observers[scheme],
                symmetric=c["symmetric"], group_size=c["group_size"], ch_axis=axis, is_dynamic=False,
                scale_type=ScaleType.float, round_method=RoundType.half_even))
        policy = {glob.escape(name): c for name, c in json.load(open(\(request.pythonPath))).items()}
        quantizer = ModelQuantizer(QConfig(
            global_quant_config=QLayerConfig(),
            layer_quant_config={name: config(c) for name, c in policy.items() if c},
            exclude=[name for name, c in policy.items() if not c]))
        model = quantizer.freeze(quantizer.quantize_model(model, dataloader))
        """))
  }

  /// The table's modules.
  public func rules(in text: String, file: String) throws -> LayerRules {
    try table.rules(in: text, file: file)
  }
}
