import Models
import Tensors
import Vocabulary

/// Small synthetic networks with seeded weights: labelled so, for unit tests only.
enum ToyNetworks {
  static func random(_ shape: [Int], seed: UInt64, scale: Float = 1) -> Tensor {
    var generator = SplitMix64(seed: seed)
    let count = shape.reduce(1, *)
    return Tensor(
      (0..<count).map { _ in
        // Sum of uniforms: bell-shaped, no libm.
        scale * Float((0..<6).reduce(0.0) { sum, _ in sum + generator.uniform() } - 3)
      }, shape: shape)
  }

  /// Two linear layers with a ReLU: `[n, 64]` to `[n, 10]` class logits.
  static func classifier() -> Graph {
    var b = GraphBuilder(name: "toy classifier (synthetic)", architecture: "toy")
    let x = b.input("x", shape: [nil, 64], dtype: .float32)
    let w1 = weight(&b, "hidden.weight", [128, 64], seed: 1, scale: 0.2)
    let w2 = weight(&b, "head.weight", [10, 128], seed: 2, scale: 0.2)
    let h = b.node("relu", Unary.relu, b.node("hidden", Linear(), x, w1, nil))
    let y = b.node("head", Linear(), h, w2, nil)
    return b.finished(output: y, head: .classes, files: [])
  }

  /// A convolution, global pooling and a linear layer: `[n, 3, 8, 8]` to `[n, 5]`.
  static func convolutional() -> Graph {
    var b = GraphBuilder(name: "toy convolution (synthetic)", architecture: "toy")
    let x = b.input("x", shape: [nil, 3, 8, 8], dtype: .float32)
    let w1 = weight(&b, "conv.weight", [16, 3, 3, 3], seed: 3, scale: 0.4)
    let w2 = weight(&b, "head.weight", [5, 16], seed: 4, scale: 0.5)
    let convolution = Convolution(
      stride: [1, 1], padding: .sameUpper, dilation: [1, 1], groups: 1)
    let h = b.node("relu", Unary.relu, b.node("conv", convolution, x, w1, nil))
    let y = b.node("head", Linear(), b.node("pool", MeanOverSpace(), h), w2, nil)
    return b.finished(output: y, head: .classes, files: [])
  }

  /// An embedding tied to the head, with a causal mixing layer between: ids `[n, t]` to logits.
  static func language() -> Graph {
    var b = GraphBuilder(name: "toy language model (synthetic)", architecture: "toy")
    let ids = b.input("input_ids", shape: [nil, nil], dtype: .int64)
    let table = weight(&b, "embed.weight", [40, 64], seed: 5, scale: 0.3)
    let w = weight(&b, "mix.weight", [64, 64], seed: 6, scale: 0.1)
    let e = b.node("embed", Embedding(), ids, table)
    let heads = b.node("split", SplitHeads(heads: 2), e)
    let mixed = b.node(
      "attend", Attention(scale: 0.2, causal: true), heads, heads, heads)
    let m = b.node("mix", Linear(), b.node("merge", MergeHeads(), mixed), w, nil)
    let y = b.node("head", Linear(), b.node("add", Binary.add, e, m), table, nil)
    return b.finished(output: y, head: .tokens, files: [])
  }

  /// A linear layer whose normalised output is compared: `[n, 64]` to `[n, 8]`.
  static func encoder() -> Graph {
    var b = GraphBuilder(name: "toy encoder (synthetic)", architecture: "toy")
    let x = b.input("x", shape: [nil, 64], dtype: .float32)
    let w = weight(&b, "project.weight", [8, 64], seed: 7, scale: 0.3)
    let y = b.node("unit", L2Normalize(axis: -1), b.node("project", Linear(), x, w, nil))
    return b.finished(output: y, head: .vector, files: [])
  }

  /// All of them with some samples each.
  static func all() -> [(graph: Graph, samples: [[String: Tensor]])] {
    [
      (classifier(), (0..<6).map { ["x": random([1, 64], seed: 100 + $0)] }),
      (convolutional(), (0..<6).map { ["x": random([1, 3, 8, 8], seed: 200 + $0)] }),
      (language(), (0..<4).map { ["input_ids": ids(length: 7 + Int($0) % 2, seed: 300 + $0)] }),
      (encoder(), (0..<6).map { ["x": random([1, 64], seed: 400 + $0)] }),
    ]
  }

  private static func ids(length: Int, seed: UInt64) -> Tensor {
    var generator = SplitMix64(seed: seed)
    return Tensor((0..<length).map { _ in Int64(generator.next() % 40) }, shape: [1, length])
  }

  private static func weight(
    _ b: inout GraphBuilder, _ name: String, _ shape: [Int], seed: UInt64, scale: Float
  ) -> ValueID {
    let tensor = random(shape, seed: seed, scale: scale)
    return b.parameter(name, shape: shape, storedBytes: 4 * tensor.count) { tensor }
  }
}

/// The mean over everything behind the channels.
struct MeanOverSpace: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    guard let x = inputs[0] else { return [] }
    return [try x.mean([2, 3])]
  }
}
