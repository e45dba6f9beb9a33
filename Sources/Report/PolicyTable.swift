public import Vocabulary

/// A policy in a terminal: bits of every layer, and how much goes into which format.
public enum PolicyTable {
  /// Lines of text: a summary, the layers, a histogram of formats.
  ///
  /// Networks of repeated blocks are shown as a strip, one row a module and one column a block;
  /// everything else is a line a layer. Layers with the user's pins are marked with `*`.
  ///
  /// - Parameter weights: The number of weights per layer of the policy, for shares of weights; nil
  ///   counts bytes.
  public static func render(_ policy: Policy, weights: [Int]? = nil) -> String {
    if let weights, weights.count != policy.layers.count {
      fatalError("\(policy.layers.count) layers, got \(weights.count) weights")
    }
    let strip = BitStrip(policy.layers)
    var lines = summary(policy)
    lines.append("")
    if let strip {
      lines += strip.lines
      if !strip.others.isEmpty {
        lines.append("")
        lines += table(strip.others.map { policy.layers[$0] })
      }
    } else {
      lines += table(policy.layers)
    }
    lines.append("")
    lines += histogram(policy, weights: weights)
    return lines.map { $0 + "\n" }.joined()
  }

  private static func summary(_ policy: Policy) -> [String] {
    var lines = [
      "\(policy.model.name): \(ByteCount(policy.bytes)), \(fixed(policy.bpw, digits: 3)) bpw",
      "predicted loss \(significant(policy.predicted.loss)) \(policy.predicted.unit), "
        + "within \(significant(100 * policy.predicted.gap, digits: 2)) % of the optimum",
    ]
    if let verified = policy.verified {
      lines.append(
        "verified loss \(significant(verified.loss)) "
          + "[\(significant(verified.low)), \(significant(verified.high))]"
          + (verified.uniform.map { uniform in
            "; best uniform \(uniform.format): \(significant(uniform.loss))"
          } ?? ""))
    }
    return lines
  }

  private static func table(_ layers: [Policy.LayerChoice]) -> [String] {
    var table = TextTable([("layer", .left), ("format", .left), ("size", .right)])
    for layer in layers {
      table.rows.append([
        shortened(layer.name, to: 60), layer.weight + (layer.pinned ? " *" : ""),
        shortSize(layer.bytes),
      ])
    }
    return table.lines
  }

  private static func histogram(_ policy: Policy, weights: [Int]?) -> [String] {
    var formats: [(name: String, layers: Int, amount: Double)] = []
    for (index, layer) in policy.layers.enumerated() {
      let amount = Double(weights?[index] ?? layer.bytes)
      if let known = formats.firstIndex(where: { $0.name == layer.weight }) {
        formats[known].layers += 1
        formats[known].amount += amount
      } else {
        formats.append((layer.weight, 1, amount))
      }
    }
    formats.sort { ($0.amount, $1.name) > ($1.amount, $0.name) }
    let total = max(1, formats.reduce(0) { $0 + $1.amount })
    var table = TextTable([
      ("format", .left), ("layers", .right), (weights == nil ? "of bytes" : "of weights", .right),
      ("", .left),
    ])
    for format in formats {
      let share = format.amount / total
      table.rows.append([
        format.name, "\(format.layers)", "\(fixed(100 * share, digits: 1)) %",
        bar(share, width: 32),
      ])
    }
    return table.lines
  }

  /// A bar in eighths of a character.
  private static func bar(_ share: Double, width: Int) -> String {
    let eighths = Int((share * Double(8 * width)).rounded())
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    return String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
  }
}
