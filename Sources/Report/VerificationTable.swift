import Vocabulary

/// What held-out data said of one policy.
public struct VerificationRow: Codable, Hashable, Sendable {
  /// What the policy is called: `policy` or `uniform int4-g64`.
  public var name: String
  /// Bytes of the whole model.
  public var bytes: Int
  /// Bits per weight.
  public var bpw: Double
  /// Mean loss.
  public var mean: Double
  /// Lower end of the mean's 95 % interval.
  public var low: Double
  /// Upper end of the mean's 95 % interval.
  public var high: Double
  /// 99th percentile of the samples' (or tokens') losses.
  public var p99: Double
  /// Share of samples whose most likely class stays the same, 0 to 1, where there are classes.
  public var agreement: Double?
  /// Perplexity on the held-out tokens, where there are tokens.
  public var perplexity: Double?
  /// One word or clause, such as `best`, `worse by 0.012 [0.008, 0.016]`.
  public var verdict: String

  /// One policy's figures.
  public init(
    name: String, bytes: Int, bpw: Double, mean: Double, low: Double, high: Double, p99: Double,
    agreement: Double? = nil, perplexity: Double? = nil, verdict: String
  ) {
    self.name = name
    self.bytes = bytes
    self.bpw = bpw
    self.mean = mean
    self.low = low
    self.high = high
    self.p99 = p99
    self.agreement = agreement
    self.perplexity = perplexity
    self.verdict = verdict
  }
}

/// Policies side by side on the same held-out samples.
public enum VerificationTable {
  /// Lines of text, one a policy; columns that nobody fills are left out.
  ///
  /// - Parameter unit: The unit of the losses, e.g. `nats/token`.
  public static func render(_ rows: [VerificationRow], unit: String) -> String {
    let hasAgreement = rows.contains { $0.agreement != nil }
    let hasPerplexity = rows.contains { $0.perplexity != nil }
    var table = TextTable(
      [
        ("policy", .left), ("size", .right), ("bpw", .right), (unit, .right),
        ("95 % interval", .left),
        ("p99", .right),
      ] + (hasAgreement ? [("top-1 kept", .right)] : [])
        + (hasPerplexity ? [("perplexity", .right)] : []) + [("", .left)])
    for row in rows {
      table.rows.append(
        [
          row.name, shortSize(row.bytes), fixed(row.bpw, digits: 3), significant(row.mean),
          "[\(significant(row.low)), \(significant(row.high))]", significant(row.p99),
        ]
          + (hasAgreement ? [row.agreement.map { "\(fixed(100 * $0, digits: 1)) %" } ?? "–"] : [])
          + (hasPerplexity ? [row.perplexity.map { fixed($0, digits: 2) } ?? "–"] : [])
          + [row.verdict])
    }
    return table.lines.map { $0 + "\n" }.joined()
  }
}
