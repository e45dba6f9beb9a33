import Foundation
import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// `exact-loss` against likelihoods in plain arithmetic.
@Suite struct ExactLossTests {
  private func task(_ graph: Graph) throws -> MeasurementTask {
    let groups = try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(for: layer.layer.shape, from: ["int2-g64", "int4-channel"]))
    }
    return MeasurementTask(executor: Executor(graph), groups: groups, seed: 1, workers: 2)
  }

  /// `−ln softmax(z)[answer]`.
  private func nats(_ logits: ArraySlice<Double>, _ answer: Int) -> Double {
    let top = logits.max() ?? 0
    return log(logits.reduce(0) { $0 + exp($1 - top) }) + top - logits[logits.startIndex + answer]
  }

  private func check(
    _ graph: Graph, _ samples: [[String: Tensor]],
    _ loss: ([String: Tensor], [Double]) throws -> Double
  ) throws {
    let task = try task(graph)
    let scores = try ExactLoss().scores(of: SampleChunk(first: 0, samples: samples), in: task)
    for (g, group) in task.groups.enumerated() {
      for (f, format) in group.formats.enumerated() {
        let layer = graph.layers[g]
        let weights = [layer.weight: try task.executor.roundTrip(layer, format)]
        for (k, sample) in samples.enumerated() {
          let changed = try loss(sample, try task.executor.run(sample, weights: weights).doubles())
          let stored = try loss(sample, try task.executor.run(sample).doubles())
          #expect(abs(scores[g][f][k] - (changed - stored)) < 1e-5)
        }
      }
    }
  }

  @Test func nextTokens() throws {
    let (graph, samples) = ToyNetworks.all()[2]
    try check(graph, samples) { sample, logits in
      let ids = try sample["input_ids"]?.integers() ?? []
      let count = logits.count / ids.count
      let sum = ids.indices.dropLast().reduce(0.0) { sum, t in
        sum + nats(logits[t * count..<(t + 1) * count], ids[t + 1])
      }
      return sum / Double(ids.count - 1)
    }
  }

  @Test func labels() throws {
    var (graph, samples) = ToyNetworks.all()[0]
    for k in samples.indices { samples[k]["labels"] = Tensor([Int64(k * 3 % 10)], shape: [1]) }
    try check(graph, samples) { sample, logits in
      try nats(logits[...], sample["labels"]?.integers()[0] ?? 0)
    }
  }

  /// Without labels the stored network's answers are right.
  @Test func answersOfTheNetworkItself() throws {
    let (graph, samples) = ToyNetworks.all()[1]
    let executor = Executor(graph)
    try check(graph, samples) { sample, logits in
      let stored = (try? executor.run(sample).doubles()) ?? []
      return nats(logits[...], stored.indices.max { stored[$0] < stored[$1] } ?? 0)
    }
  }

  @Test func aLabelThatIsNoClassIsRefused() throws {
    var (graph, samples) = ToyNetworks.all()[0]
    samples = [samples[0]]
    samples[0]["labels"] = Tensor([Int64(10)], shape: [1])
    let task = try task(graph)
    let error = #expect(throws: UserError.self) {
      try ExactLoss().scores(of: SampleChunk(first: 0, samples: samples), in: task)
    }
    #expect(error?.description.contains("10 classes") == true)
  }
}
