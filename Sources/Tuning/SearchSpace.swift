internal import Calibration
internal import Models
internal import Optimization
internal import Pareto
internal import Quantization
internal import Sensitivity
internal import Study
internal import Vocabulary

/// A model's formats as a space to search, with the way back to policies.
///
/// The knobs are what the strategy turns. A point is what is evaluated: a candidate index for every
/// group of the network. They are the same unless the knobs are those of a ``PipelineSpace``.
struct SearchSpace {
  /// The table: candidates with their bytes, and predicted losses where there is a study.
  var source: PlanningSource
  /// Whether the table's losses were measured.
  var hasPrior: Bool
  /// The budgets on costs, and the groups that are chosen independently.
  var planning: PlanningProblem
  /// What an evaluation changes, in the order of a point.
  var groups: [MeasuredGroup]
  /// The table's groups that are pinned.
  var pinned: Set<Int>
  /// The space of the knobs.
  ///
  /// Where they are the groups', its first cost is the whole model's bytes.
  var problem: SearchProblem
  /// The whole model's bytes by the groups' candidates, with their limit where there is one.
  var sizes: SearchProblem.Cost
  /// The knobs that decide all groups at once; nil where every group is a knob.
  var pipeline: PipelinePoints?
  /// What is measured.
  var loss: OutputLoss
  /// The names of a frontier's axes.
  var axes: [String]
  /// The most that a policy may lose, where the smallest one is wanted.
  var ceiling: Budget?
  /// Who made the first seed.
  var seedName: String

  /// A candidate index for each of the table's groups.
  func choices(_ point: [Int]) -> [Int] { planning.groups.choices(point) }

  /// What is evaluated when the knobs stand like this.
  func point(_ knobs: [Int]) -> [Int] { pipeline?.point(knobs) ?? knobs }

  /// Bytes of the whole model.
  func bytes(_ point: [Int]) -> Int { Int(sizes.total(of: point)) }

  /// Whether a point keeps the budgets on costs.
  func isFeasible(_ point: [Int]) -> Bool {
    guard pipeline != nil else { return problem.isFeasible(point) }
    return sizes.limit.map { sizes.total(of: point) <= $0 } ?? true
  }

  /// The cost that is made small under a ceiling; the bytes otherwise.
  var minimised: CostKind {
    if case .cost(let k)? = problem.objectives.first, problem.costs.indices.contains(k) {
      return problem.costs[k].kind
    }
    return .bytes
  }

  /// What a point costs of ``minimised``.
  func price(_ point: [Int]) -> Double {
    (problem.costs.first { $0.kind == minimised } ?? sizes).total(of: point)
  }

  /// What is minimised, in the order of the axes.
  func values(of trial: Trial) -> [Double] { problem.values(of: trial) }

  /// The uniform policies of the table's formats, as points.
  var uniforms: [(name: String, point: [Int])] {
    Pareto.UniformPolicy.all(of: source.table, pins: pins).compactMap { uniform in
      point(of: uniform.choices).map { ("uniform \(uniform.format)", $0) }
    }
  }

  /// The point that gives the table's groups these candidates; nil where ties or pins forbid it.
  func point(of choices: [Int]) -> [Int]? {
    let merged = planning.groups
    var point: [Int] = []
    for (members, candidates) in zip(merged.members, merged.candidates) {
      let wanted = members.map { choices[$0] }
      guard let index = candidates.firstIndex(of: wanted) else { return nil }
      point.append(index)
    }
    return point
  }

  private func fixedChoice(_ group: Int) -> Int {
    let merged = planning.groups
    for (members, candidates) in zip(merged.members, merged.candidates) {
      if let place = members.firstIndex(of: group) { return candidates[0][place] }
    }
    return 0
  }
}

extension OpenedModel {
  /// The space that a search's options describe.
  ///
  /// - Throws: `UserError`, of kind infeasible when nothing keeps the budgets.
  func searchSpace(_ options: SearchOptions, isMultiObjective: Bool, samples: Int) throws
    -> SearchSpace
  {
    let source = try searchSource(options)
    let pins = try source.pinned(options.pins)
    let measured: [CostKind] = [.loss, .changes]
    let limits = options.budgets.filter { !measured.contains($0.kind) }
    let ceilings = options.budgets.filter { measured.contains($0.kind) }
    guard Set(ceilings.map(\.kind)).count < 2 else {
      throw UserError(.usage, "one ceiling at a time: of the loss, or of the changed answers")
    }
    let ceiling = ceilings.min { $0.limit < $1.limit }
    let loss = try OutputLoss(
      head: graph.head, asking: ceiling?.kind == .changes ? .changedAnswer : .distance)
    let planning = try PlanningProblem(source.table, budgets: limits, pins: pins)
    // Nothing is run before it is known that something fits.
    let best = try planning.solved(by: Optimizers.named("ilp"), timeLimit: 20)
    let merged = planning.groups.groups
    let axes = options.axes ?? ["bytes", "loss"]
    let costs = try costs(
      planning, axes: options.axes ?? [options.minimised.rawValue])
    let pipeline = try options.space.map {
      try PipelinePoints($0, layers: graph.layers.map(\.layer), groups: merged)
    }
    var space = SearchSpace(
      source: source, hasPrior: options.study != nil, planning: planning,
      groups: try merged.map { try self.measured($0) }, pinned: Set(pins.keys),
      problem: SearchProblem(
        knobs: pipeline?.knobs
          ?? merged.map { group in
            let bytes = group.candidates.map(\.bytes)
            return .init(
              name: group.name, choices: group.candidates.map(\.name),
              isOrdered: zip(bytes, bytes.dropFirst()).allSatisfy { $0 <= $1 })
          }, costs: pipeline == nil ? costs : [],
        objectives: try objectives(
          options, costs, isMultiObjective: isMultiObjective, ceiling: ceiling),
        prior: options.study == nil ? nil : merged.map { $0.candidates.map(\.loss) },
        samples: samples, transfer: try transferred(options.transfer, pipeline)),
      sizes: costs[0], pipeline: pipeline, loss: loss, axes: axes, ceiling: ceiling,
      seedName: "ilp")
    if pipeline == nil {
      try seed(&space, planned: best.choices, several: isMultiObjective || ceiling != nil)
    }
    return space
  }

  /// The trials of other studies on the same knobs, on whatever model.
  private func transferred(_ paths: [String], _ pipeline: PipelinePoints?) throws -> [Trial] {
    guard let pipeline else {
      guard paths.isEmpty else {
        throw UserError(
          .usage, "trials of other models are of use on the same knobs; give them a --space")
      }
      return []
    }
    return try paths.flatMap { path in
      let study = try Study.open(at: path)
      let searches = try study.searches().filter {
        try study.problem(of: $0).knobs == pipeline.knobs
      }
      guard !searches.isEmpty else {
        throw UserError(.failed, "the study '\(path)' has no search of this space")
      }
      return try searches.flatMap { try study.trials(of: $0) }
        .filter { $0.values[0] < PipelinePoints.overBudget }
    }
  }

  /// The study's or the user's table; without one, a table of bytes alone.
  private func searchSource(_ options: SearchOptions) throws -> PlanningSource {
    guard let path = options.study else {
      let formats = try options.space?.formatNames() ?? options.formats
      let table = try sizeTable(formats: formats, unit: OutputLoss(head: graph.head).unit)
      return PlanningSource(table: table, header: try searchHeader(table), run: nil)
    }
    let source = try PlanningSource(path, estimator: options.estimator, raw: false)
      .costed(options.costs, progress: { _ in })
    if let header = source.header, header.model.digest != (try identity().digest) {
      throw UserError(
        .failed, "the study '\(path)' is of another model (\(header.model.name))")
    }
    return PlanningSource(
      table: source.runnableTable, header: try searchHeader(source.table), run: source.run,
      ranges: source.ranges)
  }

  /// What the search's study is about.
  func searchHeader(_ table: SensitivityTable) throws -> StudyHeader {
    StudyHeader(
      model: try identity(), tool: Tool.version, libraries: Tool.measuringLibraries,
      layers: graph.layers.map(\.layer),
      groups: table.groups.map { group in
        StudyGroup(name: group.name, layers: group.layers, weights: group.weights ?? 0)
      },
      skipped: graph.skipped, fixedBytes: fixedBytes, created: Tool.now())
  }

  /// A group of the table with the layers and formats that its names stand for.
  func measured(_ group: GroupSensitivity) throws -> MeasuredGroup {
    let layers = try group.layers.map { name in
      guard let index = graph.layers.firstIndex(where: { $0.layer.name == name }) else {
        throw UserError(
          .failed, "the study is of another model: this one has no layer '\(name)'")
      }
      return index
    }
    let candidates = try group.candidates.map { candidate in
      let format = try Formats.named(candidate.format)
      for layer in layers {
        if let reason = format.refusal(of: graph.layers[layer].layer.shape) {
          throw UserError(.failed, "'\(group.name)' cannot be \(format.name): \(reason)")
        }
      }
      return LayerFormat(
        format, activation: try candidate.activation.map { try ActivationFormat.named($0) })
    }
    return MeasuredGroup(name: group.name, layers: layers, candidates: candidates)
  }

  /// Bytes of the whole model first, with their limit where there is one; then the other budgets, and
  /// what else a frontier has as an axis.
  private func costs(_ planning: PlanningProblem, axes: [String]) throws -> [SearchProblem.Cost] {
    let constraints = planning.problem.constraints
    let fixed = Double(planning.table.fixedBytes ?? 0)
    let size = constraints.first { $0.kind == .bytes || $0.kind == .bpw }
    var costs = [
      SearchProblem.Cost(
        kind: .bytes,
        values: planning.groups.groups.map { $0.candidates.map { Double($0.bytes) } },
        fixed: fixed, limit: size.map { $0.limit + fixed })
    ]
    for other in constraints where other.kind != .bytes && other.kind != .bpw {
      let fixed = planning.table.fixedCost(other.kind)
      costs.append(
        .init(
          kind: other.kind, values: other.cost, fixed: fixed, limit: other.limit + fixed))
    }
    for axis in axes where axis != "loss" {
      guard let kind = CostKind(rawValue: axis), kind != .changes else {
        throw UserError.unknown(
          axis, "axis", known: CostKind.allCases.filter { $0 != .changes }.map(\.rawValue))
      }
      guard !costs.contains(where: { $0.kind == kind }) else { continue }
      let values = try planning.groups.groups.map { group in
        try group.candidates.map { candidate in
          guard let cost = candidate.cost(kind) else {
            throw UserError(
              .usage,
              "the table has no \(axis) for '\(group.name)' in '\(candidate.name)', so it can be "
                + "no axis")
          }
          return cost
        }
      }
      costs.append(
        .init(kind: kind, values: values, fixed: planning.table.fixedCost(kind)))
    }
    return costs
  }

  private func objectives(
    _ options: SearchOptions, _ costs: [SearchProblem.Cost], isMultiObjective: Bool,
    ceiling: Budget?
  ) throws -> [SearchProblem.Objective] {
    // Of a pipeline the bytes are no sum over its knobs: they are told with every trial.
    let bytes: SearchProblem.Objective = options.space == nil ? .cost(0) : .measured(1)
    if let axes = options.axes {
      guard isMultiObjective else {
        throw UserError(.usage, "'\(options.strategy)' searches for one policy, not a frontier")
      }
      guard ceiling == nil else {
        throw UserError(
          .usage, "a frontier has no ceiling of the loss; leave the budget on it out")
      }
      guard axes.count > 1, Set(axes).count == axes.count, axes.contains("loss") else {
        throw UserError(
          .usage,
          "the axes of a search are the loss and one or more costs, such as bytes,loss; "
            + "'\(axes.joined(separator: ","))' cannot be searched")
      }
      guard options.space == nil || axes == ["bytes", "loss"] else {
        throw UserError(.usage, "the axes of a pipeline's frontier are bytes,loss")
      }
      return axes.map { axis in
        if axis == "loss" { return .measured(0) }
        if axis == "bytes" { return bytes }
        return .cost(costs.firstIndex { $0.kind.rawValue == axis } ?? 0)
      }
    }
    if ceiling != nil {
      guard options.space == nil else {
        throw UserError(
          .usage, "a pipeline is searched within a budget of bytes, or for a frontier: no ceilings")
      }
      return [.cost(costs.firstIndex { $0.kind == options.minimised } ?? 0)]
    }
    guard options.budgets.isEmpty else { return [.measured(0)] }
    guard isMultiObjective else {
      throw UserError(.usage, "'\(options.strategy)' needs a --budget, e.g. --budget 4.5bpw")
    }
    return [bytes, .measured(0)]
  }

  /// Points to start from: the planned policy and some of the exact frontier where there is a study,
  /// else the uniform formats, the largest first.
  private func seed(_ space: inout SearchSpace, planned: [Int], several: Bool) throws {
    var seeds: [(name: String, point: [Int])] = []
    let table = space.source.table
    if space.hasPrior {
      if let ceiling = space.ceiling {
        // How many answers change is not predicted; the frontier below has the seeds then.
        if ceiling.kind == .loss {
          let problem = try PlanningProblem(
            table, budgets: space.planning.budgets + [ceiling], pins: space.pins)
          // A prediction that nothing keeps the ceiling is no proof of it.
          if let plan = try? problem.solved(by: Optimizers.named("ilp"), timeLimit: 20),
            let point = space.point(of: plan.choices)
          {
            seeds.append(("ilp", point))
          }
        }
      } else if !space.planning.budgets.isEmpty, let point = space.point(of: planned) {
        seeds.append(("ilp", point))
      }
      if several {
        seeds += try curve(of: space).thinned(to: 24).points.compactMap { point in
          space.point(of: point.choices).map { ("frontier", $0) }
        }
      }
    } else {
      seeds += space.uniforms.sorted { space.bytes($0.point) > space.bytes($1.point) }
      // Where no uniform format fits, the smallest of everything does.
      seeds.append(
        (
          "smallest",
          space.planning.groups.groups.map { group in
            group.candidates.indices.min {
              group.candidates[$0].bytes < group.candidates[$1].bytes
            } ?? 0
          }
        ))
    }
    var seen: Set<[Int]> = []
    seeds = seeds.filter { space.problem.isFeasible($0.point) && seen.insert($0.point).inserted }
    space.problem.seeds = seeds.map(\.point)
    space.seedName = seeds.first?.name ?? ""
  }
}

extension OpenedModel {
  /// The predicted trade-off that seeds come from.
  private func curve(of space: SearchSpace) throws -> Frontier {
    let table = space.source.table
    guard space.minimised == .bytes else {
      return try Frontier.supported(
        of: table, axes: [space.minimised.rawValue, "loss"], model: graph.name, pins: space.pins)
    }
    // Tables of irregular layers have too many exact points.
    let exact = try? Frontier.exact(of: table, model: graph.name, pins: space.pins)
    return try exact ?? Frontier.hull(of: table, model: graph.name, pins: space.pins)
  }
}

extension SearchSpace {
  /// The pinned formats by the table's groups.
  var pins: [Int: String] {
    Dictionary(
      uniqueKeysWithValues: pinned.map {
        ($0, source.table.groups[$0].candidates[fixedChoice($0)].name)
      })
  }
}

extension PlanningSource {
  /// A table of an opened model.
  init(
    table: SensitivityTable, header: StudyHeader, run: Run?, ranges: ActivationRanges = .none
  ) {
    self.ranges = ranges
    self.table = table
    self.header = header
    self.run = run
    name = header.model.name
  }
}
