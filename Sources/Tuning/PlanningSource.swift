internal import Export
internal import Foundation
internal import Optimization
internal import Pareto
internal import Sensitivity
internal import Study
public import Vocabulary

/// What plans and frontiers are made from: a study, or a table that somebody brings.
///
/// Needs neither the model nor data.
public struct PlanningSource: Sendable {
  let table: SensitivityTable
  let header: StudyHeader?
  let run: Run?
  let name: String
  /// The study that ``run`` is in.
  private(set) var directory: String?

  /// Opens a study's directory or a `bitbudget.table/1` file.
  ///
  /// - Parameters:
  ///   - path: A directory or a file.
  ///   - estimator: Whose scores; nil for the newest complete measurement.
  ///   - raw: Whether losses are taken as they are, not repaired.
  public init(_ path: String, estimator: String?, raw: Bool) throws {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw UserError(.failed, "'\(path)' does not exist; `bitbudget measure` makes a study")
    }
    let measured: SensitivityTable
    if isDirectory.boolValue {
      if let estimator { _ = try Estimators.named(estimator) }
      let study = try Study.open(at: path)
      guard let run = try study.latestCompleteRun(estimator: estimator) else {
        let what = estimator.map { "of '\($0)' " } ?? ""
        throw UserError(
          .failed,
          "the study '\(path)' has no complete measurement \(what)yet; finish it with `bitbudget measure`"
        )
      }
      measured = try study.sensitivityTable(run)
      (header, self.run, name) = (study.header, run, study.header.model.name)
      directory = path
    } else {
      measured = try TableFile.read(path)
      (header, run) = (nil, nil)
      name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    }
    table = raw ? measured : ScoreRepair.repaired(measured, across: .family)
  }
}

/// A fixed format for the groups whose name a pattern matches.
public struct Pin: Sendable {
  /// `*` stands for any run of characters, `?` for one.
  public var glob: String
  /// The format's name.
  public var format: String

  /// Reads `GLOB=FORMAT`.
  public init(parsing text: String) throws {
    guard let equals = text.lastIndex(of: "="), equals != text.startIndex,
      text.index(after: equals) != text.endIndex
    else { throw UserError(.usage, "a pin is written GLOB=FORMAT, and '\(text)' is not") }
    glob = String(text[..<equals])
    format = String(text[text.index(after: equals)...])
  }

  func matches(_ name: String) -> Bool { fnmatch(glob, name, 0) == 0 }
}

/// How to choose.
public struct PlanningOptions: Sendable {
  /// The limits.
  public var budgets: [Budget]
  /// Whose scores; nil for the newest complete measurement.
  public var estimator: String?
  /// The optimizer's name.
  public var optimizer: String
  /// Fixed formats.
  public var pins: [Pin]
  /// Whether losses are taken as they are.
  public var raw: Bool
  /// Seconds for the optimizer.
  public var timeLimit: Double

  /// Limits, scores, optimizer and pins.
  public init(
    budgets: [Budget], estimator: String?, optimizer: String, pins: [Pin], raw: Bool,
    timeLimit: Double
  ) {
    self.budgets = budgets
    self.estimator = estimator
    self.optimizer = optimizer
    self.pins = pins
    self.raw = raw
    self.timeLimit = timeLimit
  }
}

extension PlanningSource {
  /// The best policy within the budgets.
  ///
  /// - Throws: `UserError` of kind infeasible, with the smallest possible, when nothing fits.
  public func plan(_ options: PlanningOptions) throws -> Policy {
    let pins = try pinned(options.pins)
    let problem = try PlanningProblem(table, budgets: options.budgets, pins: pins)
    let plan = try solved(problem, options)
    return policy(
      choices: plan.choices, pinned: Set(pins.keys),
      budget: problem.spending(plan.choices),
      predicted: Policy.Prediction(
        loss: plan.loss, unit: table.unit,
        lowerBound: problem.minimisesBytes ? plan.loss : plan.lowerBound,
        gap: problem.minimisesBytes || plan.isOptimal
          ? 0 : (plan.loss - plan.lowerBound) / max(abs(plan.loss), 1e-300)),
      optimizer: options.optimizer)
  }

  private func solved(_ problem: PlanningProblem, _ options: PlanningOptions) throws -> Plan {
    guard options.optimizer == QuadraticOptimizer.id else {
      return try problem.solved(
        by: Optimizers.named(options.optimizer), timeLimit: options.timeLimit)
    }
    guard let model = try interactions() else {
      throw UserError(
        .usage,
        "\(QuadraticOptimizer.id) needs interactions; measure with `--estimator output-delta` and "
          + "plan with the same")
    }
    // The matrix of all pairs is made anyway, so a bound costs little more.
    return try problem.solved(
      by: QuadraticOptimizer(pairLimit: 100_000_000), with: model, timeLimit: options.timeLimit)
  }

  /// The format of every group that a pin matches, by the group's index.
  ///
  /// - Throws: `UserError` when a pin matches nothing, or names what is no candidate.
  func pinned(_ pins: [Pin]) throws -> [Int: String] {
    var formats: [Int: String] = [:]
    for pin in pins {
      let matching = table.groups.indices.filter { k in
        pin.matches(table.groups[k].name) || table.groups[k].layers.contains(where: pin.matches)
      }
      guard !matching.isEmpty else {
        throw UserError(
          .usage,
          "no layer matches the pin '\(pin.glob)'"
            + (nearest(to: pin.glob, in: table.groups.map(\.name)).map { "; did you mean '\($0)'?" }
              ?? ""))
      }
      for k in matching {
        let has = table.groups[k].candidates.map(\.format)
        guard has.contains(pin.format) else {
          throw UserError.unknown(pin.format, "candidate of '\(table.groups[k].name)'", known: has)
        }
        formats[k] = pin.format
      }
    }
    return formats
  }

  /// A policy from one candidate per group.
  func policy(
    choices: [Int], pinned: Set<Int>, budget: [Policy.Spending], predicted: Policy.Prediction,
    optimizer: String
  ) -> Policy {
    let layers = table.groups.indices.flatMap { index in
      layerChoices(of: index, choice: choices[index], pinned: pinned.contains(index))
    }
    let groupBytes = zip(table.groups, choices).reduce(0) { $0 + $1.0.candidates[$1.1].bytes }
    let weights = table.weights ?? header?.model.weights ?? 0
    return Policy(
      model: header?.model
        ?? Policy.Model(name: name, architecture: "table", digest: "unknown", weights: weights),
      layers: layers, budget: budget, bytes: groupBytes + (table.fixedBytes ?? 0),
      bpw: weights > 0 ? 8 * Double(groupBytes) / Double(weights) : 0, predicted: predicted,
      provenance: Policy.Provenance(
        estimator: run?.key.estimator ?? "table", optimizer: optimizer, seed: run?.key.seed ?? 0,
        data: run?.key.data ?? "unknown", tool: Tool.version,
        libraries: (header?.libraries ?? [:]).merging(Tool.planningLibraries) { $1 }))
  }

  /// The layers of a group; a layer's own bytes are its share of the group's by weights.
  private func layerChoices(of index: Int, choice: Int, pinned: Bool) -> [Policy.LayerChoice] {
    let group = table.groups[index]
    let candidate = group.candidates[choice]
    let known = Dictionary((header?.layers ?? []).map { ($0.name, $0) }) { first, _ in first }
    let counts = group.layers.map { known[$0]?.shape.count ?? 1 }
    let total = counts.reduce(0, +)
    var left = candidate.bytes
    return zip(group.layers, counts).enumerated().map { position, item in
      let (name, count) = item
      let isLast = position == group.layers.count - 1
      let bytes = isLast ? left : candidate.bytes * count / max(1, total)
      left -= bytes
      return Policy.LayerChoice(
        name: name, tensor: known[name]?.tensor ?? name, kind: known[name]?.kind ?? .linear,
        group: index, weight: candidate.format, bytes: bytes, pinned: pinned,
        why: pinned ? "pinned" : reason(group, choice))
    }
  }

  /// What the neighbours on the group's own curve would cost.
  private func reason(_ group: GroupSensitivity, _ choice: Int) -> String {
    let chosen = group.candidates[choice]
    let larger = group.candidates.filter { $0.bytes > chosen.bytes && $0.loss < chosen.loss }
      .min { ($0.bytes, $0.loss) < ($1.bytes, $1.loss) }
    let smaller = group.candidates.filter { $0.bytes < chosen.bytes }
      .max { ($0.bytes, -$0.loss) < ($1.bytes, -$1.loss) }
    let up = larger.map {
      "\($0.format) would cost \($0.bytes - chosen.bytes) B for \(significant(chosen.loss - $0.loss)) less"
    }
    let down = smaller.map {
      "\($0.format) would save \(chosen.bytes - $0.bytes) B for \(significant($0.loss - chosen.loss)) more"
    }
    return [up, down].compactMap { $0 }.joined(separator: "; ")
  }

  /// The predicted frontier with its baselines, thinned to at most `points` points.
  public func frontier(points: Int) throws -> Frontier {
    try Frontier.hull(of: table, model: name).thinned(to: points)
  }
}

extension PlanningSource {
  /// A table that is there already.
  init(table: SensitivityTable, name: String) {
    self.table = table
    self.name = name
    header = nil
    run = nil
  }
}
