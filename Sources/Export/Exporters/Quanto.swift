public import Vocabulary

/// optimum-quanto's quantization map.
///
/// A width fixes the granularity: groups of 128 where they divide the rows for 2 and 4 bits, channels for
/// 8.
public struct Quanto: Exporter {
  /// The name used on the command line.
  public static let id = "quanto"
  /// Who reads this.
  public static let summary = "optimum-quanto's quantization map, with the Python that uses it"
  /// The file's usual name.
  public static let fileName = "quanto_qmap.json"

  private static let types = [
    "int2-g128": "qint2", "int4-g128": "qint4", "int8-channel": "qint8",
    "fp8-e4m3-channel": "qfloat8_e4m3fn", "fp8-e5m2-channel": "qfloat8_e5m2",
  ]

  /// The exporter; it has no options.
  public init() {}

  /// The five types, for linear layers and convolutions.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    setting.isFull || kind != .embedding && Self.types[setting.name] != nil
  }

  /// `weights` and `activations` of every module; `none` where it stays as it is.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let map = request.layers.map { layer -> (String, Document) in
      (
        layer.name,
        ["weights": Document(Self.types[layer.setting.name] ?? "none"), "activations": "none"]
      )
    }
    return Recipe(
      text: Document.object(map).json,
      next: python(
        "glob, json, optimum.quanto as quanto",
        """
        policy = json.load(open(\(request.pythonPath)))
        for qtype in sorted({c["weights"] for c in policy.values()} - {"none"}):
            names = [glob.escape(name) for name, c in policy.items() if c["weights"] == qtype]
            quanto.quantize(model, weights=getattr(quanto, qtype), include=names)
        quanto.freeze(model)
        """))
  }

  /// A quantization map, ours or quanto's; modules that it does not name stay as they are.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.json(text, file: file), file: file)
    var rules = LayerRules(.first)
    for (name, field) in try root.entries() {
      let type = try field.required("weights").string()
      if type == "none" {
        rules.add(.exact(name), .untouched)
      } else if let format = Self.types.first(where: { $0.value == type })?.key {
        rules.add(.exact(name), .quantized(try field.reading { try Setting.named(format) }))
      } else {
        throw field.mistake("has the type '\(type)', which has no format here")
      }
    }
    rules.addDefault(.any, .untouched)
    return rules
  }
}
