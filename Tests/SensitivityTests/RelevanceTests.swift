import Models
import Quantization
import Sensitivity
import Tensors
import TestSupport
import Testing
import Vocabulary

/// Rules of relevance propagation, and conservation at every node of real networks.
@Suite struct RelevanceTests {
  private func propagate(
    _ operation: any Operation, _ inputs: [Tensor], active: [Int], _ relevance: Tensor
  ) throws -> [Tensor?] {
    try recordingGradients(false) {
      let results = try operation.evaluate(inputs)
      return try RelevanceRules.propagate(
        operation, inputs, results, [relevance], active: active)
    }
  }

  private func sum(_ tensors: [Tensor?]) throws -> Double {
    try tensors.reduce(0) { try $0 + ($1?.sum().item() ?? 0) }
  }

  @Test func linearLayerByHand() throws {
    // Positive products: 1 of the first output; 2 and 2 of the second.
    let found = try propagate(
      Linear(),
      [
        Tensor([1, 2] as [Float], shape: [1, 2]), Tensor([1, -1, 2, 1] as [Float], shape: [2, 2]),
      ], active: [0], Tensor([1, 1] as [Float], shape: [1, 2]))
    let values = try found[0]?.floats() ?? []
    #expect(abs(values[0] - 1.5) < 1e-6 && abs(values[1] - 0.5) < 1e-6)
  }

  @Test func negativeActivationsMeetNegativeWeights() throws {
    let found = try propagate(
      Linear(),
      [Tensor([-1, 3] as [Float], shape: [1, 2]), Tensor([-2, 1] as [Float], shape: [1, 2])],
      active: [0], Tensor([1 as Float], shape: [1, 1]))
    let values = try found[0]?.floats() ?? []
    #expect(abs(values[0] - 0.4) < 1e-6 && abs(values[1] - 0.6) < 1e-6)
  }

  /// What every rule must keep, at random inputs.
  @Test func rulesKeepTheSum() throws {
    func random(_ shape: [Int], _ seed: UInt64) -> Tensor {
      ToyNetworks.random(shape, seed: seed)
    }
    let heads = [2, 4, 5, 8]
    let cases: [(any Operation, [Tensor], [Int])] = [
      (Linear(), [random([3, 16], 1), random([8, 16], 2)], [0]),
      (
        Convolution(stride: [2, 2], padding: .sameUpper, dilation: [1, 1], groups: 2),
        [random([1, 4, 9, 9], 3), random([6, 2, 3, 3], 4)], [0]
      ),
      (MatMul(), [random([2, 5, 7], 5), random([2, 7, 3], 6)], [0, 1]),
      (
        Attention(scale: 0.3, causal: true),
        [random(heads, 7), random(heads, 8), random(heads, 9)],
        [0, 1, 2]
      ),
      (
        Attention(scale: 0.3, causal: false),
        [random(heads, 7), random([2, 2, 5, 8], 8), random([2, 2, 5, 8], 9)], [0, 1, 2]
      ),
      (Binary.add, [random([2, 3, 4], 10), random([2, 3, 4], 11)], [0, 1]),
      (Binary.add, [random([2, 3, 4], 10), random([4], 11)], [0, 1]),
      (Binary.multiply, [random([2, 3, 4], 12), random([2, 1, 4], 13)], [0, 1]),
      (Binary.multiply, [random([2, 3, 4], 12), random([4], 13)], [0]),
      (Softmax(axis: -1), [random([3, 5], 14)], [0]),
      (LayerNorm(epsilon: 1e-5), [random([3, 8], 15), random([8], 16), random([8], 17)], [0]),
      (RMSNorm(epsilon: 1e-5), [random([3, 8], 15), random([8], 16)], [0]),
      (Unary.gelu, [random([3, 8], 18)], [0]),
      (Unary.silu, [random([3, 8], 18)], [0]),
      (Clip(low: 0, high: 6), [random([3, 8], 18)], [0]),
      (RotaryEmbedding(base: 10000, pairing: .halves), [random(heads, 19)], [0]),
      (SplitHeads(heads: 4), [random([2, 5, 32], 20)], [0]),
      (MergeHeads(), [random(heads, 21)], [0]),
      (MeanOverSpace(), [random([2, 3, 4, 4], 22)], [0]),
      (FirstPosition(), [random([2, 5, 6], 23)], [0]),
      (L2Normalize(axis: -1), [random([2, 6], 24)], [0]),
      (SquareTransposition(), [random([2, 4, 4], 25)], [0]),
      (ShiftedScale(), [random([2, 4], 26)], [0]),
    ]
    for (operation, inputs, active) in cases {
      let shape = try operation.evaluate(inputs)[0].shape
      let relevance = try call("aten::abs", random(shape, 30))
      let found = try propagate(operation, inputs, active: active, relevance)
      #expect(found.count == inputs.count)
      for (k, tensor) in found.enumerated() {
        #expect((tensor != nil) == active.contains(k), "\(operation)")
        guard let tensor else { continue }
        #expect(tensor.shape == inputs[k].shape, "\(operation)")
        #expect(try tensor.floats().allSatisfy { $0 >= 0 && $0.isFinite }, "\(operation)")
      }
      let total = try relevance.sum().item()
      #expect(abs(try sum(found) - total) < 1e-4 * total, "\(operation)")
    }
  }

  /// Relevance moves with elements, also where the shape stays.
  @Test func aTranspositionTakesRelevanceAlong() throws {
    let relevance = Tensor((0..<16).map { Float($0) }, shape: [1, 4, 4])
    let x = ToyNetworks.random([1, 4, 4], seed: 40)
    let found = try propagate(SquareTransposition(), [x], active: [0], relevance)
    #expect(
      relativeDifference(
        try found[0]?.floats() ?? [], try relevance.transposed(1, 2).floats()) < 1e-5)
  }

  @Test func productsGoHalfToEitherSide() throws {
    let (a, b) = (ToyNetworks.random([5, 7], seed: 41), ToyNetworks.random([7, 3], seed: 42))
    let relevance = try call("aten::abs", ToyNetworks.random([5, 3], seed: 43))
    let found = try propagate(MatMul(), [a, b], active: [0, 1], relevance)
    let total = try relevance.sum().item()
    #expect(abs(try sum([found[0]]) - total / 2) < 1e-4 * total)
  }

  private func expectConservation(
    _ graph: Graph, _ inputs: [String: Tensor], leak: (String) -> Double
  ) throws {
    let found = try LayerRelevance(Executor(graph), inputs: inputs)
    #expect(abs(found.ended - 1) < 1e-4)
    for step in found.steps {
      let name = graph.nodes[step.node].name
      #expect(abs(step.passed - step.received) <= 1e-4 * step.received, "\(name)")
      if let shared = step.shared {
        #expect(
          abs(shared - step.received) <= leak(name) * step.received,
          "\(name) \(shared) of \(step.received)")
      }
    }
    #expect(found.layers.allSatisfy { $0 > 0 && $0 < 1.0001 })
  }

  @Test func conservationOnToyNetworks() throws {
    for (graph, samples) in ToyNetworks.all() {
      let found = try LayerRelevance(Executor(graph), inputs: samples[0])
      #expect(abs(found.ended - 1) < 1e-4)
      for step in found.steps { #expect(abs(step.passed - step.received) <= 1e-4 * step.received) }
    }
  }

  @Test func conservationAtEveryNodeOfMiniLM() throws {
    let graph = try ModelLoader.load(Fixtures.path("minilm"))
    let ids = Tensor([101, 1996, 4248, 2829, 4419, 14523, 1012, 102] as [Int64], shape: [1, 8])
    var inputs: [String: Tensor] = [:]
    for input in graph.inputs {
      inputs[input.name] =
        input.name == "input_ids"
        ? ids
        : Tensor([Int64](repeating: input.name.contains("type") ? 0 : 1, count: 8), shape: [1, 8])
    }
    try expectConservation(graph, inputs, leak: { _ in 1e-3 })
  }

  @Test func conservationAtEveryNodeOfEfficientNetLite0() throws {
    let graph = try ModelLoader.load(Fixtures.path("efficientnet-lite0/model.onnx"))
    let input = try #require(graph.inputs.first)
    let shape = input.shape.map { $0 ?? 1 }
    let pixels = try ToyNetworks.random(shape, seed: 44) * 0.7
    // Few inputs meet a depthwise kernel, often none but zeros: such results are their bias alone, and
    // what they had is made up for by the others.
    try expectConservation(graph, [input.name: pixels]) {
      $0.hasSuffix("depthwise") ? 0.5 : 1e-3
    }
  }

  @Test func twoLayersOfAGroupAddUp() throws {
    let (graph, samples) = ToyNetworks.all()[0]
    let formats = try Formats.candidates(for: graph.layers[0].layer.shape, from: ["int3-channel"])
    let chunk = SampleChunk(first: 0, samples: samples)
    func scores(_ groups: [[Int]]) throws -> [[[Double]]] {
      let groups = groups.map { MeasuredGroup(name: "\($0)", layers: $0, formats: formats) }
      return try RelevanceError().scores(
        of: chunk,
        in: MeasurementTask(executor: Executor(graph), groups: groups, seed: 1, workers: 2))
    }
    let apart = try scores([[0], [1]])
    let together = try scores([[0, 1]])
    for k in samples.indices {
      #expect(abs(apart[0][0][k] + apart[1][0][k] - together[0][0][k]) < 1e-9)
    }
  }
}

/// `[n, a, a]` with the last two axes exchanged.
struct SquareTransposition: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    guard let x = inputs[0] else { return [] }
    return [try x.transposed(1, 2)]
  }
}

/// 2x + 1, which the rules do not know by name.
struct ShiftedScale: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    guard let x = inputs[0] else { return [] }
    return [try x * 2 + 1]
  }
}
