import Tuning
import Vocabulary

/// The proof of one budget as cells of a page's table.
struct ProofRow {
  let result: ModelResults.BudgetResult

  /// The budget as it was given.
  var budget: String { "\(result.limit) bpw" }

  /// Bytes of the whole model.
  var bytes: String { "\(result.policy.bytes)" }

  /// Bits per weight that are used.
  var bpw: String { fixed(result.policy.bpw, digits: 3) }

  /// What the policy loses, with its interval.
  var loss: String {
    let policy = result.verification.policy
    return "\(significant(policy.loss)) \(range(policy.interval))"
  }

  /// The best uniform format and what it loses.
  var uniform: String {
    guard let best = result.verification.bestUniform else { return "none is as small" }
    return "\(best.format ?? best.name): \(significant(best.loss))"
  }

  /// How much more the best uniform format loses, paired by sample, with its interval.
  var excess: String {
    guard let best = result.verification.bestUniform, let excess = best.excess,
      let interval = best.excessInterval
    else { return "" }
    return "\(significant(excess)) \(range(interval))"
  }

  /// Times as much loss as the policy's.
  var factor: String {
    let policy = result.verification.policy.loss
    guard let best = result.verification.bestUniform, policy > 0 else { return "" }
    return "\(significant(best.loss / policy)) x"
  }

  /// Share of unchanged answers: the policy's and the best uniform format's.
  var agreement: String? {
    guard let own = result.verification.policy.agreement else { return nil }
    let other = result.verification.bestUniform?.agreement
    return ([own] + (other.map { [$0] } ?? [])).map { "\(fixed(100 * $0, digits: 1)) %" }
      .joined(separator: " / ")
  }

  /// Perplexity: at full precision, the policy's and the best uniform format's.
  var perplexity: String? {
    guard let own = result.verification.policy.perplexity else { return nil }
    return [
      result.verification.referencePerplexity, own, result.verification.bestUniform?.perplexity,
    ].compactMap(\.self).map { fixed($0, digits: 2) }.joined(separator: " / ")
  }

  /// Who won.
  var verdict: String {
    guard result.verification.bestUniform != nil else { return "nothing to compare with" }
    return switch result.verification.verdict {
    case .policy: "the policy wins"
    case .tie: "too close to call"
    case .uniform: "a uniform format wins"
    }
  }

  private func range(_ interval: Interval) -> String {
    "[\(significant(interval.low)), \(significant(interval.high))]"
  }
}
