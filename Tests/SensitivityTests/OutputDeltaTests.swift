import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// `output-delta` against outputs that are computed densely here, element by element.
@Suite struct OutputDeltaTests {
  static let formats = ["int2-g64", "int3-g64", "int4-channel"]

  private func task(_ graph: Graph, workers: Int = 2, seed: UInt64 = 7) throws -> MeasurementTask {
    let groups = try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(for: layer.layer.shape, from: Self.formats))
    }
    return MeasurementTask(executor: Executor(graph), groups: groups, seed: seed, workers: workers)
  }

  /// `½ Δᵀ F Δ` from its definition, in doubles: `½ (Σ p Δ² − (Σ p Δ)²)`, a mean over positions.
  private func quadratic(_ change: [Double], at reference: [Double], _ graph: Graph, classes: Int)
    -> Double
  {
    if graph.head == .vector {
      let norm = reference.reduce(0) { $0 + $1 * $1 }
      return 0.5 * change.reduce(0) { $0 + $1 * $1 } / norm
    }
    let positions = reference.count / classes
    var total = 0.0
    for position in 0..<positions {
      let range = position * classes..<(position + 1) * classes
      let (z, d) = (Array(reference[range]), Array(change[range]))
      let top = z.max() ?? 0
      let e = z.map { exponential($0 - top) }
      let sum = e.reduce(0, +)
      let mean = zip(e, d).reduce(0) { $0 + $1.0 / sum * $1.1 }
      let square = zip(e, d).reduce(0) { $0 + $1.0 / sum * $1.1 * $1.1 }
      total += 0.5 * (square - mean * mean)
    }
    return total / Double(positions)
  }

  /// `e^x` for `x ≤ 0`, without Foundation.
  private func exponential(_ x: Double) -> Double {
    let small = x / 1024
    var (term, sum) = (1.0, 1.0)
    for k in 1..<12 {
      term *= small / Double(k)
      sum += term
    }
    for _ in 0..<10 { sum *= sum }
    return sum
  }

  /// What each candidate does to each sample's output, and the references.
  private func dense(_ task: MeasurementTask, _ samples: [[String: Tensor]]) throws
    -> (references: [[Double]], changes: [[[[Double]]]], classes: Int)
  {
    try recordingGradients(false) {
      let references = try samples.map { try task.executor.run($0) }
      let changes = try task.groups.map { group in
        try group.formats.map { format in
          var weights: [ValueID: Tensor] = [:]
          for layer in group.layers.map({ task.graph.layers[$0] }) {
            weights[layer.weight] = try task.executor.roundTrip(layer, format)
          }
          return try samples.enumerated().map { k, sample in
            try (task.executor.run(sample, weights: weights) - references[k]).doubles()
          }
        }
      }
      return (
        try references.map { try $0.doubles() }, changes, references[0].shape.last ?? 1
      )
    }
  }

  @Test func unsketchedPredictionsAreTheQuadraticLoss() throws {
    for (graph, samples) in ToyNetworks.all() {
      let task = try task(graph)
      let sketches = try OutputDelta(dimensions: 4096).sketches(
        of: SampleChunk(first: 0, samples: samples), in: task)
      let (references, changes, classes) = try dense(task, samples)
      var generator = SplitMix64(seed: 11)
      // Token sketches are hashed whenever a sample has more entries than numbers: 8 · 40 are fewer.
      for _ in 0..<12 {
        let choices = task.groups.map { Int(generator.next() % UInt64($0.formats.count)) }
        let expected = samples.indices.reduce(0.0) { total, k in
          var sum = references[k].map { _ in 0.0 }
          for (group, choice) in choices.enumerated() {
            for (entry, value) in changes[group][choice][k].enumerated() { sum[entry] += value }
          }
          return total + quadratic(sum, at: references[k], graph, classes: classes)
        }
        let mean = expected / Double(samples.count)
        #expect(abs(sketches.loss(of: choices) - mean) <= 1e-4 * mean)
      }
    }
  }

  @Test func singlesAreExactWhateverTheDimension() throws {
    for (graph, samples) in ToyNetworks.all() {
      let task = try task(graph)
      let (references, changes, classes) = try dense(task, samples)
      let chunk = SampleChunk(first: 0, samples: samples)
      let scores = try OutputDelta(dimensions: 3).scores(of: chunk, in: task)
      for g in scores.indices {
        for f in scores[g].indices {
          for k in samples.indices {
            let expected = quadratic(
              changes[g][f][k], at: references[k], graph, classes: classes)
            #expect(abs(scores[g][f][k] - expected) <= 1e-4 * expected)
          }
        }
      }
    }
  }

  /// Two layers side by side whose outputs are added: the changes of the logits add up exactly.
  private func parallel(head: OutputHead) -> Graph {
    var b = GraphBuilder(name: "toy sum (synthetic)", architecture: "toy")
    let x = b.input("x", shape: [nil, 64], dtype: .float32)
    let branches = (0..<3).map { k in
      let tensor = ToyNetworks.random([300, 64], seed: 50 + UInt64(k), scale: 0.1)
      let w = b.parameter("w\(k)", shape: [300, 64], storedBytes: 4 * tensor.count) { tensor }
      return b.node("branch\(k)", Linear(), x, w, nil)
    }
    let y = b.node(
      "sum", Binary.add, b.node("pair", Binary.add, branches[0], branches[1]), branches[2])
    return b.finished(output: y, head: head, files: [])
  }

  @Test func aNetworkThatIsLinearInItsGroupsIsPredictedExactly() throws {
    let graph = parallel(head: .vector)
    let samples = (0..<5).map { ["x": ToyNetworks.random([1, 64], seed: 900 + $0)] }
    let task = try task(graph)
    let sketches = try OutputDelta(dimensions: 300).sketches(
      of: SampleChunk(first: 0, samples: samples), in: task)
    let evaluator = PolicyEvaluator(executor: task.executor, workers: 1)
    var generator = SplitMix64(seed: 3)
    let policies = (0..<8).map { _ in
      task.groups.map { Int(generator.next() % UInt64($0.formats.count)) }
    }
    let measured = try evaluator.evaluate(
      policies.map { policy in zip(task.groups, policy).map { $0.formats[$1] } }, on: samples,
      memory: 1 << 20)
    for (policy, evaluations) in zip(policies, measured) {
      let loss = SampleMean(evaluations.map(\.loss)).mean
      #expect(abs(sketches.loss(of: policy) - loss) <= 1e-4 * loss)
    }
  }

  @Test func sketchesErrLessWithMoreDimensionsAndOnAverageNotAtAll() throws {
    let graph = parallel(head: .classes)
    let samples = (0..<4).map { ["x": ToyNetworks.random([1, 64], seed: 900 + $0)] }
    let chunk = SampleChunk(first: 0, samples: samples)
    let exact = try OutputDelta(dimensions: 300).sketches(of: chunk, in: task(graph))
    func errors(_ dimensions: Int) throws -> [Double] {
      try (UInt64(0)..<24).flatMap { seed in
        let sketched = try OutputDelta(dimensions: dimensions).sketches(
          of: chunk, in: task(graph, seed: seed))
        return [(0, 1), (0, 2), (1, 2)].map { g, h in
          let norms = (4 * exact.single(g, 0) * exact.single(h, 0)).squareRoot()
          return (sketched.cross(g, 0, h, 0) - exact.cross(g, 0, h, 0)) / norms
        }
      }
    }
    func deviation(_ errors: [Double]) -> Double {
      (errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)).squareRoot()
    }
    let few = try errors(4)
    let many = try errors(128)
    // A product's variance is at most 2 ‖u‖² ‖v‖² / dimensions; the four samples' independent hashes
    // divide that by up to four, the less the more one sample outweighs the others.
    for (dimensions, errors) in [(4.0, few), (128, many)] {
      #expect(deviation(errors) < 1.2 * (2 / dimensions).squareRoot())
      #expect(deviation(errors) > 0.5 / (4 * dimensions).squareRoot())
    }
    let mean = few.reduce(0, +) / Double(few.count)
    #expect(abs(mean) < 4 * deviation(few) / Double(few.count).squareRoot())
  }

  @Test func chunksAndWorkersChangeNothingAndTheSeedDoes() throws {
    for (graph, samples) in ToyNetworks.all() {
      let estimator = OutputDelta(dimensions: 4)
      let chunk = SampleChunk(first: 0, samples: samples)
      let whole = try estimator.sketches(of: chunk, in: task(graph, workers: 1))
      #expect(try estimator.sketches(of: chunk, in: task(graph, workers: 4)) == whole)
      #expect(try estimator.sketches(of: chunk, in: task(graph, seed: 8)) != whole)
      let pieces = try OutputSketches.joined(
        samples.indices.map { k in
          try estimator.sketches(
            of: SampleChunk(first: k, samples: [samples[k]]), in: task(graph))
        })
      #expect(pieces.samples == samples.count)
      let choices = whole.candidateCounts.map { _ in 0 }
      // Batches of other sizes take other paths through BLAS.
      #expect(abs(pieces.loss(of: choices) - whole.loss(of: choices)) < 1e-4)
      let (a, b) = (pieces.gram().joined(), whole.gram().joined())
      #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 1e-4 * abs($1) + 1e-6 })
    }
  }

  @Test func aGroupThatNeverRanIsAnError() throws {
    let graph = ToyNetworks.classifier()
    var task = try task(graph)
    task.groups.append(MeasuredGroup(name: "nobody", layers: [], formats: []))
    let samples = ToyNetworks.all()[0].samples
    let error = #expect(throws: UserError.self) {
      try OutputDelta().sketches(of: SampleChunk(first: 0, samples: samples), in: task)
    }
    #expect(error?.description.contains("nobody") == true)
  }

  @Test func everyInteractionEstimatorIsAnEstimator() {
    for id in InteractionEstimators.ids { #expect(Estimators.all.contains { $0.id == id }) }
  }
}
