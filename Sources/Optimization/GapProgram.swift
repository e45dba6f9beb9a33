import MILP

/// The integer program of what a Lagrangian bound leaves open, in numbers of a size GLPK likes.
///
/// With `r` the reduced costs and `s ≥ 0` what is left of each budget, every choice costs
/// `bound + Σ r + λ · s`: those terms, in units of the gap, are the objective.
struct GapProgram {
  private let reduction: Reduction
  private let relaxation: Relaxation
  private let unit: Double
  private var program = IntegerProgram()
  /// The column of every candidate; nil for the minimisers, which stand for "none of the others".
  private var columns: [Int?]
  private var start: [Double]?

  /// GLPK divides objectives by their largest coefficient or by 1000, whichever is larger, before
  /// it applies its tolerances.
  private static let scale = 1000.0

  init(
    _ reduction: Reduction, _ relaxation: Relaxation, gap: Double, start: [Int]?,
    exclusions: [[Int]]
  ) {
    self.reduction = reduction
    self.relaxation = relaxation
    let reduced = relaxation.reducedCosts(reduction)
    let size = max(gap, reduction.spread * 1e-12, 1e-290)
    unit = size / Self.scale
    columns = [Int?](repeating: nil, count: reduction.count)
    for g in 0..<reduction.groupCount {
      var terms: [IntegerProgram.Term] = []
      for i in reduction.candidates(g) where i != relaxation.chosen[g] {
        let column = program.addColumn(.binary, cost: reduced[i] / unit)
        columns[i] = column
        terms.append(.init(column, 1))
      }
      if terms.count > 1 { program.addRow(.init(terms, upper: 1)) }
    }
    let slacks = (0..<reduction.width).map { addBudget($0) }
    for exclusion in exclusions { exclude(exclusion) }
    self.start = start.map { chosen in
      var values = [Double](repeating: 0, count: program.columns.count)
      for i in chosen { if let column = columns[i] { values[column] = 1 } }
      let totals = reduction.totals(chosen)
      for (k, slack) in slacks.enumerated() {
        if let slack { values[slack.column] = (reduction.limits[k] - totals[k]) / slack.unit }
      }
      return values
    }
  }

  /// Adds `Σ cost ≤ limit`, with a column for what is left where that has a price.
  private mutating func addBudget(_ k: Int) -> (column: Int, unit: Double)? {
    let price = relaxation.multipliers[k]
    var differences: [(column: Int, cost: Double)] = []
    for i in 0..<reduction.count {
      guard let column = columns[i] else { continue }
      let reference = relaxation.chosen[reduction.group[i]]
      let difference = reduction.cost(i, k) - reduction.cost(reference, k)
      if difference != 0 { differences.append((column, difference)) }
    }
    let largest = differences.map { abs($0.cost) }.max() ?? 1
    // With a price, a row is written in the objective's units, unless that makes it huge.
    let rowUnit = price > 0 ? max(unit / price, largest * 1e-6) : largest
    var terms = differences.map { IntegerProgram.Term($0.column, $0.cost / rowUnit) }
    let room = (reduction.limits[k] - relaxation.totals[k]) / rowUnit
    guard price > 0 else {
      program.addRow(.init(terms, upper: room))
      return nil
    }
    let slack = program.addColumn(
      .continuous(lower: 0, upper: .infinity), cost: price * rowUnit / unit)
    terms.append(.init(slack, 1))
    program.addRow(.init(terms, lower: room, upper: room))
    return (slack, rowUnit)
  }

  /// Forbids one choice: at least one group must differ from it.
  private mutating func exclude(_ chosen: [Int]) {
    // Σ over groups on the minimiser of (1 − Σ others) + Σ chosen columns ≤ groups − 1.
    var terms: [IntegerProgram.Term] = []
    var upper = -1.0
    for (g, i) in chosen.enumerated() where reduction.candidates(g).count > 1 {
      if let column = columns[i] {
        terms.append(.init(column, 1))
        upper += 1
      } else {
        for other in reduction.candidates(g) {
          if let column = columns[other] { terms.append(.init(column, -1)) }
        }
      }
    }
    program.addRow(.init(terms, upper: upper))
  }

  func solved(timeLimit: Double) throws -> MILPResult {
    try program.solved(timeLimit: timeLimit, start: start)
  }

  /// The candidate of every group in a solution.
  func chosen(_ result: MILPResult) -> [Int] {
    var chosen = relaxation.chosen
    for i in 0..<reduction.count {
      if let column = columns[i], result.values[column] > 0.5 { chosen[reduction.group[i]] = i }
    }
    return chosen
  }

  /// GLPK's bound, in the problem's units.
  func bound(_ result: MILPResult) -> Double {
    result.bound.isFinite ? relaxation.bound + result.bound * unit : relaxation.bound
  }
}
