public import Vocabulary

/// Brevitas' `layerwise_quantize`, as a table of modules and the Python that uses it.
public struct Brevitas: Exporter {
  /// The name used on the command line.
  public static let id = "brevitas"
  /// Who reads this.
  public static let summary = "a table of bit-widths for Brevitas, with the Python that uses it"
  /// The file's usual name.
  public static let fileName = "brevitas.json"

  /// The exporter; it has no options.
  public init() {}

  /// Integers by channel or tensor, for linear layers and convolutions.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    setting.isFull
      || kind != .embedding && setting.family == .integer && setting.groupSize == nil
  }

  private static func quantizer(_ granularity: Setting.Granularity, symmetric: Bool) -> String {
    (symmetric ? "Int8" : "ShiftedUint8")
      + (granularity == .channel ? "WeightPerChannelFloat" : "WeightPerTensorFloat")
  }

  private var table: ModuleTable {
    ModuleTable { setting in
      [
        ("bit_width", Document(setting.bits)),
        (
          "weight_quant",
          Document(Self.quantizer(setting.granularity, symmetric: setting.isSymmetric))
        ),
      ]
    } setting: { field in
      let bits = try field.required("bit_width").integer()
      let quantizer = try field.required("weight_quant").string()
      for granularity in [Setting.Granularity.channel, .tensor] {
        for isSymmetric in [true, false]
        where quantizer == Self.quantizer(granularity, symmetric: isSymmetric) {
          return try Setting.integer(bits: bits, granularity, symmetric: isSymmetric)
        }
      }
      throw UserError(.failed, "the quantizer '\(quantizer)' has no format here")
    }
  }

  /// Width and quantizer class of every module.
  public func write(_ request: ExportRequest) throws -> Recipe {
    Recipe(
      text: table.text(request),
      next: python(
        "json, torch, brevitas.nn as qnn, brevitas.quant as quant",
        """
        from brevitas.graph.quantize import layerwise_quantize
        policy = json.load(open(\(request.pythonPath)))
        # One pass for each quantizer class; modules of other classes and skipped ones are left alone.
        for name in sorted({c["weight_quant"] for c in policy.values() if c}):
            others = [n for n, c in policy.items() if not c or c["weight_quant"] != name]
            options = {"weight_quant": getattr(quant, name), "return_quant_tensor": False,
                "weight_bit_width": lambda module, name: policy[name]["bit_width"]}
            model = layerwise_quantize(model, name_blacklist=others, compute_layer_map={
                torch.nn.Linear: (qnn.QuantLinear, options), torch.nn.Conv2d: (qnn.QuantConv2d, options)})
        """))
  }

  /// The table's modules.
  public func rules(in text: String, file: String) throws -> LayerRules {
    try table.rules(in: text, file: file)
  }
}
