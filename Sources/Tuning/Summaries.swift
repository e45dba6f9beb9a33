internal import Foundation
internal import Report
public import Vocabulary

extension Tool {
  /// A value as JSON with sorted keys.
  static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
  }
}

extension VerificationReport {
  /// The part of it that goes into the policy.
  public var verification: Policy.Verification {
    Policy.Verification(
      loss: policy.loss, low: policy.interval.low, high: policy.interval.high, data: data,
      uniform: bestUniform.map {
        .init(format: $0.format ?? "", bytes: $0.bytes, loss: $0.loss)
      })
  }

  /// The table and the verdict, for people.
  public var text: String {
    let rows = entries.map { entry in
      VerificationRow(
        name: entry.name, bytes: entry.bytes, bpw: entry.bpw, mean: entry.loss,
        low: entry.interval.low, high: entry.interval.high, p99: entry.percentile99,
        agreement: entry.agreement, perplexity: entry.perplexity, verdict: comparison(entry))
    }
    var lines = [
      "\(model), \(samples) held-out samples", VerificationTable.render(rows, unit: unit),
    ]
    if let referencePerplexity {
      lines.append("perplexity at full precision: \(fixed(referencePerplexity, digits: 3))")
    }
    if overlapsCalibration {
      lines.append("careful: these are the samples that the policy was measured on")
    }
    lines.append(sentence)
    return lines.joined(separator: "\n")
  }

  private func comparison(_ entry: VerifiedEntry) -> String {
    guard let excess = entry.excess, let interval = entry.excessInterval else { return "" }
    let range = "[\(significant(interval.low)), \(significant(interval.high))]"
    if interval.low > 0 { return "worse by \(significant(excess)) \(range)" }
    if interval.high < 0 { return "better by \(significant(-excess)) \(range)" }
    return "a tie: \(significant(excess)) \(range)"
  }

  /// Who won, in one sentence.
  public var sentence: String {
    guard let uniform = bestUniform else {
      return "no uniform format is as small as the policy: nothing to compare with"
    }
    guard samples >= Self.fewestSamples else {
      return "too few samples to decide anything: give at least \(Self.fewestSamples)"
    }
    switch verdict {
    case .policy:
      return "the policy wins: \(significant(policy.loss)) against \(significant(uniform.loss)) "
        + "\(unit) of \(uniform.name), the best uniform format within the budget"
    case .tie:
      return "the policy loses least, but too little to be sure against \(uniform.name)"
    case .uniform:
      return "\(uniform.name) wins: \(significant(uniform.loss)) against "
        + "\(significant(policy.loss)) \(unit) of the policy"
    }
  }
}

extension Policy {
  /// The policy for people: what it chose, what it uses, what it promises.
  public var summary: String {
    var lines = [PolicyTable.render(self)]
    for spending in budget {
      lines.append(
        "budget \(Budget(spending.kind, spending.limit)): "
          + "\(Budget(spending.kind, Double(significant(spending.used, digits: 6)) ?? spending.used)) used"
      )
    }
    lines.append("whole model: \(ByteCount(bytes)), \(bytes) bytes; \(fixed(bpw, digits: 4)) bpw")
    let proof =
      predicted.gap == 0
      ? "proven optimal" : "within \(significant(100 * predicted.gap)) % of the best"
    lines.append(
      "predicted loss: \(significant(predicted.loss, digits: 4)) \(predicted.unit), \(proof)")
    return lines.joined(separator: "\n")
  }
}

extension AutoReport {
  /// Policy, proof and plot, for people.
  public var text: String {
    let shipped =
      shippedUniform
      ? "shipped: the uniform format, since it does better than the planned policy"
      : "shipped: the planned policy"
    return [
      policy.summary, "", verification.text, "",
      FrontierPlot.render(frontier, budget: Double(policy.bytes)),
      shipped, "written: \(files.joined(separator: ", "))",
    ].joined(separator: "\n")
  }
}
