import Models
import Tensors
import Vocabulary

/// A network of MiniLM's shape with made-up numbers: the same one as in `Results/hessian_product.cpp`.
struct SyntheticEncoder {
  private static let blocks = 6
  private static let width = 384
  private static let heads = 12
  private static let hidden = 1536
  private static let positions = 128

  /// Numbers that two languages make alike.
  private struct Numbers {
    private var state: UInt32 = 1

    mutating func next() -> UInt32 {
      state = state &* 1_664_525 &+ 1_013_904_223
      return state
    }

    mutating func uniform(_ shape: [Int], scale: Float) -> Tensor {
      Tensor.filled(shape: shape) { values in
        for k in values.indices {
          values[k] = (Float(next() >> 8) / 16_777_216 - 0.5) * scale
        }
      }
    }

    mutating func signs(_ shape: [Int]) -> Tensor {
      Tensor.filled(shape: shape) { values in
        for k in values.indices { values[k] = next() >> 31 == 1 ? 1 : -1 }
      }
    }
  }

  private let graph: Graph
  private let input: Tensor
  private let numbers: Numbers

  init() {
    var numbers = Numbers()
    input = numbers.uniform([1, Self.positions, Self.width], scale: 2)
    var b = GraphBuilder(name: "encoder (synthetic)", architecture: "synthetic")
    var x = b.input("x", shape: [nil, nil, Self.width], dtype: .float32)
    func weight(_ name: String, _ rows: Int, _ columns: Int) -> ValueID {
      let tensor = numbers.uniform([rows, columns], scale: 0.1)
      return b.parameter(name, shape: [rows, columns], storedBytes: 4 * tensor.count) { tensor }
    }
    let scale = b.constant(
      "scale", Tensor([Float](repeating: 1, count: Self.width), shape: [Self.width]))
    let shift = b.constant("shift", Tensor.zeros([Self.width]))
    for block in 0..<Self.blocks {
      let projections = (0..<4).map { weight("\(block).\($0).weight", Self.width, Self.width) }
      let up = weight("\(block).up.weight", Self.hidden, Self.width)
      let down = weight("\(block).down.weight", Self.width, Self.hidden)
      let parts = (0..<3).map { k in
        b.node(
          "\(block).split\(k)", SplitHeads(heads: Self.heads),
          b.node("\(block).\(k)", Linear(), x, projections[k], nil))
      }
      let mixed = b.node(
        "\(block).attend", Attention(scale: 0.17677669, causal: false), parts[0], parts[1],
        parts[2])
      let attended = b.node(
        "\(block).3", Linear(), b.node("\(block).merge", MergeHeads(), mixed), projections[3], nil)
      x = b.node(
        "\(block).norm", LayerNorm(epsilon: 1e-12),
        b.node("\(block).add", Binary.add, x, attended), scale, shift)
      let inner = b.node("\(block).gelu", Unary.gelu, b.node("\(block).up", Linear(), x, up, nil))
      x = b.node(
        "\(block).norm2", LayerNorm(epsilon: 1e-12),
        b.node("\(block).add2", Binary.add, x, b.node("\(block).down", Linear(), inner, down, nil)),
        scale, shift)
    }
    graph = b.finished(output: x, head: .vector, files: [])
    self.numbers = numbers
  }

  /// The time of the fastest of some Hessian-vector products (others were disturbed), and `z · Hz` of the first: what the estimators do
  /// for a probe.
  func products(_ count: Int) throws -> (seconds: Double, trace: Double) {
    let executor = Executor(graph)
    let weights = try graph.layers.map { try executor.parameter($0.weight).leaf() }
    var replaced: [ValueID: Tensor] = [:]
    for (layer, leaf) in zip(graph.layers, weights) { replaced[layer.weight] = leaf }
    let first = try recordingGradients(true) {
      let output = try executor.run(["x": input], weights: replaced)
      let reference = try output.detached()
      let difference = try output - reference
      let loss =
        try (difference * difference).sum() * (0.5 / max(reference.squaredNorm(), 1e-30))
      return try gradients(of: [loss], with: weights, createGraph: true).compactMap { $0 }
    }
    var numbers = numbers
    var times: [Double] = []
    var trace = 0.0
    try recordingGradients(false) {
      for product in 0..<count {
        let z = weights.map { numbers.signs($0.shape) }
        var sum = 0.0
        times.append(
          try processorSeconds {
            let found = try gradients(of: first, with: weights, seeds: z, keepGraph: true)
            for case (let z, let product?) in zip(z, found) {
              sum += try call("aten::dot", z.reshaped([-1]), product.reshaped([-1])).item()
            }
          })
        if product == 0 { trace = sum }
      }
    }
    return (times.min() ?? 0, trace)
  }
}
