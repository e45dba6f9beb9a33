import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// Layers whose inputs are rounded.
@Suite struct ActivationTests {
  private static let activations = [
    "int8-tensor", "int4-tensor-sym", "int8-tensor+entropy", "int6-tensor+mse@2", "int8-channel",
    "int4-token", "int8-tensor-dynamic", "fp8-e4m3-token", "fp8-e5m2-tensor", "int8-tensor-pow2@1",
  ]

  private func groups(_ graph: Graph, _ names: [String]) throws -> [MeasuredGroup] {
    try graph.layers.enumerated().map { index, layer in
      let hasInput = layer.uses.contains {
        (graph.nodes[$0].operation as? any WeightedOperation)?.kind != .embedding
      }
      return MeasuredGroup(
        name: layer.layer.name, layers: [index],
        candidates: try LayerFormat.candidates(
          for: layer.layer.shape, hasInput: hasInput, from: names))
    }
  }

  private func ranges(
    _ executor: Executor, _ groups: [MeasuredGroup], _ samples: [[String: Tensor]], workers: Int = 2
  ) throws -> ActivationRanges {
    var wanted: [Int: [ActivationFormat]] = [:]
    for group in groups {
      for layer in group.layers { wanted[layer] = group.candidates.compactMap(\.activation) }
    }
    return try ActivationCalibration(executor: executor, workers: workers)
      .ranges(wanted, samples: samples)
  }

  /// The oracle: every weight and input by the scalar formula, the network by hand.
  @Test(arguments: activations)
  func roundedClassifierIsAsByHand(name: String) throws {
    let (graph, samples) = ToyNetworks.all()[0]
    let executor = Executor(graph)
    let groups = try groups(graph, ["fp32/\(name)"])
    let ranges = try ranges(executor, groups, samples)
    let policy = groups.map { $0.candidates[0] as LayerFormat? }
    let mine = try PolicyEvaluator(executor: executor, workers: 1, ranges: ranges)
      .evaluate([policy], on: samples, memory: 1 << 30)[0]
    let format = try ActivationFormat.named(name)
    for (sample, evaluation) in zip(samples, mine) {
      let x = try #require(sample["x"]).floats()
      func rounded(_ x: [Float], _ layer: String) throws -> [Float] {
        let known = ranges[layer, format] ?? []
        func range(_ channel: Int) -> (Float, Float) {
          if format.isDynamic { return (x.min() ?? 0, x.max() ?? 0) }
          return known.count == 2
            ? (known[0], known[1]) : (known[2 * channel], known[2 * channel + 1])
        }
        return x.enumerated().map { channel, value in
          let (low, high) = range(channel)
          switch format.element {
          case .integer(let bits, let scheme):
            return ActivationGrid(low: low, high: high, bits: bits, scheme).roundTrip(value)
          case .float8(let kind):
            let scale = kind.scale(low: low, high: high)
            var result: [Float] = [0]
            [value].withUnsafeBufferPointer { from in
              result.withUnsafeMutableBufferPointer { kind.roundTrip(from, scale: scale, into: $0) }
            }
            return max(-kind.largest * scale, min(kind.largest * scale, result[0]))
          }
        }
      }
      func product(_ x: [Float], _ layer: Int) throws -> [Float] {
        let weight = try executor.parameter(graph.layers[layer].weight)
        return try Tensor(x, shape: [1, x.count]).linear(weight).floats()
      }
      let hidden = try product(rounded(x, "hidden"), 0).map { max(0, $0) }
      let logits = try product(rounded(hidden, "head"), 1)
      let reference = try executor.run(sample)
      let loss = try OutputLoss(head: .classes).perSample(
        reference: reference, output: Tensor(logits, shape: reference.shape))[0]
      #expect(abs(loss - evaluation.loss) <= 1e-4 * loss + 1e-6, "\(name)")
    }
  }

  @Test func calibrationIsTheSameForAnyNumberOfWorkers() throws {
    for (graph, samples) in ToyNetworks.all() {
      let executor = Executor(graph)
      let groups = try groups(graph, Self.activations.map { "int8-channel/\($0)" })
      let ranges = try ranges(executor, groups, samples)
      #expect(try ranges == self.ranges(executor, groups, samples, workers: 1))
      for group in groups where graph.layers[group.layers[0]].layer.kind != .embedding {
        let whole = ranges[group.name, try .named("int8-tensor")] ?? []
        let one = ranges[group.name, try .named("int8-tensor-pow2@1")] ?? []
        #expect(whole.count == 2 && one.count == 2)
        #expect(whole[0] <= one[0] && one[1] <= whole[1])
      }
    }
  }

  /// A format without a range is an error with the way out, and not a guess.
  @Test func lackingRangesAreSaid() throws {
    let (graph, samples) = ToyNetworks.all()[0]
    let groups = try groups(graph, ["int8-channel/int8-tensor"])
    let task = MeasurementTask(
      executor: Executor(graph), groups: groups, seed: 1, workers: 1)
    #expect(throws: UserError.self) {
      try ExactKL().scores(of: SampleChunk(first: 0, samples: samples), in: task)
    }
  }

  @Test func scorerAndEvaluatorAgree() throws {
    for (graph, samples) in ToyNetworks.all() {
      let executor = Executor(graph)
      let groups = try groups(
        graph, ["int4-channel/int8-tensor", "int4-channel", "int8-channel/int4-token"])
      let ranges = try ranges(executor, groups, samples)
      let policies = [[0, 1, 2, 0], [1, 0, 0, 2], [2, 2, 1, 1]].map { choice in
        groups.indices.map { min(choice[$0 % 4], groups[$0].candidates.count - 1) }
      }
      let scorer = PolicyScorer(
        executor: executor, groups: groups, ranges: ranges, samples: samples, workers: 2,
        memory: 1 << 24)
      let oracle = try PolicyEvaluator(executor: executor, workers: 1, ranges: ranges).evaluate(
        policies.map { policy in zip(groups, policy).map { $0.candidates[$1] as LayerFormat? } },
        on: samples, memory: 1 << 30)
      try scorer.score(policies, on: samples.indices) { index, losses in
        for (a, b) in zip(losses, oracle[index]) {
          #expect(abs(a - b.loss) <= 1e-4 * b.loss + 1e-6)
        }
      }
    }
  }

  /// Every estimator that takes activations sees them: exactly, where it measures.
  @Test func estimatorsSeeTheInputs() throws {
    for (graph, samples) in ToyNetworks.all() {
      let executor = Executor(graph)
      let groups = try groups(graph, ["fp32", "fp32/int3-token", "fp32/int8-token"])
      let task = MeasurementTask(executor: executor, groups: groups, seed: 1, workers: 1)
      let chunk = SampleChunk(first: 0, samples: samples)
      for type in Estimators.all where type.takesActivations {
        let scores = try type.init().scores(of: chunk, in: task)
        for (group, candidates) in zip(groups, scores) where group.candidates.count == 3 {
          let means = candidates.map { SampleMean($0).mean }
          #expect(abs(means[0]) < 1e-6, "\(type.id)")
          if type.isSigned {
            #expect(candidates[1].contains { abs($0) > 1e-4 }, "\(type.id) \(group.name)")
            continue
          }
          #expect(means[1] > 4 * means[2], "\(type.id) \(group.name)")
          #expect(means[2] > 0, "\(type.id) \(group.name)")
        }
      }
      let exact = try ExactKL().scores(of: chunk, in: task)
      let evaluator = PolicyEvaluator(executor: executor, workers: 1)
      for (g, group) in groups.enumerated() where group.candidates.count == 3 {
        let policy = groups.indices.map { $0 == g ? group.candidates[1] : nil as LayerFormat? }
        let measured = try evaluator.evaluate([policy], on: samples, memory: 1 << 30)[0]
        for (a, b) in zip(exact[g][1], measured) {
          #expect(abs(a - b.loss) <= 1e-4 * b.loss + 1e-6)
        }
      }
    }
  }
}
