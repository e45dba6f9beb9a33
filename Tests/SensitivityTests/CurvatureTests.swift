import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// Estimators of second derivatives against Hessians that are known.
@Suite struct CurvatureTests {
  static let samples = (0..<3).map { ["x": ToyNetworks.random([1, 6], seed: 60 + $0)] }

  private func task(_ graph: Graph, _ format: String, seed: UInt64 = 1) throws -> MeasurementTask {
    let groups = try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(for: layer.layer.shape, from: [format]))
    }
    return MeasurementTask(executor: Executor(graph), groups: groups, seed: seed, workers: 2)
  }

  /// `Q(W) − W` of every layer's only candidate.
  private func changes(_ task: MeasurementTask) throws -> [[Double]] {
    try task.groups.map { group in
      let layer = task.graph.layers[group.layers[0]]
      return try zip(
        task.executor.roundTrip(layer, group.formats[0]).doubles(),
        task.executor.parameter(layer.weight).doubles()
      ).map { $0 - $1 }
    }
  }

  /// Score over `½ ‖ΔW‖² / n`: the trace that the estimator has found, `[layer][sample]`.
  private func traces(
    _ estimator: some SensitivityEstimator, _ task: MeasurementTask, _ samples: [[String: Tensor]]
  ) throws -> [[Double]] {
    let scores = try estimator.scores(of: SampleChunk(first: 0, samples: samples), in: task)
    return try zip(scores, changes(task)).map { scores, change in
      let error = change.reduce(0) { $0 + $1 * $1 }
      return scores[0].map { $0 * 2 * Double(change.count) / error }
    }
  }

  private func expectTraces(_ estimator: some SensitivityEstimator, noise: Double) throws {
    let network = TinyPerceptron()
    let graph = network.graph()
    let expected = try Self.samples.map { sample in
      let h = try network.hessian(at: (sample["x"]?.doubles() ?? []))
      return [0..<30, 30..<50].map { $0.reduce(0) { $0 + h[$1][$1] } }
    }
    let runs = try (0..<120).map {
      try traces(estimator, task(graph, "int4-channel", seed: 1000 * $0), Self.samples)
    }
    for layer in 0..<2 {
      for sample in Self.samples.indices {
        let mean = SampleMean(runs.map { $0[layer][sample] })
        let error = mean.standardError ?? .infinity
        #expect(abs(mean.mean - expected[sample][layer]) < 4 * error + 1e-3 * mean.mean)
        #expect(error < noise * mean.mean)
      }
    }
  }

  @Test func hutchinsonFindsTheTracesOfTheDenseHessian() throws {
    try expectTraces(
      Hutchinson(leastProbes: 8, mostProbes: 8, tolerance: 0), noise: 0.15)
  }

  @Test func blockedProbesFindTheTracesOfTheDenseHessian() throws {
    try expectTraces(
      HutchinsonBlocked(leastProbes: 8, mostProbes: 8, tolerance: 0), noise: 0.06)
  }

  @Test func gaussNewtonFindsTheTracesOfTheDenseHessian() throws {
    try expectTraces(GaussNewtonTrace(), noise: 0.06)
  }

  @Test func fisherFindsTheTracesOfTheDenseHessian() throws {
    try expectTraces(FisherTrace(), noise: 0.13)
  }

  @Test func quadraticIsTheDenseHessiansForm() throws {
    let network = TinyPerceptron()
    let task = try task(network.graph(), "int3-channel")
    let changes = try changes(task)
    let scores = try Quadratic().scores(of: .init(first: 0, samples: Self.samples), in: task)
    for (k, sample) in Self.samples.enumerated() {
      let h = try network.hessian(at: sample["x"]?.doubles() ?? [])
      for (layer, start) in [0, 30].enumerated() {
        var expected = 0.0
        for (i, a) in changes[layer].enumerated() {
          for (j, b) in changes[layer].enumerated() {
            expected += 0.5 * a * h[start + i][start + j] * b
          }
        }
        #expect(abs(scores[layer][0][k] - expected) < 2e-3 * expected)
      }
    }
  }

  /// Cross terms between layers of one group are part of its form.
  @Test func quadraticOfAGroupContainsItsCrossTerms() throws {
    let network = TinyPerceptron()
    var task = try task(network.graph(), "int3-channel")
    let changes = try changes(task).flatMap { $0 }
    task.groups = [MeasuredGroup(name: "both", layers: [0, 1], formats: task.groups[0].formats)]
    let scores = try Quadratic().scores(of: .init(first: 0, samples: Self.samples), in: task)
    for (k, sample) in Self.samples.enumerated() {
      let h = try network.hessian(at: sample["x"]?.doubles() ?? [])
      let expected = changes.indices.reduce(0.0) { sum, i in
        changes.indices.reduce(sum) { $0 + 0.5 * changes[i] * h[i][$1] * changes[$1] }
      }
      #expect(abs(scores[0][0][k] - expected) < 2e-3 * expected)
    }
  }

  @Test func quadraticIsTheMeasuredLossOfSmallChanges() throws {
    for (graph, samples) in ToyNetworks.all() {
      let task = try task(graph, "int8-channel")
      let chunk = SampleChunk(first: 0, samples: samples)
      let exact = try ExactKL().scores(of: chunk, in: task)
      let quadratic = try Quadratic().scores(of: chunk, in: task)
      for (a, b) in zip(exact, quadratic) {
        let (measured, predicted) = (SampleMean(a[0]).mean, SampleMean(b[0]).mean)
        // A KL in singles is good to about 1e-7.
        #expect(abs(measured - predicted) < 0.05 * measured + 2e-7)
      }
    }
  }

  /// Two weights with the Hessian `[[2, 1], [1, 3]]`: sign probes give 1 or 3 for the first, 2 or 4 for
  /// the second, always on the same side of the trace, means 2 and 3.
  @Test func signProbesOfAKnownHessian() throws {
    var b = GraphBuilder(name: "two weights (synthetic)", architecture: "toy")
    let x = b.input("x", shape: [nil, 1], dtype: .float32)
    let w1 = b.parameter("w1", shape: [1, 1], storedBytes: 4) {
      Tensor([0.3 as Float], shape: [1, 1])
    }
    let w2 = b.parameter("w2", shape: [1, 1], storedBytes: 4) {
      Tensor([-0.7 as Float], shape: [1, 1])
    }
    let u = [Float(2).squareRoot(), 0]
    let v = [Float(0.5).squareRoot(), Float(2.5).squareRoot()]
    let first = b.node(
      "u", Binary.multiply, b.node("a", Linear(), x, w1, nil),
      b.constant("u", Tensor(u, shape: [1, 2])))
    let second = b.node(
      "v", Binary.multiply, b.node("b", Linear(), x, w2, nil),
      b.constant("v", Tensor(v, shape: [1, 2])))
    let y = b.node("sum", Binary.add, first, second)
    let graph = b.finished(output: y, head: .vector, files: [])
    let sample = ["x": Tensor([1 as Float], shape: [1, 1])]
    let scale = try Executor(graph).run(sample).squaredNorm()  // the loss is relative to ‖y‖²

    let runs = try (0..<64).map { seed in
      try traces(
        Hutchinson(leastProbes: 1, mostProbes: 1, tolerance: 0),
        task(graph, "int4-channel-sym", seed: seed), [sample]
      ).map { $0[0] * scale }
    }
    for pair in runs {
      let up = pair[0] > 2
      #expect(abs(pair[0] - (up ? 3 : 1)) < 1e-3)
      #expect(abs(pair[1] - (up ? 4 : 2)) < 1e-3)
    }
    let mean = SampleMean(runs.map { $0[0] + $0[1] })
    #expect(abs(mean.mean - 5) < 1)
    #expect(abs((mean.standardError ?? 0) * 8 - 2) < 0.1)  // variance 4

    // Signs in one layer at a time meet no cross terms: of one weight the trace is exact.
    let blocked = try traces(
      HutchinsonBlocked(leastProbes: 1, mostProbes: 1, tolerance: 0),
      task(graph, "int4-channel-sym"), [sample]
    ).map { $0[0] * scale }
    #expect(abs(blocked[0] - 2) < 1e-3 && abs(blocked[1] - 3) < 1e-3)

    // Without cross terms the first weight's trace has no noise at all.
    let exact = try traces(
      GaussNewtonTrace(probes: 1), task(graph, "int4-channel-sym"), [sample])
    #expect(abs(exact[0][0] * scale - 2) < 1e-3)
  }

  @Test func hessianErrorIsTwiceHutchinson() throws {
    let (graph, samples) = ToyNetworks.all()[0]
    let task = try task(graph, "int4-channel")
    let chunk = SampleChunk(first: 3, samples: Array(samples[3...]))
    let half = try Hutchinson().scores(of: chunk, in: task)
    let whole = try HessianError().scores(of: chunk, in: task)
    for (a, b) in zip(half.joined().joined(), whole.joined().joined()) {
      #expect(abs(2 * a - b) <= 1e-9 * abs(b))
    }
  }

  /// Of the same probes, one standard error needs far fewer without cross terms.
  @Test func gaussNewtonIsLessNoisyThanHutchinson() throws {
    let (graph, samples) = ToyNetworks.all()[1]
    func noise(_ estimator: some SensitivityEstimator) throws -> [Double] {
      let runs = try (0..<40).map {
        try traces(estimator, task(graph, "int4-channel", seed: 77 * $0), [samples[0]])
      }
      return (0..<2).map { layer in
        SampleMean(runs.map { $0[layer][0] }).standardError ?? 0
      }
    }
    let hutchinson = try noise(Hutchinson(leastProbes: 4, mostProbes: 4, tolerance: 0))
    let gaussNewton = try noise(GaussNewtonTrace(probes: 4))
    for (a, b) in zip(gaussNewton, hutchinson) { #expect(a < b) }
  }

  /// The engine has a first derivative of this distance and no second one.
  @Test func missingSecondDerivativesAreNamedWithWhatElseThereIs() throws {
    var b = GraphBuilder(name: "distances (synthetic)", architecture: "toy")
    let x = b.input("x", shape: [nil, 8], dtype: .float32)
    let w = b.parameter("w", shape: [4, 8], storedBytes: 128) {
      ToyNetworks.random([4, 8], seed: 70)
    }
    let y = b.node("distance", Distance(), b.node("linear", Linear(), x, w, nil))
    let graph = b.finished(output: y, head: .vector, files: [])
    let task = try task(graph, "int4-channel")
    let chunk = SampleChunk(first: 0, samples: [["x": ToyNetworks.random([1, 8], seed: 71)]])
    for id in ["hutchinson", "quadratic", "top-eigenvalue"] {
      let error = #expect(throws: UserError.self) {
        try Estimators.named(id).scores(of: chunk, in: task)
      }
      #expect(error?.description.contains("gauss-newton-trace") == true)
    }
    #expect(try GaussNewtonTrace().scores(of: chunk, in: task)[0][0][0] > 0)
  }
}

/// Sums of absolute differences to two points.
struct Distance: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    guard let x = inputs[0] else { return [] }
    let points = ToyNetworks.random([2, 4], seed: 72)
    return [try call("aten::cdist", [.tensor(x), .tensor(points), .double(1), .none])]
  }
}
