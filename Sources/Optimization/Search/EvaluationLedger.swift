import Vocabulary

/// What a strategy has been told, and how many evaluations it may still ask for.
///
/// A strategy that looks here first asks for every proposal once, so that each question costs an
/// evaluation and a search on a tiny space comes to its end.
struct EvaluationLedger {
  /// The objective by proposal; a value that is not a number is infinitely bad.
  private var values: [Proposal: Double] = [:]
  /// The index of the measured value that counts.
  private let measured: Int
  /// The evaluations that the search may take.
  private let evaluations: Int

  init(measured: Int, evaluations: Int) {
    self.measured = measured
    self.evaluations = evaluations
  }

  /// The evaluations that are left.
  var left: Int { max(0, evaluations - values.count) }

  /// The part of the evaluations that is used, from 0 to 1.
  var spent: Double { min(1, Double(values.count) / Double(max(1, evaluations))) }

  /// The value of an evaluated proposal.
  subscript(proposal: Proposal) -> Double? { values[proposal] }

  /// Those of `proposals` that have not been evaluated, each once and in their order.
  func missing(_ proposals: [Proposal]) -> [Proposal] {
    var seen: Set<Proposal> = []
    return proposals.filter { values[$0] == nil && seen.insert($0).inserted }
  }

  /// Enters evaluations.
  ///
  /// - Throws: `UserError` when a trial lacks the measured value.
  mutating func record(_ trials: [Trial]) throws {
    for trial in trials {
      guard trial.values.indices.contains(measured) else {
        throw UserError(
          .failed,
          "an evaluation has \(trial.values.count) values, but the search needs value "
            + "\(measured)")
      }
      let value = trial.values[measured]
      values[trial.proposal] = value.isNaN ? .infinity : value
    }
  }
}
