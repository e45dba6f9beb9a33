import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// `exact-kl-from-8bit` against whole networks that are run for every candidate.
@Suite struct ExactKLFrom8BitTests {
  private func task(_ graph: Graph) throws -> MeasurementTask {
    let groups = try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(
          for: layer.layer.shape, from: ["int2-g64", "int4-channel", "fp32"]))
    }
    return MeasurementTask(executor: Executor(graph), groups: groups, seed: 1, workers: 2)
  }

  @Test func scoresAreDifferencesOfFullRuns() throws {
    var networks = ToyNetworks.all()
    networks.append((InteractionToys.duplicated(head: .classes), InteractionToys.samples))
    for (graph, samples) in networks {
      let task = try task(graph)
      let chunk = SampleChunk(first: 0, samples: samples)
      let scores = try ExactKLFrom8Bit().scores(of: chunk, in: task)
      let base = try graph.layers.map { try Formats.format("int8-g64", for: $0.layer.shape) }
      #expect(base.allSatisfy { $0 != nil })
      let evaluator = PolicyEvaluator(executor: task.executor, workers: 1)
      for (g, group) in task.groups.enumerated() {
        var policies = group.formats.map { format in
          var policy = base
          policy[g] = format
          return policy
        }
        var unchanged = base
        unchanged[g] = nil
        policies.append(unchanged)
        let losses = try evaluator.evaluate(policies, on: samples, memory: 1 << 30)
          .map { $0.map(\.loss) }
        for f in group.formats.indices {
          for k in samples.indices {
            let (loss, before) = (losses[f][k], losses[group.formats.count][k])
            #expect(abs(scores[g][f][k] - (loss - before)) <= 1e-4 * loss + 1e-6)
          }
        }
        #expect(scores[g][2].allSatisfy { abs($0) < 1e-9 })
      }
    }
  }

  /// Other layers' errors change what one more adds: it is not `exact-kl` under another name.
  @Test func theBaseMatters() throws {
    let (graph, samples) = ToyNetworks.all()[0]
    let task = try task(graph)
    let chunk = SampleChunk(first: 0, samples: samples)
    let based = try ExactKLFrom8Bit().scores(of: chunk, in: task)
    let exact = try ExactKL().scores(of: chunk, in: task)
    let differences = zip(based.joined().joined(), exact.joined().joined()).map { abs($0 - $1) }
    #expect(differences.contains { $0 > 1e-5 })
    for (a, b) in zip(based, exact) {
      let (near, far) = (SampleMean(a[0]).mean, SampleMean(b[0]).mean)
      #expect(abs(near - far) < 0.2 * far)
    }
  }
}
