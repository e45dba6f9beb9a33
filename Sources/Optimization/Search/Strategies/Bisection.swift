public import Vocabulary

/// The cheapest point whose measured value stays under a ceiling, by bisection over ordered groups.
///
/// The knobs are ordered by their predicted loss at the cheapest choice, the least sensitive first.
/// Starting from the most precise point, for one precision level after the other, the largest prefix
/// of the order that can be lowered to that level is found by bisection: at most ⌈log2(L+1)⌉
/// evaluations a level, with the first guess taken from the prediction where the bound leaves room.
/// This is done twice, from the most to the least aggressive level (each continues behind the prefix
/// of the one before) and from the least to the most (each lowers a part of the prefix before it);
/// only the second way is gone when the evaluations do not suffice for both. As the value is only
/// roughly monotone in the prefix, the remaining evaluations try seeds and single steps and swaps that
/// save cost; each is kept when it stays under the ceiling.
///
/// The answer is the cheapest evaluated point under the ceiling; there is none, and the search ends, when
/// the most precise point is above it. It should be checked on held-out data.
///
/// Options: `ceiling` (needed), `seedOrder` (0): 1 orders the knobs by how far the first seed lowers
/// them, as when it knows of interactions.
///
/// A reconstruction of "Augmenting Hessians with Inter-Layer Dependencies for Mixed-Precision
/// Post-Training Quantization", arXiv 2306.04879, whose code is not public.
public struct BisectionSearch: SearchStrategy {
  /// The name on the command line.
  public static let id = "bisection"
  /// One line for `list`.
  public static let summary = "largest ordered prefix per level that keeps a ceiling, then repairs"
  /// One objective only.
  public static let isMultiObjective = false
  /// What the user may set.
  public static let options: [String] = ["ceiling", "seedOrder"]

  private enum Phase {
    case base
    case level
    case repair
    case done
  }

  /// One precision level of one way through them.
  private struct Pass {
    var level: Int
    var isAggressive: Bool
  }

  private let problem: SearchProblem
  private let cost: Int
  private let ceiling: Double
  private let levels: BisectionLevels
  private var ledger: EvaluationLedger
  private var phase = Phase.base
  private var passes: [Pass]
  private var bisection: GuidedBisection?
  /// The result of the levels so far on the present way, and the prefix of the level before.
  private var point: [Int]
  private var prefix: Int
  private var best: [Int]
  private var seeds: [[Int]]
  private var repairs: RepairMoves?
  private var pending: [Proposal] = []

  /// A search that needs a cost as its objective and the option `ceiling`.
  public init(_ problem: SearchProblem, settings: SearchSettings) throws {
    try problem.requireWellFormed(for: Self.id)
    guard problem.objectives.count == 1, case .cost(let cost) = problem.objectives[0],
      problem.costs.indices.contains(cost)
    else {
      throw UserError(
        .usage, "bisection makes one known cost small; use exchange for the best point in a budget")
    }
    guard let ceiling = settings.options["ceiling"], !ceiling.isNaN else {
      throw UserError(
        .usage, "bisection needs a ceiling for the measured value, such as ceiling=0.02")
    }
    self.problem = problem
    self.cost = cost
    self.ceiling = ceiling
    let base = try Self.mostPrecise(problem, cost: cost)
    let seedOrder = try settings.whole("seedOrder", default: 0, in: 0...1) == 1
    levels = BisectionLevels(problem, base: base, cost: cost, seedOrder: seedOrder)
    ledger = EvaluationLedger(measured: 0, evaluations: settings.evaluations)
    point = base
    best = base
    seeds = problem.seeds
    let tests = (0..<Int.bitWidth).first { 1 << $0 >= problem.knobs.count + 1 } ?? 0
    let count = levels.count
    let aggressive = (0..<count).map { Pass(level: count - $0, isAggressive: true) }
    let gentle = (0..<count).map { Pass(level: $0 + 1, isAggressive: false) }
    let isEnough = 1 + 2 * count * tests <= settings.evaluations
    passes = (isEnough ? aggressive : []) + gentle
    prefix = isEnough ? 0 : problem.knobs.count
  }

  /// The most costly point, by prediction where costs are equal.
  ///
  /// With a cost that does not go with the size, the one of the least predicted loss. Where that breaks a
  /// bound, the best one within the bounds.
  private static func mostPrecise(_ problem: SearchProblem, cost: Int) throws -> [Int] {
    let values = problem.costs[cost].values
    let isSize = problem.costs[cost].kind == .bytes
    let top = problem.knobs.indices.map { k -> Int in
      // What is slow need not be precise; a prediction of the loss tells.
      if !isSize, let prior = problem.prior {
        return values[k].indices.min {
          (prior[k][$0], values[k][$0], $0) < (prior[k][$1], values[k][$1], $1)
        } ?? 0
      }
      return values[k].indices.max {
        (values[k][$0], -(problem.prior?[k][$0] ?? 0), -$0)
          < (values[k][$1], -(problem.prior?[k][$1] ?? 0), -$1)
      } ?? 0
    }
    return problem.isFeasible(top) ? top : try FeasibleStart(problem).greedy(for: id)
  }

  /// The points to evaluate next; none when the search is over.
  public mutating func ask() throws -> [Proposal] {
    while pending.isEmpty {
      switch phase {
      case .base: askBase()
      case .level: askLevel()
      case .repair: askRepair()
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

  private mutating func askBase() {
    switch keeps(levels.base) {
    case nil: return
    case true?: phase = .level
    // Nothing is to be expected of less precise points; the trial tells the value.
    case false?: phase = .done
    }
  }

  private mutating func askLevel() {
    guard let pass = passes.first else {
      phase = .repair
      return
    }
    let count = problem.knobs.count
    // Aggressively the prefix grows from where the level before ended; gently it shrinks.
    var search = bisection ?? GuidedBisection(pass.isAggressive ? prefix...count : 0...prefix)
    while !search.isOver {
      bisection = search
      let probe = search.probe(guess: guess(pass, search))
      guard let passed = keeps(lowered(pass, to: probe)) else { return }
      search.enter(probe, passed: passed)
    }
    point = lowered(pass, to: search.low)
    prefix = search.low
    bisection = nil
    passes.removeFirst()
    // The second way begins anew.
    if pass.isAggressive, passes.first?.isAggressive == false {
      point = levels.base
      prefix = count
    }
  }

  private func lowered(_ pass: Pass, to end: Int) -> [Int] {
    levels.lowered(point, (pass.isAggressive ? prefix : 0)..<end, to: pass.level)
  }

  /// The longest prefix whose predicted loss stays under the ceiling, where there is a prediction.
  private func guess(_ pass: Pass, _ search: GuidedBisection) -> Int? {
    guard let prior = problem.prior else { return nil }
    func loss(_ choices: [Int]) -> Double {
      zip(prior, choices).reduce(0) { $0 + $1.0[$1.1] } - baseLoss(prior)
    }
    // The prediction is taken relative to the longest prefix that was measured.
    let passed = lowered(pass, to: search.low)
    let from = ledger[problem.everywhere(levels.base)] ?? 0
    let predicted = loss(passed)
    let measured = (ledger[problem.everywhere(passed)] ?? from) - from
    let scale = predicted > 0 && measured > 0 ? measured / predicted : 1
    var choices = passed
    var total = predicted
    var end = search.low
    while end + 1 < search.high {
      let knob = levels.order[end]
      let choice = levels.choice(of: knob, at: pass.level)
      total += prior[knob][choice] - prior[knob][choices[knob]]
      choices[knob] = choice
      guard from + scale * total <= ceiling else { break }
      end += 1
    }
    return end
  }

  private func baseLoss(_ prior: [[Double]]) -> Double {
    zip(prior, levels.base).reduce(0) { $0 + $1.0[$1.1] }
  }

  private mutating func askRepair() {
    while ledger.left > 0 {
      if let seed = seeds.first {
        guard price(seed) >= price(best) || keeps(seed) != nil else { return }
        seeds.removeFirst()
        continue
      }
      var moves =
        repairs
        ?? RepairMoves(
          from: best, problem: problem, levels: levels, cost: cost, headroom: headroom)
      guard let candidate = moves.pop() else { break }
      let before = best
      guard price(candidate) >= price(best) || keeps(candidate) != nil else {
        repairs = moves
        // Asked for now and read from the ledger after the answer.
        seeds = [candidate]
        return
      }
      repairs = best == before ? moves : nil
    }
    phase = .done
  }

  /// The predicted loss that the best point may gain, by the ratio of measured to predicted so far.
  private var headroom: Double {
    guard let prior = problem.prior else { return 0 }
    let from = ledger[problem.everywhere(levels.base)] ?? 0
    let here = ledger[problem.everywhere(best)] ?? from
    let predicted = zip(prior, best).reduce(0) { $0 + $1.0[$1.1] } - baseLoss(prior)
    let scale = predicted > 0 && here > from ? (here - from) / predicted : 1
    return (ceiling - here) / scale
  }

  private func price(_ choices: [Int]) -> Double { problem.costs[cost].total(of: choices) }

  /// Whether a point keeps the bounds and the ceiling; nil when it has to be evaluated first, which is
  /// then pending, or the search done.
  private mutating func keeps(_ choices: [Int]) -> Bool? {
    guard problem.isFeasible(choices) else { return false }
    guard let value = ledger[problem.everywhere(choices)] else {
      if ledger.left > 0 { pending = [problem.everywhere(choices)] } else { phase = .done }
      return nil
    }
    guard value <= ceiling else { return false }
    if price(choices) < price(best) {
      best = choices
      repairs = nil
    }
    return true
  }
}
