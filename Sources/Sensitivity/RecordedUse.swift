internal import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

/// What flowed through one use of a layer in several samples, laid out so that one product serves all.
///
/// Linear layers and embeddings do not care where a row comes from: the positions of all samples are put
/// one under another. Convolutions keep a sample per entry of the first axis.
struct RecordedUse: Sendable {
  /// The layer's operation.
  var operation: any WeightedOperation
  /// What entered.
  var input: Tensor
  /// Kept gradients of the output's shape.
  var gradients: [Tensor]
  /// Entries of the first axis that belong to each sample.
  var rows: [Int]

  /// Elements of an output above which batches are not joined: a copy would cost more than it saves.
  private static let joinLimit = 16_000_000

  /// The uses of a layer in some batches; neighbours are joined where that is cheap.
  ///
  /// - Throws: `UserError` when the layer never ran or its output does not reach the network's.
  static func uses(of layer: GraphLayer, in batches: [BatchRecording], graph: Graph) throws
    -> [[RecordedUse]]
  {
    try layer.uses.map { node in
      guard let operation = graph.nodes[node].operation as? any WeightedOperation else { return [] }
      var joined: [RecordedUse] = []
      var run: [RecordedUse] = []
      var size = 0
      for batch in batches {
        guard let recording = batch.layers[node] else {
          throw UserError(.failed, "the layer '\(layer.layer.name)' never ran")
        }
        let use = try RecordedUse(operation, recording, samples: batch.samples)
        let elements = use.rows.reduce(0, +) * layer.layer.shape.rows
        let fits = run.first.map { use.joins($0) && size + elements <= joinLimit } ?? true
        if !fits {
          joined.append(try join(run))
          (run, size) = ([], 0)
        }
        run.append(use)
        size += elements
      }
      if !run.isEmpty { joined.append(try join(run)) }
      return joined
    }
  }

  private init(_ operation: any WeightedOperation, _ recording: LayerRecording, samples: Int) throws
  {
    self.operation = operation
    switch operation.kind {
    case .convolution:
      input = recording.input
      gradients = recording.gradients
      rows = [Int](repeating: 1, count: samples)
    case .linear, .embedding:
      let width = recording.input.shape.last ?? 1
      input = try recording.input.reshaped(operation.kind == .linear ? [-1, width] : [-1])
      gradients = try recording.gradients.map { try $0.reshaped([-1, $0.shape.last ?? 1]) }
      rows = [Int](repeating: input.shape[0] / samples, count: samples)
    }
  }

  private func joins(_ other: RecordedUse) -> Bool {
    input.shape.dropFirst() == other.input.shape.dropFirst()
  }

  private static func join(_ uses: [RecordedUse]) throws -> RecordedUse {
    var joined = uses[0]
    guard uses.count > 1 else { return joined }
    joined.input = try .concatenated(uses.map(\.input), axis: 0)
    joined.gradients = try joined.gradients.indices.map { draw in
      try .concatenated(uses.map { $0.gradients[draw] }, axis: 0)
    }
    joined.rows = uses.flatMap(\.rows)
    return joined
  }

  /// The output's change under a change of the weight.
  func change(by delta: Tensor) throws -> Tensor { try operation.change(of: input, by: delta) }

  /// The output's change when the weight changes by `delta` and the input is rounded:
  /// `op(x, ΔW) + op(Q(x) − x, W + ΔW)`.
  func change(by delta: Tensor, of weight: Tensor, rounding: InputRounding?) throws -> Tensor {
    let change = try change(by: delta)
    guard let rounding, input.dtype?.isFloatingPoint == true else { return change }
    let error = try rounded(by: rounding) - input
    return try change + operation.change(of: error, by: weight + delta)
  }

  /// The input as it comes back: samples apart from each other, as a dynamic range needs them.
  private func rounded(by rounding: InputRounding) throws -> Tensor {
    guard rounding.format.isDynamic, operation.kind == .linear else { return try rounding(input) }
    var start = 0
    let parts = try rows.map { count in
      defer { start += count }
      let sample = try input.sliced(0, start, start + count)
      return try rounding(sample.unsqueezed(0)).reshaped(sample.shape)
    }
    return try .concatenated(parts, axis: 0)
  }

  /// Sums of a tensor of the output's shape over everything but samples.
  func perSample(_ values: Tensor) throws -> [Double] {
    let perRow = try values.reshaped([values.shape[0], -1]).sum([1]).doubles()
    var start = 0
    return rows.map { count in
      defer { start += count }
      return perRow[start..<start + count].reduce(0, +)
    }
  }

  /// Sums of a tensor of the output's shape over the positions of each sample, `[samples, channels]`.
  func perChannel(_ values: Tensor) throws -> Tensor {
    if operation.kind == .convolution {
      return try values.rank > 2 ? values.sum(Array(2..<values.rank)) : values
    }
    let owner = rows.enumerated().flatMap { [Int64](repeating: Int64($0), count: $1) }
    let zeros = Tensor.zeros([rows.count, values.shape[1]])
    return try call(
      "aten::index_add",
      [.tensor(zeros), .int(0), .tensor(Tensor(owner, shape: [owner.count])), .tensor(values)])
  }
}
