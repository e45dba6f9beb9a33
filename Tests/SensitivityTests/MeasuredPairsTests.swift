import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// `pairs` against policies of two groups that are evaluated whole.
@Suite struct MeasuredPairsTests {
  private func task(_ graph: Graph, _ formats: [String]) throws -> MeasurementTask {
    let groups = try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(for: layer.layer.shape, from: formats))
    }
    return MeasurementTask(executor: Executor(graph), groups: groups, seed: 1, workers: 2)
  }

  private func losses(
    _ task: MeasurementTask, _ samples: [[String: Tensor]], _ changed: [(Int, Int)]
  ) throws -> [Double] {
    var policy = [(any NumberFormat)?](repeating: nil, count: task.graph.layers.count)
    for (group, format) in changed {
      for layer in task.groups[group].layers { policy[layer] = task.groups[group].formats[format] }
    }
    return try PolicyEvaluator(executor: task.executor, workers: 1).evaluate(
      [policy], on: samples, memory: 1 << 30)[0].map(\.loss)
  }

  @Test func termsAreDifferencesOfMeasuredLosses() throws {
    var networks = ToyNetworks.all()
    networks.append((InteractionToys.duplicated(head: .classes), InteractionToys.samples))
    for (graph, samples) in networks {
      let task = try task(graph, ["int2-g64", "int4-channel"])
      let terms = try MeasuredPairs().interactions(
        of: SampleChunk(first: 0, samples: samples), in: task)
      let rows = task.groups.enumerated().flatMap { g, group in
        group.formats.indices.map { (g, $0) }
      }
      #expect(terms.pairs == InteractionTerms.allPairs(task.groups.map(\.formats.count)))
      for pair in terms.pairs {
        let (a, b) = (rows[pair.first], rows[pair.second])
        let both = try losses(task, samples, [a, b])
        let first = try losses(task, samples, [a])
        let second = try losses(task, samples, [b])
        let found = terms.terms(of: pair) ?? []
        #expect(found.count == samples.count)
        for (k, term) in found.enumerated() {
          let expected = both[k] - first[k] - second[k]
          #expect(abs(Double(term) - expected) <= 1e-4 * (both[k] + first[k] + second[k]) + 1e-6)
        }
      }
      for (row, candidate) in rows.enumerated() {
        let found = Array(terms.scores.joined())[row]
        for (a, b) in zip(found, try losses(task, samples, [candidate])) {
          #expect(abs(a - b) <= 1e-4 * b + 1e-6)
        }
      }
    }
  }

  /// The prediction of two groups is what was measured of them.
  @Test func twoGroupsArePredictedExactly() throws {
    let (graph, samples) = ToyNetworks.all()[1]
    let task = try task(graph, ["int2-g64", "int3-channel", "int8-channel"])
    let model = try MeasuredPairs().interactions(of: .init(first: 0, samples: samples), in: task)
      .matrix()
    for a in task.groups[0].formats.indices {
      for b in task.groups[1].formats.indices {
        let loss = SampleMean(try losses(task, samples, [(0, a), (1, b)])).mean
        #expect(abs(model.loss(of: [a, b]) - loss) <= 1e-4 * loss + 1e-6)
      }
    }
  }

  @Test func aLayerAndItsDuplicateAddTheirChangesUp() throws {
    let task = try task(InteractionToys.duplicated(), ["int3-g64", "int4-channel"])
    let model = try MeasuredPairs().interactions(
      of: .init(first: 0, samples: InteractionToys.samples), in: task
    ).matrix()
    for a in 0..<2 {
      let single = model.single(0, a)
      #expect(abs(model.single(1, a) - single) <= 1e-4 * single)
      #expect(abs(model.cross(0, a, 1, a) - 2 * single) <= 1e-3 * single)
      #expect(abs(model.cross(0, a, 2, a) - model.cross(1, a, 2, a)) <= 1e-3 * single)
    }
  }

  @Test func aLimitKeepsThePairsOfTheLargestLosses() throws {
    let samples = InteractionToys.samples
    let task = try task(
      InteractionToys.duplicated([50, 51, 52, 53]), ["int2-g64", "int4-channel"])
    let chunk = SampleChunk(first: 0, samples: samples)
    let whole = try MeasuredPairs().interactions(of: chunk, in: task)
    let limited = try MeasuredPairs(limit: 3).interactions(of: chunk, in: task)
    #expect(whole.pairs.count == 24)
    let losses = Array(whole.scores.joined())
    for k in samples.indices {
      let measured = whole.pairs.filter { (limited.terms(of: $0)?[k] ?? 0) != 0 }
      #expect(measured.count == 3)
      let bounds = whole.pairs.map { losses[$0.first][k] * losses[$0.second][k] }
        .sorted(by: >)
      for pair in measured {
        #expect(losses[pair.first][k] * losses[pair.second][k] >= bounds[2] * 0.9999)
        #expect(limited.terms(of: pair)?[k] == whole.terms(of: pair)?[k])
      }
    }
    let none = try MeasuredPairs(limit: 0).interactions(of: chunk, in: task)
    #expect(none.pairs.isEmpty)
    #expect(none.scores == whole.scores)
  }

  /// Which pairs a sample chooses does not depend on the samples it is measured with.
  @Test func companyChangesNoChoice() throws {
    let samples = InteractionToys.samples
    let task = try task(
      InteractionToys.duplicated([50, 51, 52, 53]), ["int2-g64", "int4-channel"])
    let estimator = MeasuredPairs(limit: 3)
    let whole = try estimator.interactions(of: .init(first: 0, samples: samples), in: task)
    let pieces = try InteractionTerms.joined(
      samples.indices.map {
        try estimator.interactions(of: .init(first: $0, samples: [samples[$0]]), in: task)
      })
    #expect(pieces.pairs == whole.pairs)
    for pair in whole.pairs {
      for (a, b) in zip(whole.terms(of: pair) ?? [], pieces.terms(of: pair) ?? []) {
        #expect((a == 0) == (b == 0))
        #expect(abs(a - b) <= 1e-4 * abs(b) + 1e-6)
      }
    }
  }

  @Test func theCostIsToldAndLimited() throws {
    let task = try task(
      InteractionToys.duplicated([50, 51, 52, 53]), ["int2-g64", "int4-channel"])
    #expect(MeasuredPairs().forwardPasses(task) == 1.5 + 4 + 24.0 / 3)
    #expect(MeasuredPairs(limit: 6).forwardPasses(task) == 1.5 + 4 + 2)
  }

  @Test func aGroupThatNeverRanIsAnError() throws {
    var task = try task(ToyNetworks.classifier(), ["int4-channel"])
    task.groups.append(MeasuredGroup(name: "nobody", layers: [], formats: []))
    let chunk = SampleChunk(first: 0, samples: ToyNetworks.all()[0].samples)
    for id in InteractionEstimators.ids + [Shapley.id] {
      let error = #expect(throws: UserError.self) {
        try Estimators.named(id).scores(of: chunk, in: task)
      }
      #expect(error?.description.contains("nobody") == true)
    }
  }
}
