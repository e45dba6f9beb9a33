import Foundation
import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// Token weights against attention in plain arithmetic, and the estimator that uses them.
@Suite struct TokenWeightTests {
  private func task(_ graph: Graph) throws -> MeasurementTask {
    let groups = try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(for: layer.layer.shape, from: ["int3-channel"]))
    }
    return MeasurementTask(executor: Executor(graph), groups: groups, seed: 1, workers: 2)
  }

  @Test func weightsOfKnownAttention() {
    // 0.01, 0.505 and 1, scaled to a sum of three.
    let weights = TokenWeights.weights(of: [1, 2, 3])
    let sum: Float = 0.01 + 0.505 + 1
    for (weight, mapped) in zip(weights, [0.01, 0.505, 1] as [Float]) {
      #expect(abs(weight - 3 * mapped / sum) < 1e-6)
    }
    #expect(TokenWeights.weights(of: [2, 2]) == [1, 1])
    #expect(TokenWeights.weights(of: []).isEmpty)
  }

  /// Heads of `x` attend to `x` itself, causally: what every position receives, over heads and queries.
  private func received(_ x: [[Double]], heads: Int, scale: Double) -> [Float] {
    let width = x[0].count / heads
    var sums = [Double](repeating: 0, count: x.count)
    for head in 0..<heads {
      for query in x.indices {
        let terms = (0...query).map { key in
          exp(
            scale
              * (0..<width).reduce(0.0) {
                $0 + x[query][head * width + $1] * x[key][head * width + $1]
              })
        }
        for (key, term) in terms.enumerated() { sums[key] += term / terms.reduce(0, +) }
      }
    }
    return sums.map { Float($0) }
  }

  @Test func errorsAreWeightedByTheAttentionOfTheBlock() throws {
    let (graph, samples) = ToyNetworks.all()[2]
    let task = try task(graph)
    let chunk = SampleChunk(first: 0, samples: samples)
    let scores = try OutputErrorRSQ().scores(of: chunk, in: task)
    let plain = try OutputError().scores(of: chunk, in: task)
    // The mixing layer: its input is what the attention of the embeddings gives.
    let layer = try #require(graph.layers.firstIndex { $0.layer.name.hasPrefix("mix") })
    let table = try #require(graph.layers.firstIndex { $0.layer.name.hasPrefix("embed") })
    let delta = try task.executor.roundTrip(graph.layers[layer], task.groups[layer].formats[0])
    let weight = try task.executor.parameter(graph.layers[layer].weight)
    let rows = try task.executor.parameter(graph.layers[table].weight).doubles()
    for (k, sample) in samples.enumerated() {
      let ids = try sample["input_ids"]?.integers() ?? []
      let embedded = ids.map { Array(rows[$0 * 64..<($0 + 1) * 64]) }
      let weights = TokenWeights.weights(of: received(embedded, heads: 2, scale: 0.2))
      var input: Tensor?
      var execution = try task.executor.start(sample)
      try task.executor.advance(&execution) { node, inputs, results in
        if node == graph.layers[layer].uses[0] { input = inputs[0] }
        return results
      }
      let x = try #require(input).reshaped([ids.count, 64])
      let change = try x.matmul((delta - weight).transposed(0, 1)).doubles()
      let output = try x.matmul(weight.transposed(0, 1)).doubles()
      var (error, norm) = (0.0, 0.0)
      for t in ids.indices {
        for j in 0..<64 {
          error += Double(weights[t]) * change[t * 64 + j] * change[t * 64 + j]
          norm += Double(weights[t]) * output[t * 64 + j] * output[t * 64 + j]
        }
      }
      #expect(abs(scores[layer][0][k] - error / norm) < 1e-4 * error / norm)
      #expect(abs(scores[layer][0][k] - plain[layer][0][k]) > 1e-6 * plain[layer][0][k])
    }
  }

  @Test func withoutAttentionItIsOutputError() throws {
    for network in [0, 1, 3] {
      let (graph, samples) = ToyNetworks.all()[network]
      let task = try task(graph)
      let chunk = SampleChunk(first: 0, samples: samples)
      #expect(
        try OutputErrorRSQ().scores(of: chunk, in: task)
          == OutputError().scores(of: chunk, in: task))
    }
  }
}
