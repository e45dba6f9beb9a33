import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// Estimators that use gradients of single samples, and the energy of inputs.
@Suite struct FirstOrderTests {
  private func task(_ graph: Graph, _ formats: [String], seed: UInt64 = 1) throws
    -> MeasurementTask
  {
    let groups = try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(for: layer.layer.shape, from: formats))
    }
    return MeasurementTask(executor: Executor(graph), groups: groups, seed: seed, workers: 2)
  }

  /// Where the loss is quadratic the groups' shares add up to the uniform network's loss.
  @Test func sharesOfAUniformNetworksLossAddUp() throws {
    for (graph, samples) in ToyNetworks.all() {
      let task = try task(graph, ["int8-channel"])
      let scores = try GradientError().scores(of: .init(first: 0, samples: samples), in: task)
      let policy: [(any NumberFormat)?] = task.groups.map { $0.formats[0] }
      let measured = try PolicyEvaluator(executor: task.executor, workers: 1).evaluate(
        [policy], on: samples, memory: 1 << 30)[0]
      let total = SampleMean(measured.map(\.loss)).mean
      let predicted = scores.reduce(0) { $0 + SampleMean($1[0]).mean }
      #expect(abs(predicted - total) < 0.05 * total + 3e-7)
      let bound = try GradientErrorAbsolute().scores(
        of: .init(first: 0, samples: samples), in: task)
      for (a, b) in zip(scores.joined().joined(), bound.joined().joined()) {
        #expect(abs(a) <= b * (1 + 1e-4) + 1e-12)
      }
    }
  }

  /// Groups that a format does not fit do not change where gradients are taken for the others.
  @Test func formatsWithStandInsShareAPoint() throws {
    let (graph, samples) = ToyNetworks.all()[1]  // 27 columns: no groups of 64
    let task = try task(graph, ["int4-g64"])
    #expect(task.groups[0].formats[0].name == "int4-channel")
    let scores = try GradientError().scores(of: .init(first: 0, samples: samples), in: task)
    #expect(scores.allSatisfy { $0[0].count == samples.count })
  }

  @Test func squaredTermsAverageToTheQuadraticForm() throws {
    for (graph, samples) in ToyNetworks.all() {
      let chunk = SampleChunk(first: 0, samples: Array(samples.prefix(2)))
      let expected = try Quadratic().scores(of: chunk, in: task(graph, ["int4-channel"]))
      let runs = try (0..<60).map { seed in
        try Taylor().scores(of: chunk, in: task(graph, ["int4-channel"], seed: 100 * seed))
      }
      for (g, group) in expected.enumerated() {
        for sample in 0..<2 {
          let mean = SampleMean(runs.map { $0[g][0][sample] })
          #expect(abs(mean.mean - group[0][sample]) < 4.5 * (mean.standardError ?? 0))
          #expect((mean.standardError ?? 1) < 0.35 * group[0][sample])
        }
      }
    }
  }

  /// Against the sum written out, for each kind of layer.
  @Test func inputEnergyByHand() throws {
    // Linear: rows of x are positions.
    let (classifier, samples) = ToyNetworks.all()[0]
    var task = try task(classifier, ["int3-channel"])
    let scores = try ActivationWeighted().scores(of: .init(first: 0, samples: samples), in: task)
    let delta = try
      (task.executor.roundTrip(classifier.layers[0], task.groups[0].formats[0])
      - task.executor.parameter(classifier.layers[0].weight)).floats()
    for (k, sample) in samples.enumerated() {
      let x = try sample["x"]?.floats() ?? []
      let expected = delta.enumerated().reduce(0.0) {
        let e = Double(x[$1.offset % 64] * $1.element)
        return $0 + e * e
      }
      #expect(abs(scores[0][0][k] - expected) < 1e-4 * expected)
    }
    // An embedding: every looked-up row once, and the tied head's products.
    let (language, texts) = ToyNetworks.all()[2]
    task = try self.task(language, ["int3-channel"])
    let table = language.layers[0]
    let rows = try
      (task.executor.roundTrip(table, task.groups[0].formats[0])
      - task.executor.parameter(table.weight)).floats()
    let chunk = SampleChunk(first: 0, samples: texts)
    let found = try ActivationWeighted().scores(of: chunk, in: task)
    for (k, text) in texts.enumerated() {
      let ids = try text["input_ids"]?.integers() ?? []
      let looked =
        ids.reduce(0.0) { sum, id in
          (0..<64).reduce(sum) { $0 + Double(rows[id * 64 + $1] * rows[id * 64 + $1]) }
        } / Double(ids.count)
      #expect(found[0][0][k] > looked)
    }
  }

  /// A depthwise convolution of one sample, written out.
  @Test func inputEnergyOfAGroupedConvolution() throws {
    var b = GraphBuilder(name: "grouped (synthetic)", architecture: "toy")
    let x = b.input("x", shape: [nil, 4, 6, 6], dtype: .float32)
    let weight = ToyNetworks.random([8, 2, 3, 3], seed: 21)
    let w = b.parameter("w", shape: [8, 2, 3, 3], storedBytes: 576) { weight }
    let convolution = Convolution(
      stride: [1, 1], padding: .explicit(begin: [0, 0], end: [0, 0]), dilation: [1, 1], groups: 2)
    let y = b.node("conv", convolution, x, w, nil)
    let graph = b.finished(output: y, head: .vector, files: [])
    let task = try task(graph, ["int3-channel"])
    let input = ToyNetworks.random([1, 4, 6, 6], seed: 22)
    let scores = try ActivationWeighted().scores(
      of: .init(first: 0, samples: [["x": input]]), in: task)
    let delta = try
      (task.executor.roundTrip(graph.layers[0], task.groups[0].formats[0])
      - task.executor.parameter(graph.layers[0].weight)).floats()
    let v = try input.floats()
    var expected = 0.0
    for o in 0..<8 {
      for c in 0..<2 {
        for i in 0..<3 {
          for j in 0..<3 {
            let d = Double(delta[((o * 2 + c) * 3 + i) * 3 + j])
            for p in 0..<4 {
              for q in 0..<4 {
                let a = Double(v[((o / 4 * 2 + c) * 6 + p + i) * 6 + q + j])
                expected += a * a * d * d / 16
              }
            }
          }
        }
      }
    }
    #expect(abs(scores[0][0][0] - expected) < 1e-4 * expected)
  }

  @Test func noiseOverSignalIsTheDistanceOfOutputs() throws {
    let (graph, samples) = ToyNetworks.all()[3]
    let task = try task(graph, ["int2-g64"])
    let chunk = SampleChunk(first: 0, samples: samples)
    let exact = try ExactKL().scores(of: chunk, in: task)
    let ratio = try SignalToNoise().scores(of: chunk, in: task)
    for (a, b) in zip(exact.joined().joined(), ratio.joined().joined()) {
      #expect(abs(2 * a - b) <= 1e-12 + 1e-9 * b)
    }
  }

  /// `tr` with respect to what enters the head is that of `Wᵀ F W`.
  @Test func activationTraceOfTheHead() throws {
    let (graph, samples) = ToyNetworks.all()[0]
    let task = try task(graph, ["int4-channel"])
    let values = try ActivationTraces.measure(
      .init(first: 0, samples: [samples[0]]), in: task, probes: 400)[0]
    #expect(values.traces[0] == nil)
    #expect(values.counts == [64, 128])
    let p = try task.executor.run(samples[0]).softmax(-1).doubles()
    let w = try task.executor.parameter(graph.layers[1].weight).doubles()
    var expected = 0.0
    for j in 0..<128 {
      let column = (0..<10).map { w[$0 * 128 + j] }
      let mean = zip(p, column).reduce(0) { $0 + $1.0 * $1.1 }
      expected += zip(p, column).reduce(0) { $0 + $1.0 * ($1.1 - mean) * ($1.1 - mean) }
    }
    #expect(abs((values.traces[1] ?? 0) - expected) < 0.1 * expected)
    let hutchinson = try ActivationTraces.hutchinson(
      .init(first: 0, samples: [samples[0]]), in: task, probes: 400)[0]
    #expect(hutchinson.traces[0] == nil && hutchinson.counts == values.counts)
    #expect(abs((hutchinson.traces[1] ?? 0) - expected) < 0.1 * expected)
  }

  /// Two ways to the same number, layer by layer, in a network with several activations.
  @Test func activationTracesByTwoWays() throws {
    for (graph, samples) in [ToyNetworks.all()[1], ToyNetworks.all()[2]] {
      let task = try task(graph, ["int4-channel"])
      let chunk = SampleChunk(first: 0, samples: [samples[0]])
      let first = try ActivationTraces.measure(chunk, in: task, probes: 400)[0].traces
      let second = try ActivationTraces.hutchinson(chunk, in: task, probes: 1200)[0].traces
      #expect(first.contains { $0 != nil })
      for (a, b) in zip(first, second) {
        #expect((a == nil) == (b == nil))
        if let a, let b { #expect(abs(a - b) < 0.15 * a) }
      }
    }
  }
}
