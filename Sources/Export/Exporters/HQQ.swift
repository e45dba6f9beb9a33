public import Vocabulary

/// HQQ's `HQQLinear`, module by module, from a table.
///
/// HQQ's own configuration has no block numbers in its keys, so it cannot tell depths apart.
public struct HQQ: Exporter {
  /// The name used on the command line.
  public static let id = "hqq"
  /// Who reads this.
  public static let summary = "a table for HQQLinear, with the Python that replaces the modules"
  /// The file's usual name.
  public static let fileName = "hqq.json"

  /// The exporter; it has no options.
  public init() {}

  /// Integers with an offset by group, but not 7 bits, for linear layers.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    guard !setting.isFull else { return true }
    return kind == .linear && setting.family == .integer && !setting.isSymmetric
      && setting.bits != 7 && (setting.groupSize ?? 1) % 8 == 0
  }

  private var table: ModuleTable {
    ModuleTable { setting in
      [
        ("nbits", Document(setting.bits)), ("group_size", Document(setting.groupSize ?? 64)),
        ("axis", 1),
      ]
    } setting: { field in
      try Setting.integer(
        bits: field.required("nbits").integer(),
        .group(field.required("group_size").integer()), symmetric: false)
    }
  }

  /// Width and group of every module.
  public func write(_ request: ExportRequest) throws -> Recipe {
    Recipe(
      text: table.text(request),
      next: python(
        "json, torch",
        """
        from hqq.core.quantize import BaseQuantizeConfig, HQQLinear
        policy = json.load(open(\(request.pythonPath)))
        for name, c in policy.items():
            if c:
                parent, _, child = name.rpartition(".")
                parent = model.get_submodule(parent)
                setattr(parent, child, HQQLinear(getattr(parent, child), BaseQuantizeConfig(**c),
                    compute_dtype=torch.float16, device="cuda"))
        """),
      notes: [
        "HQQ fits its offsets to the weights, so its integers are not those that were measured"
      ])
  }

  /// The table's modules.
  public func rules(in text: String, file: String) throws -> LayerRules {
    try table.rules(in: text, file: file)
  }
}
