public import Vocabulary

/// Budget-preserving multi-level swaps with staged selection (EvoPress).
///
/// A generation makes `offspring` children of one parent by swaps that keep every bounded cost, the
/// number of swaps being the smaller of two draws from 1...3. All children are evaluated on few
/// samples (1/16), the best quarter on more (1/4), the best one and the parent on most (1/2). Within
/// a stage all use the same samples; these move on with every generation. The child takes the parent's
/// place only if it is better on the same samples. The starting point is evaluated on all samples in
/// the beginning, the last parent in the end.
///
/// What differs from EvoPress: the start is the first feasible seed (the optimum of an additive table)
/// instead of a uniform policy; groups of different sizes are exchanged, under any number of bounds,
/// by lowering until the bounds are kept and giving out again what is left over; one move in four
/// jumps over several levels, because single levels stick in local optima of tables that are not
/// convex; 16 children instead of 128; points that were evaluated on all samples are not drawn again.
///
/// Options: `offspring` (16).
///
/// Source: Sieberling et al., "EvoPress", arXiv 2410.14649.
public struct ExchangeSearch: SearchStrategy {
  /// The name on the command line.
  public static let id = "exchange"
  /// One line for `list`.
  public static let summary = "budget-preserving swaps with staged selection (EvoPress)"
  /// One objective only.
  public static let isMultiObjective = false
  /// What the user may set.
  public static let options: [String] = ["offspring"]

  private enum Phase {
    case start
    case stage(Int, contenders: [[Int]])
    case last
    case done
  }

  private let problem: SearchProblem
  private let moves: ExchangeMoves
  private let offspring: Int
  private let start: [Int]
  /// The samples of each stage.
  private let sizes: [Int]
  /// Where the samples of the first generation begin.
  private let rotation: Int
  private var ledger: EvaluationLedger
  private var random: SplitMix64
  private var phase = Phase.start
  private var generation = 0
  /// Generations in a row that asked for nothing new.
  private var stale = 0
  private var parent: [Int]
  private var pending: [Proposal] = []

  /// A search that needs one measured objective and a point within all bounds.
  public init(_ problem: SearchProblem, settings: SearchSettings) throws {
    try problem.requireWellFormed(for: Self.id)
    let measured = try problem.onlyMeasuredObjective(for: Self.id)
    self.problem = problem
    offspring = try settings.whole("offspring", default: 16, in: 1...100_000)
    ledger = EvaluationLedger(measured: measured, evaluations: settings.evaluations)
    let space = FeasibleStart(problem)
    moves = ExchangeMoves(space)
    start = try space.start(for: Self.id)
    parent = start
    sizes = [16, 4, 2].map { max(1, problem.samples / $0) }
    random = SplitMix64(seed: settings.seed)
    rotation = Int(random.next() >> 33)
  }

  /// The points to evaluate next; none when the search is over.
  public mutating func ask() throws -> [Proposal] {
    while pending.isEmpty {
      switch phase {
      case .start: askStart()
      case .stage(let stage, let contenders): askStage(stage, contenders)
      case .last: askLast()
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

  private mutating func askStart() {
    if ledger[problem.everywhere(start)] != nil {
      breed()
    } else if ledger.left > 0 {
      pending = [problem.everywhere(start)]
    } else {
      phase = .done
    }
  }

  private mutating func askStage(_ stage: Int, _ contenders: [[Int]]) {
    let isLast = stage == sizes.count - 1
    let samples = window(stage)
    let needed = (isLast ? contenders + [parent] : contenders).map {
      Proposal($0, samples: samples)
    }
    let missing = ledger.missing(needed)
    guard missing.isEmpty else {
      if missing.count <= spendable {
        pending = missing
        stale = 0
      } else {
        phase = .last
      }
      return
    }
    let value = { [ledger] (choices: [Int]) in
      ledger[Proposal(choices, samples: samples)] ?? .infinity
    }
    guard isLast else {
      let order = contenders.enumerated().sorted {
        (value($0.element), $0.offset) < (value($1.element), $1.offset)
      }
      let survivors = stage == sizes.count - 2 ? 1 : quarter(contenders.count)
      phase = .stage(stage + 1, contenders: order.prefix(survivors).map { $0.element })
      return
    }
    for child in contenders where value(child) < value(parent) { parent = child }
    generation += 1
    breed()
  }

  private mutating func askLast() {
    let proposal = problem.everywhere(parent)
    if ledger[proposal] == nil, ledger.left > 0 {
      pending = [proposal]
    } else {
      phase = .done
    }
  }

  /// Begins a generation, unless nothing is left to ask or to find.
  private mutating func breed() {
    stale += 1
    let count = affordable
    guard count > 0, stale <= 64 else {
      phase = .last
      return
    }
    var children: [[Int]] = []
    var seen: Set<[Int]> = [parent]
    for _ in 0..<(20 * count) where children.count < count {
      let child = moves.child(of: parent, using: &random)
      guard seen.insert(child).inserted, ledger[problem.everywhere(child)] == nil else { continue }
      children.append(child)
    }
    phase = children.isEmpty ? .last : .stage(0, contenders: children)
  }

  /// What may be spent before the last evaluation.
  private var spendable: Int {
    ledger.left - (ledger[problem.everywhere(parent)] == nil ? 1 : 0)
  }

  /// The children of a generation that can go through all its stages; a child that wins will have to
  /// be evaluated on all samples in the end.
  private var affordable: Int {
    let isSecondNew = window(1) != window(0)
    let isThirdNew = window(2) != window(1)
    let reserve = sizes[2] == problem.samples ? 0 : 1
    let pair = isThirdNew ? 2 : 1
    let left = min(spendable, ledger.left - reserve) - (problem.samples == 1 ? 0 : pair)
    var count = min(offspring, left)
    while count > 0, count + (isSecondNew ? quarter(count) : 0) > left { count -= 1 }
    return count
  }

  private func quarter(_ count: Int) -> Int { max(1, count / 4) }

  /// The samples of a stage in this generation.
  private func window(_ stage: Int) -> Range<Int> {
    let windows = problem.samples / sizes[stage]
    let from = (generation + rotation) % windows * problem.samples / windows
    return from..<from + sizes[stage]
  }
}
