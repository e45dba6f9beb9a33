public import Models
public import Quantization
public import Tensors
internal import Vocabulary

/// What one sample said about one policy.
public struct SampleEvaluation: Sendable {
  /// The loss at every position (one position where the network has no sequence).
  public var losses: [Double]
  /// Positions at which the most likely class stayed the same; nil for networks without classes.
  public var agreeing: Int?
  /// Sum of the negative log-likelihoods of the real next tokens, and their number.
  public var nextTokens: (nats: Double, count: Int)?
  /// The same sum for the reference.
  public var referenceNats: Double?

  /// Mean loss of the sample.
  public var loss: Double { losses.reduce(0, +) / Double(max(1, losses.count)) }
}

/// Evaluates whole policies against the full-precision network on the same samples.
///
/// Cost: one forward pass per sample for the reference and each policy, one round trip of the weights per
/// policy and chunk; the reference's outputs of a chunk are kept, the changed weights of one policy.
public struct PolicyEvaluator: Sendable {
  private let executor: Executor
  private let workers: Int
  private let ranges: ActivationRanges

  /// An evaluator that runs `workers` samples side by side.
  ///
  /// - Parameter ranges: Of the inputs that a policy rounds with static ranges.
  public init(executor: Executor, workers: Int, ranges: ActivationRanges = .none) {
    self.executor = executor
    self.workers = workers
    self.ranges = ranges
  }

  /// Evaluates policies that leave the layers' inputs alone.
  ///
  /// As the method below, with formats of weights.
  public func evaluate(
    _ policies: [[(any NumberFormat)?]], on samples: [[String: Tensor]], memory: Int,
    advanced: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws -> [[SampleEvaluation]] {
    try evaluate(
      policies.map { $0.map { $0.map { LayerFormat($0) } } }, on: samples, memory: memory,
      advanced: advanced)
  }

  /// Evaluates policies on samples.
  ///
  /// - Parameters:
  ///   - policies: A format for each of the graph's layers, in its order; nil leaves a layer alone.
  ///   - samples: Inputs by name.
  ///   - memory: Bytes that the reference's outputs of a chunk may take.
  ///   - advanced: Told the share of all work after each piece. Called from any thread.
  /// - Returns: `[policy][sample]`.
  public func evaluate(
    _ policies: [[LayerFormat?]], on samples: [[String: Tensor]], memory: Int,
    advanced: @escaping @Sendable (Double) -> Void = { _ in }
  ) throws -> [[SampleEvaluation]] {
    var results = policies.map { _ in [SampleEvaluation]() }
    let all = SampleChunk(first: 0, samples: samples)
    let batches = all.batches(limit: executor.graph.head == .tokens ? 1 : 8)
    let work = Double((policies.count + 1) * max(1, batches.count))
    var next = 0
    while next < batches.count {
      let start = next
      let first = try executor.run(all.stacked(batches[start]))
      let chunk = max(workers, memory / max(1, first.byteCount))
      let end = min(batches.count, start + chunk)
      next = end
      let references = Collected<Tensor>(count: end - start)
      try Engine.parallel(end - start, workers: workers) { k in
        references[k] = try recordingGradients(false) {
          try executor.run(all.stacked(batches[start + k]))
        }
        advanced(1 / work)
      }
      for (index, policy) in policies.enumerated() {
        let weights = try roundTrips(policy)
        let operations = try roundedInputs(policy)
        let evaluations = Collected<[SampleEvaluation]>(count: end - start)
        try Engine.parallel(end - start, workers: workers) { k in
          guard let reference = references[k] else { return }
          evaluations[k] = try recordingGradients(false) {
            let inputs = try all.stacked(batches[start + k])
            let output = try executor.run(inputs, weights: weights, operations: operations)
            return try compare(output, with: reference, inputs: inputs)
          }
          advanced(1 / work)
        }
        results[index] += evaluations.values.flatMap { $0 }
      }
    }
    return results
  }

  /// The changed weights of a policy.
  private func roundTrips(_ policy: [LayerFormat?]) throws -> [ValueID: Tensor] {
    let layers = executor.graph.layers
    let tensors = Collected<Tensor>(count: layers.count)
    try Engine.parallel(layers.count, workers: workers) { k in
      if let format = policy[k] { tensors[k] = try executor.roundTrip(layers[k], format.weight) }
    }
    var weights: [ValueID: Tensor] = [:]
    for (k, layer) in layers.enumerated() { weights[layer.weight] = tensors[k] }
    return weights
  }

  /// What is computed in place of the layers whose inputs a policy rounds.
  private func roundedInputs(_ policy: [LayerFormat?]) throws -> [Int: any Models.Operation] {
    let graph = executor.graph
    return try zip(graph.layers, policy).reduce(into: [:]) { all, item in
      try all.merge(
        graph.operations(of: item.0, item.1?.activation, ranges: ranges)
      ) { $1 }
    }
  }

  private func compare(_ output: Tensor, with reference: Tensor, inputs: [String: Tensor]) throws
    -> [SampleEvaluation]
  {
    let head = executor.graph.head
    let samples = output.shape[0]
    let losses = try OutputLoss(head: head).values(reference: reference, output: output)
    let positions = losses.count / max(1, samples)
    let same = try head == .vector ? nil : agreement(output, reference)
    let nats =
      try head == .tokens ? (nextTokenNats(output, inputs), nextTokenNats(reference, inputs)) : nil
    return (0..<samples).map { k in
      let range = k * positions..<(k + 1) * positions
      return SampleEvaluation(
        losses: Array(losses[range]),
        agreeing: same.map { $0[range].reduce(0, +) },
        nextTokens: nats?.0.map { ($0[k], positions - 1) },
        referenceNats: nats?.1.map { $0[k] })
    }
  }

  /// One where the most likely class is the same, by position.
  private func agreement(_ a: Tensor, _ b: Tensor) throws -> [Int] {
    let mine = try a.reshaped([-1, a.shape.last ?? 1]).argmax(-1)
    let theirs = try b.reshaped([-1, b.shape.last ?? 1]).argmax(-1)
    return try call("aten::eq.Tensor", mine, theirs).integers()
  }

  /// Sum over positions of `−ln p(next token)` of each sample; nil when the input has no token ids.
  private func nextTokenNats(_ logits: Tensor, _ inputs: [String: Tensor]) throws -> [Double]? {
    guard let ids = inputs["input_ids"], ids.rank == 2, ids.shape[1] > 1 else { return nil }
    let length = ids.shape[1]
    let logP = try logits.sliced(1, 0, length - 1).logSoftmax(-1)
    let next = try ids.sliced(1, 1, length).unsqueezed(2)
    let chosen = try call(
      "aten::gather", [.tensor(logP), .int(2), .tensor(next)])
    return try chosen.sum([1, 2]).doubles().map { -$0 }
  }
}
