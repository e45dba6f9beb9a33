import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// What holds for every estimator; a new one is held to it by being listed.
@Suite struct EstimatorConformance {
  static let ids = Estimators.all.map { $0.id }

  private func task(_ graph: Graph, formats: [String], workers: Int = 2) throws -> MeasurementTask {
    let groups = try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(for: layer.layer.shape, from: formats))
    }
    return MeasurementTask(executor: Executor(graph), groups: groups, seed: 7, workers: workers)
  }

  @Test(arguments: ids)
  func everyCandidateHasAFiniteScoreOfEverySample(id: String) throws {
    let isSigned = try type(of: Estimators.named(id)).isSigned
    for (graph, samples) in ToyNetworks.all() {
      let task = try task(graph, formats: ["int2-g64", "int4-channel", "int8-g64"])
      let scores = try Estimators.named(id).scores(
        of: SampleChunk(first: 0, samples: samples), in: task)
      #expect(scores.count == task.groups.count)
      for (group, formats) in scores.enumerated() {
        #expect(formats.count == task.groups[group].formats.count)
        for values in formats {
          #expect(values.count == samples.count)
          #expect(values.allSatisfy { $0.isFinite && ($0 >= 0 || isSigned) })
        }
        // Two bits change more than eight, by far, for better or (on few samples) for worse.
        let means = formats.map { SampleMean($0.map { abs($0) }).mean }
        #expect(means[0] > 10 * means[means.count - 1])
      }
    }
  }

  @Test(arguments: ids)
  func fullPrecisionDoesNoHarm(id: String) throws {
    for (graph, samples) in ToyNetworks.all() {
      let task = try task(graph, formats: ["fp32"])
      let scores = try Estimators.named(id).scores(
        of: SampleChunk(first: 0, samples: samples), in: task)
      // Float noise of a KL near zero.
      #expect(scores.joined().joined().allSatisfy { $0 < 1e-6 })
    }
  }

  @Test(arguments: ids)
  func whereChunksAreCutChangesNothing(id: String) throws {
    for (graph, samples) in ToyNetworks.all() {
      let task = try task(graph, formats: ["int3-g64", "int6-channel"])
      let estimator = try Estimators.named(id)
      let whole = try estimator.scores(of: SampleChunk(first: 0, samples: samples), in: task)
      var pieces = whole.map { $0.map { _ in [Double]() } }
      for k in samples.indices {
        let one = try estimator.scores(of: SampleChunk(first: k, samples: [samples[k]]), in: task)
        for g in one.indices { for f in one[g].indices { pieces[g][f] += one[g][f] } }
      }
      for (a, b) in zip(whole.joined().joined(), pieces.joined().joined()) {
        // Batches of other sizes take other paths through BLAS; a KL is a difference of logarithms in
        // singles, good to about 1e-7 a class.
        #expect(abs(a - b) <= 1e-4 * abs(b) + 1e-6)
      }
    }
  }

  @Test(arguments: ids)
  func theNumberOfWorkersChangesNothing(id: String) throws {
    for (graph, samples) in ToyNetworks.all() {
      let chunk = SampleChunk(first: 0, samples: samples)
      let estimator = try Estimators.named(id)
      let one = try estimator.scores(
        of: chunk, in: task(graph, formats: ["int4-channel"], workers: 1))
      let four = try estimator.scores(
        of: chunk, in: task(graph, formats: ["int4-channel"], workers: 4))
      #expect(one == four)
    }
  }

  @Test func unknownEstimatorNamesTheNearest() throws {
    let error = #expect(throws: UserError.self) { try Estimators.named("fisher-ouput") }
    #expect(error?.description.contains("fisher-output") == true)
    #expect(error?.kind == .usage)
  }
}
