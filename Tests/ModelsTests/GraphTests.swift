import Models
import Tensors
import Testing
import Vocabulary

/// The builder and the executor, on a network small enough to compute by hand.
@Suite struct GraphTests {
  /// `y = W₂ relu(W₁ x)` with a dead branch and a tensor with two roles.
  private func network() -> Graph {
    var b = GraphBuilder(name: "hand-made", architecture: "toy")
    let x = b.input("x", shape: [nil, 2], dtype: .float32)
    func weight(_ name: String, _ values: [Float], _ shape: [Int]) -> ValueID {
      b.parameter(name, shape: shape, storedBytes: 4 * values.count) {
        Tensor(values, shape: shape)
      }
    }
    let w1 = weight("first.weight", [1, 0, 0, -1], [2, 2])
    let w2 = weight("second.weight", [2, 3], [1, 2])
    let both = weight("both.weight", [1, 0, 0, 1], [2, 2])
    let dead = weight("dead.weight", [1, 1], [1, 2])
    let h = b.node("relu", Unary.relu, b.node("first", Linear(), x, w1, nil))
    let shared = b.node("both", Linear(), h, both, nil)
    let scaled = b.node("times", Binary.multiply, shared, b.node("sum", RowSums(), both))
    _ = b.node("dead", Linear(), h, dead, nil)
    let y = b.node("second", Linear(), scaled, w2, nil)
    return b.finished(output: y, head: .vector, files: [])
  }

  /// Sums of the rows, so that a weight has a second role.
  private struct RowSums: Operation {
    func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
      guard let x = inputs[0] else { return [] }
      return [try x.sum([1])]
    }
  }

  @Test func layersAreWeightsWithOneRole() {
    let graph = network()
    #expect(graph.layers.map(\.layer.name) == ["first", "second"])
    #expect(
      graph.layers.map(\.layer.shape) == [.init(rows: 2, columns: 2), .init(rows: 1, columns: 2)])
    #expect(graph.skipped.map(\.tensor) == ["both.weight"])
    // What nothing needs is gone: node and tensor.
    #expect(!graph.nodes.contains { $0.name == "dead" })
    #expect(!graph.parameters.contains { $0.name == "dead.weight" })
  }

  @Test func runsAndReplacesWeights() throws {
    let graph = network()
    let executor = Executor(graph)
    let x = Tensor([3, -5] as [Float], shape: [1, 2])
    #expect(try executor.run(["x": x]).floats() == [21])
    let doubled = Tensor([4, 6] as [Float], shape: [1, 2])
    let output = try executor.run(["x": x], weights: [graph.layers[1].weight: doubled])
    #expect(try output.floats() == [42])
    // The replacement was for that run alone.
    #expect(try executor.run(["x": x]).floats() == [21])
  }

  @Test func aCopyOfAnExecutionGoesItsOwnWay() throws {
    let graph = network()
    let executor = Executor(graph)
    var prefix = try executor.start(["x": Tensor([3, -5] as [Float], shape: [1, 2])])
    try executor.advance(&prefix, to: graph.layers[1].uses[0])
    var changed = prefix
    try executor.advance(
      &changed, weights: [graph.layers[1].weight: Tensor([0, 1] as [Float], shape: [1, 2])])
    try executor.advance(&prefix)
    #expect(try executor.result(of: changed).floats() == [5])
    #expect(try executor.result(of: prefix).floats() == [21])
  }

  @Test func wrongInputsAreSentences() {
    let executor = Executor(network())
    let missing = #expect(throws: UserError.self) { try executor.run([:]) }
    #expect(missing?.description.contains("'x'") == true)
    let shape = #expect(throws: UserError.self) {
      try executor.run(["x": Tensor([1, 2, 3] as [Float], shape: [1, 3])])
    }
    #expect(shape?.description.contains("[1, 3]") == true)
  }

  @Test(arguments: [Float.nan, .infinity])
  func aWeightThatIsNotANumberIsNamed(bad: Float) {
    var b = GraphBuilder(name: "bad", architecture: "toy")
    let x = b.input("x", shape: [nil, 2], dtype: .float32)
    let w = b.parameter("w.weight", shape: [1, 2], storedBytes: 8) {
      Tensor([1, bad], shape: [1, 2])
    }
    let y = b.node("w", Linear(), x, w, nil)
    let graph = b.finished(output: y, head: .vector, files: [])
    let error = #expect(throws: UserError.self) {
      try Executor(graph).run(["x": Tensor([1, 1] as [Float], shape: [1, 2])])
    }
    #expect(error?.description.contains("w.weight") == true)
  }

  /// "SAME" padding puts the odd zero after: a stride of two over five gives three.
  @Test func sameUpperPadding() throws {
    let convolution = Convolution(stride: [2], padding: .sameUpper, dilation: [1], groups: 1)
    let x = Tensor([1, 2, 3, 4] as [Float], shape: [1, 1, 4])
    let w = Tensor([1, 1, 1] as [Float], shape: [1, 1, 3])
    #expect(try convolution.evaluate([x, w, nil])[0].floats() == [6, 7])
    let lower = Convolution(stride: [2], padding: .sameLower, dilation: [1], groups: 1)
    #expect(try lower.evaluate([x, w, nil])[0].floats() == [3, 9])
  }

  @Test func rotationKeepsLengthsAndPositionZero() throws {
    let values = (0..<16).map { Float($0) / 7 }
    let x = Tensor(values, shape: [1, 1, 2, 8])
    for pairing in [RotaryEmbedding.Pairing.neighbours, .halves] {
      let y = try RotaryEmbedding(base: 10_000, pairing: pairing).evaluate([x])[0]
      #expect(try y.sliced(2, 0, 1).floats() == Array(values[..<8]))
      #expect(abs(try y.squaredNorm() - x.squaredNorm()) < 1e-4)
      #expect(try y.sliced(2, 1, 2).floats() != Array(values[8...]))
    }
  }
}
