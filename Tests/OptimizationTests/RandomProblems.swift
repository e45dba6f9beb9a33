import Optimization
import Vocabulary

/// The truth, by looking at every choice.
func exhaustive(_ problem: AssignmentProblem) -> (choices: [Int], objective: Double)? {
  var choices = [Int](repeating: 0, count: problem.objective.count)
  var best: (choices: [Int], objective: Double)?
  while true {
    if problem.isFeasible(choices) {
      let objective = problem.objective(of: choices)
      if best.map({ objective < $0.objective }) ?? true { best = (choices, objective) }
    }
    var g = 0
    while g < choices.count, choices[g] + 1 == problem.objective[g].count {
      choices[g] = 0
      g += 1
    }
    guard g < choices.count else { return best }
    choices[g] += 1
  }
}

/// A small problem with everything that goes wrong: ties, zero, equal and negative numbers, losses
/// that rise with the cost, groups with one candidate, budgets that nothing keeps.
func randomProblem(seed: UInt64, constraints: Int) -> AssignmentProblem {
  var random = SplitMix64(seed: seed)
  let groups = 1 + Int(random.next() % 6)
  let whole = random.next() % 2 == 0
  let few = random.next() % 3 == 0
  func number(_ range: UInt64) -> Double {
    whole ? Double(random.next() % (few ? 3 : range)) : random.uniform() * Double(range)
  }
  let sizes = (0..<groups).map { _ in 1 + Int(random.next() % 5) }
  let negative = random.next() % 3 == 0
  let scale = [1e-8, 1, 100][Int(random.next() % 3)]
  let falling = random.next() % 2 == 0
  let objective = sizes.map { size in
    let losses = (0..<size).map { _ in scale * (number(40) - (negative ? 20 : 0)) }
    return falling ? losses.sorted(by: >) : losses
  }
  let bounds = (0..<constraints).map { k in
    let costs = sizes.map { size in
      let costs = (0..<size).map { _ in number(30) }
      return falling ? costs.sorted() : costs
    }
    let low = costs.reduce(0) { $0 + ($1.min() ?? 0) }
    let high = costs.reduce(0) { $0 + ($1.max() ?? 0) }
    let limit = low + (high - low) * (random.uniform() * 1.2 - 0.1)
    return AssignmentProblem.Constraint(
      kind: [.bytes, .latency, .bops][k], cost: costs,
      limit: random.next() % 4 == 0 ? limit.rounded() : limit)
  }
  return AssignmentProblem(objective: objective, constraints: bounds)
}

/// Losses `w · 4^(−bits) · noise` and bytes like a language model's.
func realisticProblem(seed: UInt64, groups: Int, bitsPerWeight: Double) -> AssignmentProblem {
  var random = SplitMix64(seed: seed)
  let sizes = [110_592, 331_776, 884_736]
  let bits = [2.0, 3, 4, 5, 6, 8]
  var weights = 0
  var losses: [[Double]] = []
  var bytes: [[Double]] = []
  for _ in 0..<groups {
    let count = sizes[Int(random.next() % 3)]
    weights += count
    // Over four decades, like a wide lognormal.
    var sensitivity = 1e-3
    for _ in 0..<Int(random.next() % 14) { sensitivity *= 2 }
    losses.append(
      bits.map { bit in
        sensitivity / Double(1 << Int(2 * bit)) * (0.8 + 0.4 * random.uniform())
      })
    bytes.append(bits.map { Double(count) * ($0 + 0.25) / 8 })
  }
  return AssignmentProblem(
    objective: losses,
    constraints: [
      .init(kind: .bytes, cost: bytes, limit: (bitsPerWeight * Double(weights) / 8).rounded(.down))
    ])
}
