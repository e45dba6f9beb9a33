public import Vocabulary

/// One row a layer, for spreadsheets and data frames (RFC 4180).
public struct LayerCSV: Exporter {
  /// The name used on the command line.
  public static let id = "csv"
  /// Who reads this.
  public static let summary = "one row per layer, for spreadsheets"

  /// The exporter; it has no options.
  public init() {}

  /// A header and a row for every layer, in the policy's order.
  public func text(for policy: Policy) throws -> String {
    var rows = [
      ["layer", "tensor", "kind", "group", "weight", "activation", "bytes", "pinned", "why"]
    ]
    for layer in policy.layers {
      rows.append([
        layer.name, layer.tensor, layer.kind.rawValue, "\(layer.group)", layer.weight,
        layer.activation, "\(layer.bytes)", "\(layer.pinned)", layer.why,
      ])
    }
    return rows.map { $0.map(quoted).joined(separator: ",") + "\n" }.joined()
  }

  /// A field, in quotes where it holds what would end it.
  private func quoted(_ field: String) -> String {
    // Scalars and not characters: "\r\n" is one character that equals neither half.
    guard field.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else {
      return field
    }
    return "\""
      + field.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"") + "\""
  }
}
