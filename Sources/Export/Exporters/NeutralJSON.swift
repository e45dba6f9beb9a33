public import Vocabulary

/// The neutral policy as it is: the file that `export`, `verify` and everything else here reads.
public struct NeutralJSON: Exporter {
  /// The name used on the command line.
  public static let id = "json"
  /// Who reads this.
  public static let summary = "the neutral policy file (\(Policy.schema))"

  /// The exporter; it has no options.
  public init() {}

  /// The policy with sorted keys.
  public func text(for policy: Policy) throws -> String { try PolicyFile.text(policy) }
}
