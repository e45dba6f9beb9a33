internal import Calibration
internal import Models
internal import Optimization
internal import Pareto
internal import Quantization
internal import Sensitivity
internal import Study
internal import Vocabulary

/// A model's formats as a space to search, with the way back to policies.
struct SearchSpace {
  /// The table: candidates with their bytes, and predicted losses where there is a study.
  var source: PlanningSource
  /// Whether the table's losses were measured.
  var hasPrior: Bool
  /// The budgets on costs, and the groups that are chosen independently.
  var planning: PlanningProblem
  /// What an evaluation changes, in the order of the knobs.
  var groups: [MeasuredGroup]
  /// The table's groups that are pinned.
  var pinned: Set<Int>
  /// The space; its first cost is the whole model's bytes.
  var problem: SearchProblem
  /// The most that a policy may lose, where the smallest one is wanted.
  var ceiling: Double?
  /// Who made the first seed.
  var seedName: String

  /// A candidate index for each of the table's groups.
  func choices(_ knobs: [Int]) -> [Int] { planning.groups.choices(knobs) }

  /// Bytes of the whole model.
  func bytes(_ knobs: [Int]) -> Int { Int(problem.costs[0].total(of: knobs)) }

  /// The uniform policies of the table's formats, as points of the space.
  var uniforms: [(name: String, knobs: [Int])] {
    Pareto.UniformPolicy.all(of: source.table, pins: pins).compactMap { uniform in
      knobs(uniform.choices).map { ("uniform \(uniform.format)", $0) }
    }
  }

  /// The point that gives the table's groups these candidates; nil where ties or pins forbid it.
  func knobs(_ choices: [Int]) -> [Int]? {
    let merged = planning.groups
    var knobs: [Int] = []
    for (members, candidates) in zip(merged.members, merged.candidates) {
      let wanted = members.map { choices[$0] }
      guard let index = candidates.firstIndex(of: wanted) else { return nil }
      knobs.append(index)
    }
    return knobs
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
    let limits = options.budgets.filter { $0.kind != .loss }
    let ceiling = options.budgets.filter { $0.kind == .loss }.map(\.limit).min()
    let planning = try PlanningProblem(source.table, budgets: limits, pins: pins)
    // Nothing is run before it is known that something fits.
    let best = try planning.solved(by: Optimizers.named("ilp"), timeLimit: 20)
    let merged = planning.groups.groups
    var space = SearchSpace(
      source: source, hasPrior: options.study != nil, planning: planning,
      groups: try merged.map { try measured($0) }, pinned: Set(pins.keys),
      problem: SearchProblem(
        knobs: merged.map { group in
          let bytes = group.candidates.map(\.bytes)
          return .init(
            name: group.name, choices: group.candidates.map(\.format),
            isOrdered: zip(bytes, bytes.dropFirst()).allSatisfy { $0 <= $1 })
        }, costs: costs(planning),
        objectives: try objectives(options, isMultiObjective: isMultiObjective, ceiling: ceiling),
        prior: options.study == nil ? nil : merged.map { $0.candidates.map(\.loss) },
        samples: samples),
      ceiling: ceiling, seedName: "ilp")
    try seed(&space, planned: best.choices, several: isMultiObjective || ceiling != nil)
    return space
  }

  /// The study's or the user's table; without one, a table of bytes alone.
  private func searchSource(_ options: SearchOptions) throws -> PlanningSource {
    guard let path = options.study else {
      let table = try sizeTable(formats: options.formats, unit: OutputLoss(head: graph.head).unit)
      return PlanningSource(table: table, header: try searchHeader(table), run: nil)
    }
    let source = try PlanningSource(path, estimator: options.estimator, raw: false)
    if let header = source.header, header.model.digest != (try identity().digest) {
      throw UserError(
        .failed, "the study '\(path)' is of another model (\(header.model.name))")
    }
    return PlanningSource(
      table: source.table, header: try searchHeader(source.table), run: source.run)
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
  private func measured(_ group: GroupSensitivity) throws -> MeasuredGroup {
    let layers = try group.layers.map { name in
      guard let index = graph.layers.firstIndex(where: { $0.layer.name == name }) else {
        throw UserError(
          .failed, "the study is of another model: this one has no layer '\(name)'")
      }
      return index
    }
    let formats = try group.candidates.map { candidate in
      let format = try Formats.named(candidate.format)
      for layer in layers {
        if let reason = format.refusal(of: graph.layers[layer].layer.shape) {
          throw UserError(.failed, "'\(group.name)' cannot be \(format.name): \(reason)")
        }
      }
      return format
    }
    return MeasuredGroup(name: group.name, layers: layers, formats: formats)
  }

  /// Bytes of the whole model first, with their limit where there is one; then the other budgets.
  private func costs(_ planning: PlanningProblem) -> [SearchProblem.Cost] {
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
      costs.append(.init(kind: other.kind, values: other.cost, limit: other.limit))
    }
    return costs
  }

  private func objectives(
    _ options: SearchOptions, isMultiObjective: Bool, ceiling: Double?
  ) throws -> [SearchProblem.Objective] {
    if let axes = options.axes {
      guard isMultiObjective else {
        throw UserError(.usage, "'\(options.strategy)' searches for one policy, not a frontier")
      }
      guard ceiling == nil else {
        throw UserError(
          .usage, "a frontier has no ceiling of the loss; leave the budget in nats out")
      }
      guard axes == ["bytes", "loss"] else {
        throw UserError(
          .usage,
          "the axes of a search are bytes,loss; '\(axes.joined(separator: ","))' cannot be searched"
        )
      }
      return [.cost(0), .measured(0)]
    }
    if ceiling != nil { return [.cost(0)] }
    guard options.budgets.isEmpty else { return [.measured(0)] }
    guard isMultiObjective else {
      throw UserError(.usage, "'\(options.strategy)' needs a --budget, e.g. --budget 4.5bpw")
    }
    return [.cost(0), .measured(0)]
  }

  /// Points to start from: the planned policy and some of the exact frontier where there is a study,
  /// else the uniform formats, the largest first.
  private func seed(_ space: inout SearchSpace, planned: [Int], several: Bool) throws {
    var seeds: [(name: String, knobs: [Int])] = []
    let table = space.source.table
    if space.hasPrior {
      if let ceiling = space.ceiling {
        let problem = try PlanningProblem(
          table, budgets: space.planning.budgets + [Budget(.loss, ceiling)],
          pins: space.pins)
        // A prediction that nothing keeps the ceiling is no proof of it.
        if let plan = try? problem.solved(by: Optimizers.named("ilp"), timeLimit: 20),
          let knobs = space.knobs(plan.choices)
        {
          seeds.append(("ilp", knobs))
        }
      } else if !space.planning.budgets.isEmpty, let knobs = space.knobs(planned) {
        seeds.append(("ilp", knobs))
      }
      if several {
        // Tables of irregular layers have too many exact points.
        let exact = try? Frontier.exact(of: table, model: graph.name, pins: space.pins)
        let curve = try exact ?? Frontier.hull(of: table, model: graph.name, pins: space.pins)
        seeds += curve.thinned(to: 24).points.compactMap { point in
          space.knobs(point.choices).map { ("frontier", $0) }
        }
      }
    } else {
      seeds += space.uniforms.sorted { space.bytes($0.knobs) > space.bytes($1.knobs) }
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
    seeds = seeds.filter { space.problem.isFeasible($0.knobs) && seen.insert($0.knobs).inserted }
    space.problem.seeds = seeds.map(\.knobs)
    space.seedName = seeds.first?.name ?? ""
  }
}

extension SearchSpace {
  /// The pinned formats by the table's groups.
  var pins: [Int: String] {
    Dictionary(
      uniqueKeysWithValues: pinned.map {
        ($0, source.table.groups[$0].candidates[fixedChoice($0)].format)
      })
  }
}

extension PlanningSource {
  /// A table of an opened model.
  init(table: SensitivityTable, header: StudyHeader, run: Run?) {
    self.table = table
    self.header = header
    self.run = run
    name = header.model.name
  }
}
