internal import Export
internal import Foundation
internal import Optimization
internal import Pareto
internal import Quantization
internal import Sensitivity
internal import Study
public import Vocabulary

/// What plans and frontiers are made from: a study, or a table that somebody brings.
///
/// Needs neither the model nor data.
public struct PlanningSource: Sendable {
  var table: SensitivityTable
  /// Names of the candidates that the device has no kernel for, by the group's index.
  var withoutKernel: [Int: [String]] = [:]
  let header: StudyHeader?
  let run: Run?
  let name: String
  /// The calibrated ranges of the candidates that round a layer's input.
  var ranges = ActivationRanges.none
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
      ranges = try ActivationFile.read(run: run.id, in: path) ?? .none
    } else {
      measured = try TableFile.read(path)
      (header, run) = (nil, nil)
      name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    }
    table = Self.withCodeBits(
      raw ? measured : ScoreRepair.repaired(measured, across: .family))
  }

  /// The table with the bits of the codes, where it does not bring them and the format is ours.
  private static func withCodeBits(_ table: SensitivityTable) -> SensitivityTable {
    var table = table
    for g in table.groups.indices {
      guard let weights = table.groups[g].weights else { continue }
      for c in table.groups[g].candidates.indices
      where table.groups[g].candidates[c].codeBits == nil {
        let format = try? Formats.named(table.groups[g].candidates[c].format)
        table.groups[g].candidates[c].codeBits = format.map { Double($0.nominalBits * weights) }
      }
    }
    return table
  }
}

extension PlanningSource {
  /// The best policy within the budgets.
  ///
  /// - Throws: `UserError` of kind infeasible, with the smallest possible, when nothing fits.
  public func plan(_ options: PlanningOptions) throws -> Policy {
    let pins = try pinned(options.pins)
    var table = try tied(options)
    var exclusions = try excluded(options.exclusions)
    exclusions.merge(withoutKernel) { $0 + $1 }
    if let runtime = options.runtime {
      let limits = try RuntimeLimits(RuntimeProfiles.named(runtime), on: self)
      exclusions.merge(limits.exclusions) { $0 + $1 }
      table.ties = (table.ties ?? []) + limits.ties
    }
    let problem = try PlanningProblem(
      table, budgets: options.budgets, minimising: options.objective, pins: pins,
      exclusions: exclusions, formatLimit: options.formatLimit)
    let plan = try solved(problem, options)
    let isLoss = problem.objective == .loss
    var policy = policy(
      choices: plan.choices, pinned: Set(pins.keys), budget: plan.spending,
      predicted: Policy.Prediction(
        loss: plan.loss, unit: table.unit, lowerBound: isLoss ? plan.lowerBound : plan.loss,
        gap: !isLoss || plan.isOptimal
          ? 0 : (plan.loss - plan.lowerBound) / max(abs(plan.loss), 1e-300)),
      optimizer: options.optimizer)
    policy.fused = plan.fused
    return policy
  }

  private func solved(_ problem: PlanningProblem, _ options: PlanningOptions) throws -> Plan {
    guard options.optimizer == QuadraticOptimizer.id else {
      return try problem.solved(
        by: Optimizers.named(options.optimizer), timeLimit: options.timeLimit)
    }
    guard let model = try interactions() else {
      throw UserError(
        .usage,
        "\(QuadraticOptimizer.id) needs interactions; measure with `--estimator output-delta`, interlayer or pairs and "
          + "plan with the same")
    }
    // The matrix of all pairs is made anyway, so a bound costs little more.
    return try problem.solved(
      by: QuadraticOptimizer(pairLimit: 100_000_000), with: model, timeLimit: options.timeLimit)
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
        group: index, weight: candidate.format, activation: candidate.activation ?? "none",
        activationRange: range(of: name, candidate), bytes: bytes, pinned: pinned,
        why: pinned ? "pinned" : reason(group, choice))
    }
  }

  /// The calibrated range of a layer's input under a candidate.
  private func range(of layer: String, _ candidate: Candidate) -> [Double]? {
    guard let name = candidate.activation, let format = try? ActivationFormat.named(name) else {
      return nil
    }
    return ranges[layer, format]?.map { Double($0) }
  }

  /// What the neighbours on the group's own curve would cost.
  private func reason(_ group: GroupSensitivity, _ choice: Int) -> String {
    let chosen = group.candidates[choice]
    let larger = group.candidates.filter { $0.bytes > chosen.bytes && $0.loss < chosen.loss }
      .min { ($0.bytes, $0.loss) < ($1.bytes, $1.loss) }
    let smaller = group.candidates.filter { $0.bytes < chosen.bytes }
      .max { ($0.bytes, -$0.loss) < ($1.bytes, -$1.loss) }
    let up = larger.map {
      "\($0.name) would cost \($0.bytes - chosen.bytes) B for \(significant(chosen.loss - $0.loss)) less"
    }
    let down = smaller.map {
      "\($0.name) would save \(chosen.bytes - $0.bytes) B for \(significant($0.loss - chosen.loss)) more"
    }
    return [up, down].compactMap { $0 }.joined(separator: "; ")
  }

  /// The predicted frontier with its baselines, thinned to at most `points` points.
  public func frontier(points: Int) throws -> Frontier {
    try Frontier.hull(of: runnableTable, model: name).thinned(to: points)
  }
}
