import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

@Suite struct KnownAnswers {
  private func groups(_ graph: Graph, _ formats: [String]) throws -> [MeasuredGroup] {
    try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(for: layer.layer.shape, from: formats))
    }
  }

  /// The oracle of exact-kl: the whole network, run again for every candidate.
  @Test func exactKLWithPrefixCachingEqualsFullRuns() throws {
    for (graph, samples) in ToyNetworks.all() {
      let executor = Executor(graph)
      let groups = try groups(graph, ["int2-g64", "int4-channel"])
      let task = MeasurementTask(executor: executor, groups: groups, seed: 1, workers: 2)
      let scores = try ExactKL().scores(of: SampleChunk(first: 0, samples: samples), in: task)
      let evaluator = PolicyEvaluator(executor: executor, workers: 1)
      for (g, group) in groups.enumerated() {
        for (f, format) in group.formats.enumerated() {
          var policy = [(any NumberFormat)?](repeating: nil, count: graph.layers.count)
          policy[g] = format
          let oracle = try evaluator.evaluate([policy], on: samples, memory: 1 << 30)[0]
          for (a, b) in zip(scores[g][f], oracle.map(\.loss)) {
            #expect(abs(a - b) <= 1e-5 * b + 1e-8)
          }
        }
      }
    }
  }

  /// With one position per sample there is nothing to add up before squaring.
  @Test func channelAndElementAgreeWithoutPositions() throws {
    let (graph, samples) = ToyNetworks.all()[0]
    let task = MeasurementTask(
      executor: Executor(graph), groups: try groups(graph, ["int3-g64"]), seed: 3, workers: 1)
    let chunk = SampleChunk(first: 0, samples: samples)
    let elements = try FisherOutput().scores(of: chunk, in: task)
    let channels = try FisherChannel().scores(of: chunk, in: task)
    for (a, b) in zip(elements.joined().joined(), channels.joined().joined()) {
      #expect(abs(a - b) <= 1e-4 * b)
    }
  }

  /// For the last layer the Fisher information of a softmax is known.
  ///
  /// It is `diag(p) − p pᵀ`, whose diagonal gives `½ Σ p (1 − p) Δy²`, which the drawn labels must average to.
  @Test func fisherOutputOfTheLastLayerIsTheSoftmaxsOwn() throws {
    let (graph, samples) = ToyNetworks.all()[0]
    let executor = Executor(graph)
    let groups = try groups(graph, ["int3-g64"])
    let head = graph.layers[1]
    let delta = try executor.roundTrip(head, groups[1].formats[0]) - executor.parameter(head.weight)
    for sample in samples.prefix(2) {
      var execution = try executor.start(sample)
      try executor.advance(&execution, to: head.uses[0])
      guard let input = graph.nodes[head.uses[0]].inputs[0], let h = execution[input] else {
        Issue.record("the head has no input")
        return
      }
      let change = try h.linear(delta).floats()
      let p = try executor.run(sample).softmax(-1).floats()
      let expected = zip(p, change).reduce(0.0) {
        $0 + 0.5 * Double($1.0 * (1 - $1.0) * $1.1 * $1.1)
      }
      let draws = try (0..<400).map { seed in
        try FisherOutput().scores(
          of: SampleChunk(first: 0, samples: [sample]),
          in: MeasurementTask(executor: executor, groups: groups, seed: seed, workers: 1))[1][0][0]
      }
      let mean = SampleMean(draws)
      #expect(abs(mean.mean - expected) < 4 * (mean.standardError ?? 0) + 1e-9)
      #expect((mean.standardError ?? 1) < 0.1 * expected)
    }
  }

  /// The Fisher information of a vector is that of a unit normal, which makes the last layer's loss exact.
  ///
  /// It is `½ ‖Δy‖² / ‖y‖²`.
  ///
  /// `½ ‖Δy‖² / ‖y‖²` for the last layer.
  @Test func smallErrorsOfAnEncoderAreTheLossItself() throws {
    let (graph, samples) = ToyNetworks.all()[3]
    let executor = Executor(graph)
    let chunk = SampleChunk(first: 0, samples: samples)
    let groups = try groups(graph, ["int8-channel"])
    let exact = try ExactKL().scores(
      of: chunk, in: MeasurementTask(executor: executor, groups: groups, seed: 1, workers: 1))
    let fisher = try (0..<300).map { seed in
      SampleMean(
        try FisherOutput().scores(
          of: chunk,
          in: MeasurementTask(executor: executor, groups: groups, seed: seed, workers: 1))[0][0]
      ).mean
    }
    // The diagonal leaves out terms between outputs, which average to nothing only over many layers.
    let ratio = SampleMean(fisher).mean / SampleMean(exact[0][0]).mean
    #expect(ratio > 0.5 && ratio < 2)
  }

  @Test func divergenceOfKnownDistributions() throws {
    let loss = OutputLoss(head: .classes)
    let p = Tensor([0, 0] as [Float], shape: [1, 2])
    let q = Tensor([1.0986123, 0] as [Float], shape: [1, 2])  // 3 : 1
    // ½ ln(½ / ¾) + ½ ln(½ / ¼)
    let value = try loss.values(reference: p, output: q)[0]
    #expect(abs(value - 0.14384104) < 1e-6)
    #expect(try loss.values(reference: p, output: p) == [0])
  }

  @Test func aBrokenOutputIsNoHarmlessOne() throws {
    let reference = Tensor([0, 0] as [Float], shape: [1, 2])
    for broken in [Float.nan, .infinity] {
      let output = Tensor([broken, 0], shape: [1, 2])
      for head in [OutputHead.classes, .vector] {
        #expect(throws: UserError.self) {
          try OutputLoss(head: head).values(reference: reference, output: output)
        }
      }
    }
  }

  @Test func normalisedErrorOfUnitVectorsIsOneMinusCosine() throws {
    let loss = OutputLoss(head: .vector)
    let a = Tensor([1, 0] as [Float], shape: [1, 2])
    let b = Tensor([0.6, 0.8] as [Float], shape: [1, 2])
    #expect(abs(try loss.values(reference: a, output: b)[0] - 0.4) < 1e-6)
  }

  /// `E[s sᵀ] = diag(p) − p pᵀ`, and a sample's draws do not depend on its batch.
  @Test func cotangentsHaveTheFishersMoments() throws {
    let loss = OutputLoss(head: .classes)
    let z = Tensor([0.3, -1, 2, 0.3, -1, 2] as [Float], shape: [2, 3])
    let p = try z.softmax(-1).floats()
    var squares = [Double](repeating: 0, count: 6)
    var sums = [Double](repeating: 0, count: 6)
    let draws = 4000
    for draw in 0..<draws {
      let s = try loss.cotangent(of: z, firstSample: 5, draw: draw, seed: 11).floats()
      for k in 0..<6 {
        squares[k] += Double(s[k] * s[k])
        sums[k] += Double(s[k])
      }
      if draw < 3 {
        let alone = try loss.cotangent(of: z.sliced(0, 1, 2), firstSample: 6, draw: draw, seed: 11)
        #expect(try alone.floats() == Array(s[3...]))
      }
    }
    for k in 0..<6 {
      #expect(abs(squares[k] / Double(draws) - Double(p[k] * (1 - p[k]))) < 0.03)
      #expect(abs(sums[k] / Double(draws)) < 0.04)
    }
  }

  @Test func theUntouchedPolicyAgreesEverywhere() throws {
    for (graph, samples) in ToyNetworks.all() {
      let nothing = [(any NumberFormat)?](repeating: nil, count: graph.layers.count)
      let results = try PolicyEvaluator(executor: Executor(graph), workers: 2).evaluate(
        [nothing], on: samples, memory: 1)[0]
      #expect(results.count == samples.count)
      for result in results {
        #expect(result.loss < 1e-7)
        if let agreeing = result.agreeing { #expect(agreeing == result.losses.count) }
        if let next = result.nextTokens { #expect(next.nats == result.referenceNats) }
      }
    }
  }
}
