/// An ``InteractionModel`` with every pair of candidates written out.
///
/// `½ xᵀGx` of the papers: the diagonal of `G` is twice the singles, the rest the cross terms, raw.
/// Memory: 8 bytes · (number of candidates)².
public struct InteractionMatrix: InteractionModel, Equatable {
  /// The number of candidates of every group.
  public let candidateCounts: [Int]
  fileprivate let starts: [Int]
  fileprivate let group: [Int]
  fileprivate let singles: [Double]
  /// `[candidate · candidates + candidate]`, symmetric, zero within a group.
  fileprivate let crosses: [Double]

  fileprivate var count: Int { group.count }

  /// A model with these singles, `[group][candidate]`, and cross terms.
  ///
  /// - Parameter cross: `(g, a, h, b)`, asked once per pair of candidates, with `g < h`.
  public init(
    singles: [[Double]], cross: (_ g: Int, _ a: Int, _ h: Int, _ b: Int) -> Double
  ) {
    candidateCounts = singles.map(\.count)
    var starts = [0]
    for losses in singles { starts.append(starts[starts.count - 1] + losses.count) }
    let count = starts[singles.count]
    var crosses = [Double](repeating: 0, count: count * count)
    for g in singles.indices {
      for h in singles.indices.dropFirst(g + 1) {
        for a in singles[g].indices {
          for b in singles[h].indices {
            let value = cross(g, a, h, b)
            crosses[(starts[g] + a) * count + starts[h] + b] = value
            crosses[(starts[h] + b) * count + starts[g] + a] = value
          }
        }
      }
    }
    self.starts = starts
    self.singles = singles.flatMap { $0 }
    group = singles.indices.flatMap { g in singles[g].map { _ in g } }
    self.crosses = crosses
  }

  /// What a group adds by itself.
  public func single(_ group: Int, _ candidate: Int) -> Double {
    singles[starts[group] + candidate]
  }

  /// What two different groups add together beyond what each adds by itself; 0 within a group.
  public func cross(_ g: Int, _ a: Int, _ h: Int, _ b: Int) -> Double {
    crosses[(starts[g] + a) * count + starts[h] + b]
  }

  /// The predicted loss of a policy.
  ///
  /// - Complexity: O(groups²).
  public func loss(of choices: [Int]) -> Double {
    var sum = 0.0
    for g in choices.indices {
      sum += single(g, choices[g])
      for h in 0..<g { sum += cross(g, choices[g], h, choices[h]) }
    }
    return sum
  }

  /// A policy whose loss is kept up to date: a change is asked in O(1) and made in O(candidates).
  public func evaluation(of choices: [Int]) -> any PolicyEvaluation {
    MatrixEvaluation(matrix: self, choices: choices)
  }
}

private struct MatrixEvaluation: PolicyEvaluation {
  let matrix: InteractionMatrix
  var choices: [Int]
  var loss: Double
  /// What every candidate would add: its single and its cross terms with the other groups' choices.
  var fields: [Double]

  init(matrix: InteractionMatrix, choices: [Int]) {
    self.matrix = matrix
    self.choices = choices
    loss = matrix.loss(of: choices)
    fields = matrix.singles
    for g in choices.indices {
      let row = (matrix.starts[g] + choices[g]) * matrix.count
      for i in fields.indices { fields[i] += matrix.crosses[row + i] }
    }
  }

  func change(of group: Int, to candidate: Int) -> Double {
    let start = matrix.starts[group]
    return fields[start + candidate] - fields[start + choices[group]]
  }

  mutating func set(_ group: Int, to candidate: Int) {
    guard candidate != choices[group] else { return }
    loss += change(of: group, to: candidate)
    let old = (matrix.starts[group] + choices[group]) * matrix.count
    let new = (matrix.starts[group] + candidate) * matrix.count
    for i in fields.indices { fields[i] += matrix.crosses[new + i] - matrix.crosses[old + i] }
    choices[group] = candidate
  }
}
