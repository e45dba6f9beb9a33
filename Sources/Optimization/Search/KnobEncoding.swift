import Vocabulary

/// Points of a ``SearchProblem`` as rows of numbers for a regression.
///
/// An ordered knob is its index, an unordered one has a column for each choice (one for two), and what
/// is known beforehand follows: every cost, and the predicted loss where there is a sensitivity table.
struct KnobEncoding {
  private let problem: SearchProblem

  /// The encoding of a space.
  init(_ problem: SearchProblem) { self.problem = problem }

  /// The row of a point; a cost that is not finite is missing (NaN).
  func row(_ choices: [Int]) -> [Float] {
    var row: [Float] = []
    for (knob, choice) in zip(problem.knobs, choices) {
      if knob.isOrdered || knob.choices.count <= 2 {
        row.append(Float(choice))
      } else {
        for other in knob.choices.indices { row.append(other == choice ? 1 : 0) }
      }
    }
    for cost in problem.costs { row.append(finite(cost.total(of: choices))) }
    if let prior = problem.prior {
      row.append(finite(zip(prior, choices).reduce(0) { $0 + $1.0[$1.1] }))
    }
    return row
  }

  private func finite(_ value: Double) -> Float {
    let value = Float(value)
    return value.isFinite ? value : .nan
  }
}
