import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// Estimators that start from a given policy, against whole networks that are run for every candidate.
@Suite struct BasePointTests {
  private func task(_ graph: Graph, _ names: [String]) throws -> MeasurementTask {
    let groups = try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        candidates: try LayerFormat.candidates(
          for: layer.layer.shape, hasInput: layer.layer.kind != .embedding, from: names))
    }
    return MeasurementTask(executor: Executor(graph), groups: groups, seed: 1, workers: 2)
  }

  /// A policy of several formats, one of them with rounded inputs.
  private func base(_ graph: Graph) throws -> BasePoint {
    BasePoint(
      formats: try graph.layers.enumerated().map { k, layer in
        try LayerFormat.format(
          k.isMultiple(of: 2) ? "int3-g64/int8-token" : "int4-channel", for: layer.layer.shape,
          hasInput: layer.layer.kind != .embedding)
      })
  }

  @Test func scoresAreDifferencesOfFullRuns() throws {
    for (graph, samples) in ToyNetworks.all() {
      let task = try task(graph, ["int2-g64", "int4-channel/int8-token", "fp32"])
      let base = try base(graph)
      let scores = try ExactKL(from: base).scores(
        of: SampleChunk(first: 0, samples: samples), in: task)
      let evaluator = PolicyEvaluator(executor: task.executor, workers: 1)
      for (g, group) in task.groups.enumerated() {
        var policies = group.candidates.map { candidate in
          var policy = base.formats
          policy[g] = candidate
          return policy
        }
        var unchanged = base.formats
        unchanged[g] = nil
        policies.append(unchanged)
        let losses = try evaluator.evaluate(policies, on: samples, memory: 1 << 30)
          .map { $0.map(\.loss) }
        for f in group.candidates.indices {
          for k in samples.indices {
            let (loss, before) = (losses[f][k], losses[group.candidates.count][k])
            #expect(abs(scores[g][f][k] - (loss - before)) <= 1e-4 * loss + 1e-6)
          }
        }
        #expect(scores[g][2].allSatisfy { abs($0) < 1e-6 })
      }
    }
  }

  /// The stored network as a base is no base.
  @Test func fromTheStoredNetworkNothingIsDifferent() throws {
    for (graph, samples) in ToyNetworks.all() {
      let task = try task(graph, ["int3-g64"])
      let chunk = SampleChunk(first: 0, samples: samples)
      let stored = BasePoint(formats: graph.layers.map { _ in nil })
      let pairs: [(any SensitivityEstimator, any SensitivityEstimator)] = [
        (ExactKL(), ExactKL(from: stored)), (ExactLoss(), ExactLoss(from: stored)),
      ]
      for (plain, based) in pairs {
        let a = try plain.scores(of: chunk, in: task)
        let b = try based.scores(of: chunk, in: task)
        for (x, y) in zip(a.joined().joined(), b.joined().joined()) {
          #expect(abs(x - y) <= 1e-9 + 1e-6 * abs(x))
        }
      }
    }
  }

  @Test func whatHasABaseCostsMore() throws {
    let (graph, _) = ToyNetworks.all()[0]
    let task = try task(graph, ["int3-g64", "int4-g64"])
    let based = ExactKL(from: try base(graph))
    #expect(based.forwardPasses(task) > ExactKL().forwardPasses(task))
  }
}
