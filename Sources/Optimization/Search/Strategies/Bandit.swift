import Foundation
public import Vocabulary

/// A policy gradient on measured rewards (the controller of FLIQS), as a baseline.
///
/// One softmax per knob; each step draws `batch` points and follows plain REINFORCE with a moving
/// baseline. The reward is absolute, quality − β · |cost / target − 1|, with quality the negative
/// measured value relative to that of the starting point (at least −10), the cost the first one with a
/// bound and the target its limit. The weight of the entropy follows half a cosine from 0 to its
/// maximum and *lowers* the entropy, so that the policy commits. The most likely point is evaluated in
/// the end. A draw that breaks a bound is drawn again, up to 64 times, and then moved towards the
/// cheapest point.
///
/// What differs from FLIQS: nothing is trained; there is no Adam; a point that was measured before
/// costs no evaluation, so the search has at most `updates` steps; time is the larger of the parts of
/// the evaluations and of the updates that are used. Where a table can be measured, nothing speaks for
/// this search: it commits, but not always to the optimum.
///
/// Options: `batch` (4), `rate` (0.5), `beta` (0.5), `entropy` (0.5), `baseline` (0.9), `warmup` (0.1,
/// the part of the evaluations drawn uniformly), `updates` (2000).
///
/// Source: Dotzel et al., "FLIQS", arXiv 2308.03290.
public struct BanditSearch: SearchStrategy {
  /// The name on the command line.
  public static let id = "bandit"
  /// One line for `list`.
  public static let summary = "policy gradient on measured rewards (FLIQS), a baseline"
  /// One objective only.
  public static let isMultiObjective = false
  /// What the user may set.
  public static let options: [String] = [
    "batch", "rate", "beta", "entropy", "baseline", "warmup", "updates",
  ]

  private enum Phase {
    case start
    case draw
    case learn([[Int]])
    case last
    case done
  }

  private let problem: SearchProblem
  private let space: FeasibleStart
  private let start: [Int]
  private let cheapest: [Int]
  private let batch: Int
  private let rate: Double
  private let beta: Double
  private let entropy: Double
  private let momentum: Double
  private let warmup: Double
  private let updates: Int
  private var ledger: EvaluationLedger
  private var random: SplitMix64
  private var policy: SoftmaxPolicy
  private var baseline: Double?
  private var step = 0
  private var phase = Phase.start
  private var pending: [Proposal] = []

  /// A search that needs one measured objective and a point within all bounds.
  public init(_ problem: SearchProblem, settings: SearchSettings) throws {
    try problem.requireWellFormed(for: Self.id)
    let measured = try problem.onlyMeasuredObjective(for: Self.id)
    self.problem = problem
    space = FeasibleStart(problem)
    cheapest = try space.cheapest(for: Self.id)
    start = try space.start(for: Self.id)
    batch = try settings.whole("batch", default: 4, in: 1...100_000)
    rate = try settings.number("rate", default: 0.5, in: 0...100)
    beta = try settings.number("beta", default: 0.5, in: 0...1000)
    entropy = try settings.number("entropy", default: 0.5, in: 0...1000)
    momentum = try settings.number("baseline", default: 0.9, in: 0...1)
    warmup = try settings.number("warmup", default: 0.1, in: 0...1)
    updates = try settings.whole("updates", default: 2000, in: 1...10_000_000)
    ledger = EvaluationLedger(measured: measured, evaluations: settings.evaluations)
    random = SplitMix64(seed: settings.seed)
    policy = SoftmaxPolicy(choices: problem.knobs.map { $0.choices.count })
  }

  /// The present distributions, `[knob][choice]`.
  package var probabilities: [[Double]] { policy.probabilities }

  /// The most likely point, before any bound.
  package var mode: [Int] { policy.mode }

  /// The weight of the entropy at time `t` from 0 to 1: `maximum` · (1 − cos πt) / 2.
  package static func entropyWeight(at t: Double, maximum: Double) -> Double {
    maximum * (1 - cos(.pi * min(1, max(0, t)))) / 2
  }

  /// The absolute reward: `quality` − `beta` · |`cost` / `target` − 1|; without the second term when
  /// the target is zero.
  package static func reward(quality: Double, cost: Double, target: Double, beta: Double) -> Double
  {
    target == 0 ? quality : quality - beta * abs(cost / target - 1)
  }

  /// The points to evaluate next; none when the search is over.
  public mutating func ask() throws -> [Proposal] {
    while pending.isEmpty {
      switch phase {
      case .start:
        if !need([start], reserve: 0, otherwise: .done) { phase = .draw }
      case .draw: draw()
      case .learn(let actions):
        if !need(actions, reserve: 1, otherwise: .last) { learn(actions) }
      case .last:
        if !need([repaired(policy.mode)], reserve: 0, otherwise: .done) { phase = .done }
      case .done: return []
      }
    }
    return pending
  }

  /// Takes the evaluations of what ``ask()`` gave.
  public mutating func tell(_ trials: [Trial]) throws {
    try ledger.record(trials)
    pending = []
  }

  /// Makes pending what is not known yet; when that is too much, the phase changes.
  ///
  /// - Returns: false when all is known.
  private mutating func need(_ points: [[Int]], reserve: Int, otherwise: Phase) -> Bool {
    let missing = ledger.missing(points.map { problem.everywhere($0) })
    if missing.isEmpty { return false }
    if missing.count + reserve <= ledger.left { pending = missing } else { phase = otherwise }
    return true
  }

  private mutating func draw() {
    let room = ledger.left - 1
    guard step < updates, room > 0 else {
      phase = .last
      return
    }
    let isWarm = ledger.spent >= warmup || step >= updates / 10
    let rows =
      isWarm
      ? policy.probabilities
      : problem.knobs.map { knob in
        Array(repeating: 1 / Double(knob.choices.count), count: knob.choices.count)
      }
    var actions: [[Int]] = []
    for _ in 0..<min(batch, room) {
      var action = SoftmaxPolicy.draw(rows, using: &random)
      for _ in 0..<64 where !problem.isFeasible(action) {
        action = SoftmaxPolicy.draw(rows, using: &random)
      }
      actions.append(repaired(action))
    }
    phase = .learn(actions)
  }

  private mutating func learn(_ actions: [[Int]]) {
    let rewards = actions.map { reward(of: $0) }
    let mean = rewards.reduce(0, +) / Double(max(1, rewards.count))
    // The baseline is used before it moves.
    let before = baseline ?? mean
    let time = max(ledger.spent, Double(step) / Double(updates))
    if ledger.spent >= warmup || step >= updates / 10 {
      policy.step(
        zip(actions, rewards).map { (choices: $0, advantage: $1 - before) },
        entropyWeight: Self.entropyWeight(at: time, maximum: entropy), rate: rate)
    }
    baseline = momentum * before + (1 - momentum) * mean
    step += 1
    phase = .draw
  }

  private func reward(of choices: [Int]) -> Double {
    let first = abs(ledger[problem.everywhere(start)] ?? 1)
    let scale = first > 0 && first.isFinite ? first : 1
    let value = ledger[problem.everywhere(choices)] ?? .infinity
    let quality = max(-10, min(10, -value / scale))
    guard let cost = problem.costs.first(where: { $0.limit != nil }), let target = cost.limit
    else { return quality }
    let reward = Self.reward(
      quality: quality, cost: cost.total(of: choices), target: target, beta: beta)
    return max(-20, reward)
  }

  /// The point itself, or moved towards the cheapest one, knob by knob, the largest saving first.
  private func repaired(_ choices: [Int]) -> [Int] {
    guard !problem.isFeasible(choices) else { return choices }
    func saving(_ k: Int) -> Double {
      space.weight[k][choices[k]] - space.weight[k][cheapest[k]]
    }
    var point = choices
    for k in choices.indices.sorted(by: { (-saving($0), $0) < (-saving($1), $1) }) {
      point[k] = cheapest[k]
      if problem.isFeasible(point) { return point }
    }
    return cheapest
  }
}
