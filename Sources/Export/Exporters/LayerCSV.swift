public import Vocabulary

/// One row a layer, for spreadsheets and data frames (RFC 4180).
public struct LayerCSV: Exporter {
  /// The name used on the command line.
  public static let id = "csv"
  /// Who reads this.
  public static let summary = "one row per layer, for spreadsheets"
  /// The file's usual name.
  public static let fileName = "policy.csv"
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

  /// A header and a row for every layer, in the policy's order.
  public func write(_ request: ExportRequest) throws -> Recipe {
    var rows = [
      ["layer", "tensor", "kind", "group", "weight", "activation", "bytes", "pinned", "why"]
    ]
    for layer in request.policy.layers {
      rows.append([
        layer.name, layer.tensor, layer.kind.rawValue, "\(layer.group)", layer.weight,
        layer.activation, "\(layer.bytes)", "\(layer.pinned)", layer.why,
      ])
    }
    return Recipe(
      text: rows.map { $0.map(quotedField).joined(separator: ",") + "\n" }.joined(),
      next: "python -c \"import pandas; print(pandas.read_csv('\(request.path)'))\"")
  }

  /// The columns `layer`, `weight` and, where it is there, `activation` of a table with a header.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let rows = try fields(text, file: file)
    guard let header = rows.first, let name = header.firstIndex(of: "layer"),
      let weight = header.firstIndex(of: "weight")
    else { throw UserError(.failed, "'\(file)' has no columns 'layer' and 'weight'") }
    let activation = header.firstIndex(of: "activation")
    var rules = LayerRules(.first)
    for (index, row) in rows.enumerated().dropFirst() {
      guard row.count == header.count else {
        throw UserError(
          .failed,
          "'\(file)' row \(index + 1) has \(row.count) fields, and the header \(header.count)")
      }
      let input = activation.map { row[$0] } ?? "none"
      let format = input == "none" ? row[weight] : "\(row[weight])/\(input)"
      rules.add(.exact(row[name]), .quantized(try Setting.named(format)))
    }
    return rules
  }

  /// A field, in quotes where it holds what would end it.
  private func quotedField(_ field: String) -> String {
    // Scalars and not characters: "\r\n" is one character that equals neither half.
    guard field.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else {
      return field
    }
    return "\""
      + field.split(separator: "\"", omittingEmptySubsequences: false)
      .joined(separator: "\"\"") + "\""
  }

  private func fields(_ text: String, file: String) throws -> [[String]] {
    var rows: [[String]] = []
    var row: [String] = []
    var field = String.UnicodeScalarView()
    var isQuoted = false
    var scalars = text.unicodeScalars[...]
    while let scalar = scalars.popFirst() {
      if isQuoted {
        if scalar != "\"" {
          field.append(scalar)
        } else if scalars.first == "\"" {
          field.append(scalar)
          scalars.removeFirst()
        } else {
          isQuoted = false
        }
      } else if scalar == "\"" {
        isQuoted = true
      } else if scalar == "," || scalar == "\n" {
        row.append(String(field))
        field = .init()
        if scalar == "\n" {
          rows.append(row)
          row = []
        }
      } else if scalar != "\r" {
        field.append(scalar)
      }
    }
    guard !isQuoted else { throw UserError(.failed, "'\(file)' ends inside a quoted field") }
    if !row.isEmpty || !field.isEmpty { rows.append(row + [String(field)]) }
    return rows
  }
}
