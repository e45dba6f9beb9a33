import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// `interlayer` against a Hessian that is written down, and against itself by the other way.
@Suite struct InterlayerTests {
  private func task(_ graph: Graph, _ formats: [String], workers: Int = 2) throws
    -> MeasurementTask
  {
    let groups = try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(for: layer.layer.shape, from: formats))
    }
    return MeasurementTask(executor: Executor(graph), groups: groups, seed: 1, workers: workers)
  }

  /// Outputs that are kept, and Hessian-vector products whatever the size.
  private static let ways = [Interlayer(), Interlayer(outputBytes: 0)]

  @Test(arguments: [0, 1])
  func termsAreThoseOfTheDenseHessian(way: Int) throws {
    let network = TinyPerceptron()
    let task = try task(network.graph(), ["int2-channel", "int3-channel"])
    let changes = try task.groups.map { group in
      let layer = task.graph.layers[group.layers[0]]
      return try group.formats.map { format in
        try zip(
          task.executor.roundTrip(layer, format).doubles(),
          task.executor.parameter(layer.weight).doubles()
        ).map { $0 - $1 }
      }
    }
    let samples = CurvatureTests.samples
    let terms = try Self.ways[way].interactions(of: .init(first: 0, samples: samples), in: task)
    #expect(terms.pairs.count == 4)
    for (k, sample) in samples.enumerated() {
      let h = try network.hessian(at: sample["x"]?.doubles() ?? [])
      func form(_ a: [Double], _ i: Int, _ b: [Double], _ j: Int) -> Double {
        a.indices.reduce(0.0) { sum, m in
          b.indices.reduce(sum) { $0 + a[m] * h[i + m][j + $1] * b[$1] }
        }
      }
      for a in 0..<2 {
        for (group, start) in [0, 30].enumerated() {
          let change = changes[group][a]
          let expected = 0.5 * form(change, start, change, start)
          #expect(abs(terms.scores[group][a][k] - expected) < 2e-3 * expected)
        }
        for b in 0..<2 {
          let expected = form(changes[0][a], 0, changes[1][b], 30)
          let scale = (terms.scores[0][a][k] * terms.scores[1][b][k]).squareRoot()
          let found = Double(terms.terms(of: .init(a, 2 + b))?[k] ?? .nan)
          #expect(abs(found - expected) < 4e-3 * scale)
        }
      }
    }
  }

  @Test func bothWaysAgreeAndSinglesAreQuadratic() throws {
    for (graph, samples) in ToyNetworks.all() {
      let task = try task(graph, ["int2-g64", "int4-channel"])
      let chunk = SampleChunk(first: 0, samples: samples)
      let kept = try Self.ways[0].interactions(of: chunk, in: task)
      let products = try Self.ways[1].interactions(of: chunk, in: task)
      let singles = try Quadratic().scores(of: chunk, in: task)
      #expect(kept.pairs == products.pairs)
      #expect(kept.pairs == InteractionTerms.allPairs(kept.candidateCounts))
      for (a, (b, c)) in zip(
        kept.scores.joined().joined(),
        zip(products.scores.joined().joined(), singles.joined().joined()))
      {
        #expect(abs(a - c) <= 1e-4 * c + 1e-12)
        #expect(abs(b - c) <= 1e-3 * c + 1e-9)
      }
      let losses = kept.scores.joined().map { $0 }
      for pair in kept.pairs {
        for (k, (a, b)) in zip(kept.terms(of: pair) ?? [], products.terms(of: pair) ?? [])
          .enumerated()
        {
          let scale = (losses[pair.first][k] * losses[pair.second][k]).squareRoot()
          #expect(abs(Double(a - b)) <= 1e-3 * scale + 1e-8)
          #expect(abs(Double(a)) <= 2 * scale * 1.001)
        }
      }
    }
  }

  /// Small changes of both layers: the measured loss of whole policies, cross terms included.
  @Test func smallPoliciesArePredicted() throws {
    let (graph, samples) = ToyNetworks.all()[0]
    let task = try task(graph, ["int6-channel", "int5-g64"])
    let model = try Interlayer().interactions(of: .init(first: 0, samples: samples), in: task)
      .matrix()
    let evaluator = PolicyEvaluator(executor: task.executor, workers: 1)
    var additiveErrors = 0.0
    var errors = 0.0
    for choices in [[0, 0], [0, 1], [1, 0], [1, 1]] {
      let measured = try evaluator.evaluate(
        [zip(task.groups, choices).map { $0.formats[$1] }], on: samples, memory: 1 << 20)[0]
      let loss = SampleMean(measured.map(\.loss)).mean
      let additive = model.single(0, choices[0]) + model.single(1, choices[1])
      #expect(abs(model.loss(of: choices) - loss) < 0.1 * loss)
      errors += abs(model.loss(of: choices) - loss)
      additiveErrors += abs(additive - loss)
    }
    #expect(errors < additiveErrors)
  }

  @Test func aLayerAndItsDuplicateAddTheirChangesUp() throws {
    let (graph, samples) = (InteractionToys.duplicated(), InteractionToys.samples)
    for way in Self.ways {
      let task = try task(graph, ["int3-g64", "int4-channel"])
      let model = try way.interactions(of: .init(first: 0, samples: samples), in: task).matrix()
      for a in 0..<2 {
        // ½ ‖2v‖² = 4 · ½ ‖v‖².
        let single = model.single(0, a)
        #expect(abs(model.single(1, a) - single) <= 1e-5 * single)
        #expect(abs(model.cross(0, a, 1, a) - 2 * single) <= 1e-4 * single)
      }
      #expect(abs(model.cross(0, 0, 1, 1) - model.cross(0, 1, 1, 0)) <= 1e-5 * model.single(0, 0))
    }
  }
}

/// Networks in which what groups do to each other is known.
enum InteractionToys {
  static let samples = (0..<5).map { ["x": ToyNetworks.random([1, 64], seed: 900 + $0)] }

  /// Layers side by side on the same input whose outputs are added; the first two have equal weights.
  static func duplicated(_ seeds: [UInt64] = [50, 50, 51], head: OutputHead = .vector) -> Graph {
    var b = GraphBuilder(name: "toy sum (synthetic)", architecture: "toy")
    let x = b.input("x", shape: [nil, 64], dtype: .float32)
    var sum: ValueID?
    for (k, seed) in seeds.enumerated() {
      let tensor = ToyNetworks.random([20, 64], seed: seed, scale: 0.1)
      let w = b.parameter("w\(k)", shape: [20, 64], storedBytes: 4 * tensor.count) { tensor }
      let branch = b.node("branch\(k)", Linear(), x, w, nil)
      sum = sum.map { b.node("sum\(k)", Binary.add, $0, branch) } ?? branch
    }
    return b.finished(output: sum ?? x, head: head, files: [])
  }
}
