internal import Export
internal import Pareto
internal import Report
public import Vocabulary

/// A frontier as files.
public enum FrontierFiles {
  /// Writes `frontier.json`, `frontier.csv` and, where it is a curve, `frontier.svg`; returns their
  /// paths.
  public static func write(_ frontier: Frontier, to directory: String) throws -> [String] {
    let base = directory + "/frontier"
    try FrontierFile.write(frontier, to: base + ".json")
    try AtomicFile.write(FrontierCSV.render(frontier), to: base + ".csv")
    guard frontier.axes == ["bytes", "loss"] else { return [".json", ".csv"].map { base + $0 } }
    try AtomicFile.write(FrontierSVG.render(frontier), to: base + ".svg")
    return [".json", ".csv", ".svg"].map { base + $0 }
  }

  /// The best of two frontiers of one model, from their files.
  ///
  /// - Throws: `UserError` when they do not belong together, or a file is none.
  public static func merged(_ first: String, _ second: String) throws -> Frontier {
    try FrontierFile.read(first).merged(with: FrontierFile.read(second))
  }

  /// The frontier in one file against the one in another, at their common sizes.
  ///
  /// - Parameter measured: Whether to compare measured losses.
  /// - Throws: `UserError` when they do not belong together, or a file is none.
  public static func difference(
    _ first: String, _ second: String, measured: Bool
  ) throws -> FrontierDifference {
    try FrontierFile.read(first).difference(from: FrontierFile.read(second), measured: measured)
  }

  /// What changes between neighbours on the frontier in a file, and the losses' unit.
  public static func steps(_ path: String) throws -> (steps: [FrontierStep], unit: String) {
    let frontier = try FrontierFile.read(path)
    guard frontier.axes == ["bytes", "loss"] else {
      throw UserError(
        .failed,
        "a frontier of \(frontier.axes.joined(separator: ", ")) has no steps: its points are not "
          + "in a row")
    }
    return (frontier.steps(), frontier.unit)
  }
}

extension PlanningSource {
  /// The predicted frontier of a kind with its baselines, thinned to at most `points` points.
  ///
  /// - Throws: `UserError` when the exact frontier has too many points, or measured points are
  ///   asked for.
  public func frontier(points: Int, kind: Frontier.Kind) throws -> Frontier {
    switch kind {
    case .hull: try frontier(points: points)
    case .exact: try Frontier.exact(of: table, model: name).thinned(to: points)
    case .measured:
      throw UserError(.usage, "a table of sensitivities predicts and does not measure")
    }
  }
}
