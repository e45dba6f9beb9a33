internal import Pareto
internal import Sensitivity
internal import Vocabulary

/// The trials of a search, with the best one so far.
///
/// Trials on different numbers of samples do not compare: those on the most samples count. What is
/// best does not depend on the order in which the trials came.
struct SearchRecord {
  let space: SearchSpace
  private(set) var trials: [Trial] = []
  /// The best trial within the budgets and the ceiling; nil as long as there is none.
  private(set) var best: Trial?

  init(space: SearchSpace, trials: [Trial]) {
    self.space = space
    for trial in trials { _ = add(trial) }
  }

  /// Remembers a trial; says whether it is an improvement.
  mutating func add(_ trial: Trial) -> Bool {
    trials.append(trial)
    guard isAcceptable(trial) else { return false }
    if space.problem.objectives.count > 1 {
      let count = frontier(on: trial.proposal.samples.count)
      best = better(trial, best) ? trial : best
      return count.contains { $0 == trial }
    }
    guard better(trial, best) else { return false }
    best = trial
    return true
  }

  /// The acceptable trials on that many samples, the best first.
  func ranked(on samples: Int) -> [Trial] {
    trials.filter { $0.proposal.samples.count == samples && isAcceptable($0) }
      .sorted { better($0, $1) }
  }

  /// The acceptable trials on that many samples that no other beats, the smallest first.
  func frontier(on samples: Int) -> [Trial] {
    let candidates = ranked(on: samples)
    // Trials of one space have equally many values, and none is NaN.
    let kept = (try? nondominated(candidates.map { space.values(of: $0) })) ?? []
    return kept.map { candidates[$0] }
      .sorted { space.values(of: $0).lexicographicallyPrecedes(space.values(of: $1)) }
  }

  /// The most samples that an acceptable trial was evaluated on.
  var mostSamples: Int { best?.proposal.samples.count ?? 0 }

  func standing(of limit: Int) -> SearchStanding? {
    guard let best else { return nil }
    return SearchStanding(
      evaluations: (trials.count, limit), bytes: space.bytes(space.point(best.choices)),
      loss: best.values[0],
      unit: space.loss.unit, samples: mostSamples,
      frontier: space.problem.objectives.count > 1 ? frontier(on: mostSamples).count : nil)
  }

  private func isAcceptable(_ trial: Trial) -> Bool {
    space.isFeasible(space.point(trial.choices))
      && (space.ceiling.map { trial.values[0] <= $0.limit } ?? true)
  }

  private func better(_ a: Trial, _ b: Trial?) -> Bool {
    guard let b else { return true }
    let (m, n) = (a.proposal.samples.count, b.proposal.samples.count)
    if m != n { return m > n }
    let (x, y) = (a.size(in: space), b.size(in: space))
    // Where a ceiling is kept the smaller one is better, else the one that loses less.
    let (first, second) =
      space.ceiling == nil
      ? ((a.values[0], x), (b.values[0], y)) : ((x, a.values[0]), (y, b.values[0]))
    if first != second { return first < second }
    return a.choices.lexicographicallyPrecedes(b.choices)
  }
}

extension Trial {
  fileprivate func size(in space: SearchSpace) -> Double {
    Double(space.bytes(space.point(choices)))
  }
}
