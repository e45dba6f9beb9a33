internal import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

/// One sample's run, recorded so that it can be differentiated with respect to weights.
struct RecordedNetwork: Sendable {
  /// Indices into the graph's layers, rising.
  let layers: [Int]
  /// The weights of `layers`, leaves of the recording.
  let weights: [Tensor]
  /// The network's output.
  let output: Tensor
  /// What its output means.
  let head: OutputHead

  private let names: [String]

  /// Runs the network on one sample, weights of `layers` recorded.
  ///
  /// A weight that is used in several places is one leaf, so its derivatives are sums over the uses.
  init(_ executor: Executor, inputs: [String: Tensor], layers: [Int]) throws {
    let graph = executor.graph
    self.layers = layers
    head = graph.head
    names = layers.map { graph.layers[$0].layer.name }
    weights = try layers.map { try executor.parameter(graph.layers[$0].weight).leaf() }
    var replaced: [ValueID: Tensor] = [:]
    for (layer, leaf) in zip(layers, weights) { replaced[graph.layers[layer].weight] = leaf }
    output = try recordingGradients(true) { try executor.run(inputs, weights: replaced) }
  }

  /// `Jᵀ s`: the gradient of `s · output`, one tensor per layer.
  ///
  /// - Throws: `UserError` when a layer does not reach the output.
  func pullback(_ cotangent: Tensor, keepGraph: Bool) throws -> [Tensor] {
    try reached(gradients(of: [output], with: weights, seeds: [cotangent], keepGraph: keepGraph))
  }

  /// The gradient of the loss at this very point, itself recorded: what Hessian-vector products start
  /// from.
  ///
  /// The gradient is zero, the loss being the distance to the reference; its derivative is not.
  func recordedGradient() throws -> [Tensor] {
    try recordingGradients(true) {
      let loss = try OutputLoss(head: head).recorded(reference: output.detached(), output: output)
      let first = try reached(gradients(of: [loss], with: weights, createGraph: true))
      if let k = first.firstIndex(where: { !$0.requiresGradient }) {
        throw UserError(.failed, "the layer '\(names[k])' has no second derivative")
      }
      return first
    }
  }

  /// Gradients that are all there.
  func reached(_ found: [Tensor?]) throws -> [Tensor] {
    try zip(found, names).map { gradient, name in
      guard let gradient else {
        throw UserError(.failed, "the layer '\(name)' does not reach the output")
      }
      return gradient
    }
  }
}

/// Runs a piece of work that differentiates gradients, and says what else there is where that fails.
///
/// - Throws: `UserError` when the engine knows no second derivative of one of the network's operators.
func differentiatingTwice<R>(_ body: () throws -> R) throws -> R {
  do {
    return try body()
  } catch let error as TensorError {
    throw UserError(
      .failed,
      "second derivatives of this network cannot be computed (\(error)); gauss-newton-trace, "
        + "fisher-trace and fisher-channel need first ones only")
  }
}

/// Products of the output's Jacobian with changes of single weights, without forward-mode derivatives.
///
/// `Jᵀ u` is linear in `u`, so its derivative by `u` times `v` is `J v`: two backward passes, the first of
/// which serves all products of a sample.
struct JacobianProducts {
  private let network: RecordedNetwork
  private let cotangent: Tensor
  private let pulledBack: [Tensor]

  /// Prepares the products: one backward pass.
  init(_ network: RecordedNetwork) throws {
    self.network = network
    cotangent = try Tensor.zeros(network.output.shape).leaf()
    pulledBack = try network.reached(
      gradients(
        of: [network.output], with: network.weights, seeds: [cotangent], createGraph: true))
  }

  /// `Σ J_l Δ_l`, of the output's shape: the first-order change of the output when weights change.
  ///
  /// - Parameter changes: By position in the network's `layers`; the others do not change.
  func callAsFunction(_ changes: [Int: Tensor]) throws -> Tensor {
    let positions = changes.keys.sorted()
    let product = try differentiatingTwice {
      try gradients(
        of: positions.map { pulledBack[$0] }, with: [cotangent],
        seeds: positions.compactMap { changes[$0] }, keepGraph: true)
    }
    return product[0] ?? .zeros(network.output.shape)
  }
}

extension OutputLoss {
  /// The loss of one sample as a recorded scalar, up to a constant (the reference's entropy).
  ///
  /// - Parameters:
  ///   - reference: Outside the recording.
  ///   - output: Recorded.
  func recorded(reference: Tensor, output: Tensor) throws -> Tensor {
    guard head != .vector else {
      let difference = try output - reference
      return try (difference * difference).sum() * (0.5 / max(reference.squaredNorm(), 1e-30))
    }
    let q = try logProbabilities(output)
    let p = try logProbabilities(reference).softmax(-1)
    return try (p * q).sum() * (-1 / Double(max(1, q.shape[0])))
  }
}

extension MeasurementTask {
  /// The layers of all groups, each once, rising.
  var measuredLayers: [Int] { Set(groups.flatMap(\.layers)).sorted() }

  /// Runs a body for every sample of a chunk by itself, results in the samples' order.
  ///
  /// Side by side as far as `weightCopies` copies of the measured weights per sample stay within the
  /// task's memory; where not even two do, one after another with all workers inside.
  /// - Parameters:
  ///   - share: What part of the chunk's work this is.
  ///   - body: Given the sample's index in the run and its inputs. Must set gradient recording itself.
  func perSample<Value: Sendable>(
    _ chunk: SampleChunk, weightCopies: Int, share: Double = 1,
    _ body: @escaping @Sendable (Int, [String: Tensor]) throws -> Value
  ) throws -> [Value] {
    let bytes = 4 * measuredLayers.reduce(0) { $0 + graph.layers[$1].layer.shape.count }
    let fitting = memory / max(1, bytes * weightCopies)
    let results = Collected<Value>(count: chunk.samples.count)
    @Sendable func run(_ k: Int) throws {
      results[k] = try body(chunk.first + k, chunk.samples[k])
      advanced(share / Double(chunk.samples.count))
    }
    if fitting >= 2 || workers < 2 {
      try Engine.parallel(chunk.samples.count, workers: min(workers, max(1, fitting)), run)
    } else {
      for k in chunk.samples.indices {
        try Engine.parallel(1, workers: workers) { _ in try run(k) }
      }
    }
    return results.values
  }

  /// `‖Q(W) − W‖²` of every candidate's layers: `[group][format][layer of the group]`.
  func weightErrors() throws -> [[[Double]]] {
    let results = Collected<[[Double]]>(count: groups.count)
    try Engine.parallel(groups.count, workers: workers) { index in
      results[index] = try recordingGradients(false) {
        try groups[index].formats.map { format in
          try groups[index].layers.map { try weightChange($0, format).squaredNorm() }
        }
      }
    }
    return results.values
  }

  /// `Q(W) − W` of a layer.
  func weightChange(_ layer: Int, _ format: any NumberFormat) throws -> Tensor {
    let layer = graph.layers[layer]
    return try executor.roundTrip(layer, format) - executor.parameter(layer.weight)
  }
}
