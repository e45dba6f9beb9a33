internal import Export
internal import Pareto
internal import Report
public import Vocabulary

/// A frontier as files.
public enum FrontierFiles {
  /// Writes `frontier.json`, `frontier.csv` and, where it is a curve, `frontier.svg`; returns their
  /// paths.
  ///
  /// - Parameter budgets: Limits that the drawing shows.
  public static func write(_ frontier: Frontier, to directory: String, budgets: [Budget] = [])
    throws -> [String]
  {
    let base = directory + "/frontier"
    try FrontierFile.write(frontier, to: base + ".json")
    try AtomicFile.write(FrontierCSV.render(frontier), to: base + ".csv")
    guard frontier.axes.count == 2, frontier.axes[1] == "loss" else {
      return [".json", ".csv"].map { base + $0 }
    }
    try AtomicFile.write(FrontierSVG.render(frontier, budgets: budgets), to: base + ".svg")
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
  /// - Parameter axes: The loss and one or two costs; of bytes and the loss there are the hull and the
  ///   exact frontier, of other axes the supported points.
  /// - Throws: `UserError` when the exact frontier has too many points, measured points are asked for, or a
  ///   cost is not known.
  public func frontier(points: Int, kind: Frontier.Kind, axes: [String] = ["bytes", "loss"]) throws
    -> Frontier
  {
    guard axes == ["bytes", "loss"] else {
      guard kind == .hull else {
        throw UserError(.usage, "an exact frontier is drawn between bytes and loss alone")
      }
      guard axes.last == "loss" else {
        throw UserError(.usage, "the loss is the last axis, as in latency,loss")
      }
      return try Frontier.supported(of: runnableTable, axes: axes, model: name)
        .thinned(to: points)
    }
    switch kind {
    case .hull: return try frontier(points: points)
    case .exact: return try Frontier.exact(of: runnableTable, model: name).thinned(to: points)
    case .measured:
      throw UserError(.usage, "a table of sensitivities predicts and does not measure")
    }
  }
}
