public import Vocabulary

/// A table for people: Markdown, a row a layer and a sum.
public struct LayerTable: Exporter {
  /// The name used on the command line.
  public static let id = "markdown"
  /// Who reads this.
  public static let summary = "a Markdown table, for people"
  /// The file's usual name.
  public static let fileName = "policy.md"
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

  /// Title, sizes, and a table of layers.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let policy = request.policy
    var text = "# \(escaped(policy.model.name))\n\n"
    text += "\(policy.layers.count) layers, \(policy.bytes) bytes, "
    text +=
      "\(hundredths(policy.bpw)) bits per weight, chosen by \(escaped(policy.provenance.optimizer)) "
    text += "from \(escaped(policy.provenance.estimator)).\n\n"
    text += "| layer | kind | weight | activation | bytes | why |\n"
    text += "|---|---|---|---|---:|---|\n"
    for layer in policy.layers {
      let cells = [
        layer.name, layer.kind.rawValue, layer.weight, layer.activation, "\(layer.bytes)",
        layer.pinned ? "pinned" : layer.why,
      ]
      text += "| " + cells.map(escaped).joined(separator: " | ") + " |\n"
    }
    return Recipe(text: text, next: "less \(shellQuoted(request.path))")
  }

  private func hundredths(_ value: Double) -> String {
    let whole = Int((value * 100).rounded())
    return "\(whole / 100).\(whole % 100 < 10 ? "0" : "")\(whole % 100)"
  }

  /// A cell: what would end it, or make it something else, is escaped.
  private func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n", "\r": result += " "
      case "\\", "|", "*", "_", "`", "<", "[", "]", "#": result += "\\\(scalar)"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The table's first, third and fourth column.
  public func rules(in text: String, file: String) throws -> LayerRules {
    var rules = LayerRules(.first)
    var found = false
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated() where line.hasPrefix("| ")
    {
      let cells = cells(line)
      guard cells.count == 6 else {
        throw UserError(
          .failed, "'\(file)' line \(index + 1): a row has 6 cells, not \(cells.count)")
      }
      if cells[0] == "layer", cells[2] == "weight" {
        found = true
      } else {
        let format = cells[3] == "none" ? cells[2] : "\(cells[2])/\(cells[3])"
        rules.add(.exact(cells[0]), .quantized(try Setting.named(format)))
      }
    }
    guard found else { throw UserError(.failed, "'\(file)' has no table of layers") }
    return rules
  }

  private func cells(_ line: Substring) -> [String] {
    var cells: [String] = []
    var cell = String.UnicodeScalarView()
    var scalars = line.unicodeScalars.dropFirst()
    while let scalar = scalars.popFirst() {
      if scalar == "\\", let next = scalars.popFirst() {
        cell.append(next)
      } else if scalar == "|" {
        let text = String(cell)
        cells.append(
          String(text.dropFirst(text.hasPrefix(" ") ? 1 : 0).dropLast(text.hasSuffix(" ") ? 1 : 0)))
        cell = .init()
      } else {
        cell.append(scalar)
      }
    }
    return cells
  }
}
