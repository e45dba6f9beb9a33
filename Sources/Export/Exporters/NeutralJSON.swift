public import Vocabulary

/// The neutral policy as it is: the file that `export`, `verify` and everything else here reads.
public struct NeutralJSON: Exporter {
  /// The name used on the command line.
  public static let id = "json"
  /// Who reads this.
  public static let summary = "the neutral policy file (\(Policy.schema))"
  /// The file's usual name.
  public static let fileName = "policy.json"
  /// The policy's own names.
  public static let naming = Naming.policy
  /// Formats are there by name.
  public static let tellsFloatsApart = true
  /// Activations are there too.
  public static let takesActivations = true

  /// The exporter; it has no options.
  public init() {}

  /// Everything.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool { true }

  /// The policy with sorted keys.
  public func write(_ request: ExportRequest) throws -> Recipe {
    Recipe(
      text: try PolicyFile.text(request.policy),
      next: "bitbudget verify MODEL \(shellQuoted(request.path)) --data HELDOUT")
  }

  /// The formats of a neutral policy.
  public func rules(in text: String, file: String) throws -> LayerRules {
    var rules = LayerRules(.first)
    for layer in try PolicyFile.value(of: text, name: file).layers {
      rules.add(.exact(layer.name), .quantized(try Setting.named(layer.format)))
    }
    return rules
  }
}
