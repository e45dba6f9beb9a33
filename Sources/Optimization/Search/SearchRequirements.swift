import Vocabulary

extension SearchProblem {
  /// Refuses a problem whose parts do not fit together.
  ///
  /// - Throws: `UserError` that names the strategy and what is wrong.
  func requireWellFormed(for strategy: String) throws {
    func refuse(_ reason: String) -> UserError { UserError(.usage, "\(strategy) \(reason)") }
    guard !knobs.isEmpty else { throw refuse("needs at least one knob") }
    guard samples > 0 else { throw refuse("needs at least one sample") }
    for knob in knobs where knob.choices.isEmpty {
      throw refuse("cannot decide '\(knob.name)', which has no choices")
    }
    let shape = knobs.map { $0.choices.count }
    for cost in costs where cost.values.map({ $0.count }) != shape {
      throw refuse("needs one \(cost.kind.rawValue) cost per knob and choice")
    }
    if let prior, prior.map({ $0.count }) != shape {
      throw refuse("needs one predicted loss per knob and choice")
    }
    for seed in seeds
    where seed.count != shape.count
      || zip(seed, shape).contains(where: { $0 < 0 || $0 >= $1 })
    {
      throw refuse("was given a starting point that is not in its space")
    }
  }

  /// The index of the measured value that is the only objective.
  ///
  /// - Throws: `UserError` when there is another objective.
  func onlyMeasuredObjective(for strategy: String) throws -> Int {
    guard objectives.count == 1, case .measured(let index) = objectives[0], index >= 0 else {
      throw UserError(
        .usage, "\(strategy) makes one measured value small; use evolution for several objectives")
    }
    return index
  }

  /// The proposal that evaluates `choices` on every sample.
  func everywhere(_ choices: [Int]) -> Proposal { Proposal(choices, samples: 0..<samples) }
}

extension SearchSettings {
  /// The option `name` as a whole number in `range`.
  ///
  /// - Throws: `UserError` when it is none.
  func whole(_ name: String, default standard: Int, in range: ClosedRange<Int>) throws -> Int {
    guard let value = options[name] else { return standard }
    guard let whole = Int(exactly: value), range.contains(whole) else {
      throw UserError(
        .usage,
        "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound), "
          + "got \(value)")
    }
    return whole
  }

  /// The option `name` as a number in `range`.
  ///
  /// - Throws: `UserError` when it is none.
  func number(
    _ name: String, default standard: Double, in range: ClosedRange<Double>
  ) throws -> Double {
    guard let value = options[name] else { return standard }
    guard range.contains(value) else {
      throw UserError(
        .usage, "\(name) must be from \(range.lowerBound) to \(range.upperBound), got \(value)")
    }
    return value
  }
}
