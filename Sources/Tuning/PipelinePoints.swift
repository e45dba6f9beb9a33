internal import Quantization
internal import Vocabulary

/// The knobs of a ``PipelineSpace`` over the groups of a network.
struct PipelinePoints {
  /// The value of a point that breaks the budget: it is not evaluated, and worse than whatever is.
  static let overBudget = 1e6

  /// The knobs, as a strategy sees them.
  let knobs: [SearchProblem.Knob]
  private let space: PipelineSpace
  private let layers: [Layer]
  /// The layer that speaks for every group, and the group's formats by name.
  private let groups: [(layer: Int, formats: [String])]

  /// - Throws: `UserError` when some layer can take neither a format of the space nor its stand-in.
  init(_ space: PipelineSpace, layers: [Layer], groups: [GroupSensitivity]) throws {
    self.space = space
    self.layers = layers
    self.groups = groups.map { group in
      (
        layers.firstIndex { $0.name == group.layers.first } ?? 0,
        group.candidates.map(\.name)
      )
    }
    knobs = space.knobs.map {
      .init(name: $0.name, choices: $0.values, isOrdered: $0.ordered ?? false)
    }
    // Every setting of every knob once: what fails, fails before anything is run.
    for (k, knob) in space.knobs.enumerated() {
      for value in knob.values.indices {
        var choices = [Int](repeating: 0, count: knobs.count)
        choices[k] = value
        _ = try space.formats(choices, for: layers)
      }
    }
  }

  /// A candidate index for every group.
  func point(_ choices: [Int]) -> [Int] {
    // What was checked when the space was opened does not fail here.
    let formats = (try? space.formats(choices, for: layers)) ?? []
    return groups.map { group in
      guard formats.indices.contains(group.layer) else { return 0 }
      return group.formats.firstIndex(of: formats[group.layer].name) ?? 0
    }
  }
}
