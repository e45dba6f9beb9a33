public import Vocabulary

/// Runs a ``SearchStrategy``: asks, evaluates, tells.
///
/// Evaluations are remembered: a proposal that was evaluated before (in this run or in `history`) is
/// answered from memory and counts as an evaluation only the first time.
public struct SearchLoop {
  /// How a search ended.
  public enum End: String, Sendable, Codable {
    /// The strategy had nothing more to ask.
    case finished
    /// The evaluations were used up.
    case evaluations
    /// ``SearchLoop/shouldStop`` said so.
    case stopped
  }

  /// Batches in a row without anything new after which a strategy counts as finished.
  static let patience = 10_000

  /// The evaluations that may be made, those in the history included.
  public var evaluations: Int
  /// Asked before each batch.
  public var shouldStop: () -> Bool

  /// A loop within limits.
  public init(evaluations: Int, shouldStop: @escaping () -> Bool = { false }) {
    self.evaluations = evaluations
    self.shouldStop = shouldStop
  }

  /// Runs `strategy` to its end or to the limits.
  ///
  /// - Parameters:
  ///   - history: Trials of earlier runs with the same problem, settings and seed.
  ///   - evaluate: Evaluates proposals in order; stores them if they are to outlive the process.
  ///   - observe: Told the number of evaluations so far and the trials of each batch.
  /// - Returns: Every distinct trial in the order of its first telling, and why it ended.
  public func run(
    _ strategy: inout any SearchStrategy, history: [Trial] = [],
    evaluate: ([Proposal]) throws -> [Trial],
    observe: (Int, [Trial]) -> Void = { _, _ in }
  ) throws -> (trials: [Trial], end: End) {
    var known: [Proposal: Trial] = [:]
    for trial in history { known[trial.proposal] = trial }
    var told: [Trial] = []
    var seen: Set<Proposal> = []
    var stale = 0  // batches in a row without a new proposal
    while stale < Self.patience {
      if shouldStop() { return (told, .stopped) }
      let batch = try strategy.ask()
      guard !batch.isEmpty else { return (told, .finished) }
      // Distinct ones that neither this run nor an earlier one has evaluated.
      var fresh: [Proposal] = []
      var counted: [Proposal] = []
      for proposal in batch where !seen.contains(proposal) && !counted.contains(proposal) {
        counted.append(proposal)
        if known[proposal] == nil { fresh.append(proposal) }
      }
      stale = counted.isEmpty ? stale + 1 : 0
      let left = evaluations - told.count
      guard counted.count <= left else {
        // The last, incomplete batch is evaluated for its own sake; the strategy is not told.
        let affordable = counted.prefix(max(0, left))
        for trial in try evaluate(affordable.filter { known[$0] == nil }) {
          known[trial.proposal] = trial
        }
        let last = affordable.compactMap { known[$0] }
        told += last
        observe(told.count, last)
        return (told, .evaluations)
      }
      for trial in try evaluate(fresh) { known[trial.proposal] = trial }
      told += counted.compactMap { known[$0] }
      seen.formUnion(counted)
      let trials = batch.compactMap { known[$0] }
      guard trials.count == batch.count else {
        throw UserError(.failed, "an evaluation of the search went missing")
      }
      observe(told.count, trials)
      try strategy.tell(trials)
    }
    return (told, .finished)
  }
}
