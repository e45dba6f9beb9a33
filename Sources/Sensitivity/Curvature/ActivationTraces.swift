internal import Models
internal import Tensors
internal import Vocabulary

/// Traces of the Fisher information with respect to what enters each layer: `E‖∂L/∂x_l‖²` per sample.
///
/// Half of it times the mean squared rounding error of an activation's element is the loss to second
/// order when activations are quantized: FIT's second sum. The Hessian with respect to activations is
/// block-diagonal over samples, so each sample has its own.
public enum ActivationTraces {
  /// One sample's traces.
  public struct Values: Sendable {
    /// By layer of the graph; nil where the input is not an activation (token ids, the network's own
    /// input).
    public var traces: [Double?]
    /// Elements of each layer's input.
    public var counts: [Int]
  }

  /// Measures samples by random signs at the output (as `gauss-newton-trace`).
  ///
  /// Cost: one forward pass, and a backward pass per probe. The input of a layer that is used several
  /// times is that of its first use.
  public static func measure(
    _ chunk: SampleChunk, in task: MeasurementTask, probes: Int = 4
  ) throws -> [Values] {
    guard probes > 0 else { fatalError("at least one probe, got \(probes)") }
    return try task.perSample(chunk, weightCopies: 2) { sample, inputs in
      try measure(inputs, sample, task, probes)
    }
  }

  /// Measures samples by random signs at the activations (as `hutchinson`): `x_l`'s own `z_l · (H z)_l`
  /// with H the Hessian of the loss to the reference (``OutputLoss``), one product for all layers.
  ///
  /// Noisier than ``measure(_:in:probes:)``, whose expectation is the same: cross terms between layers are
  /// noise here.
  /// Cost: a forward and a recorded backward pass, and about two backward passes per probe.
  /// - Throws: `UserError` when the network has no second derivatives.
  public static func hutchinson(
    _ chunk: SampleChunk, in task: MeasurementTask, probes: Int = 16
  ) throws -> [Values] {
    guard probes > 0 else { fatalError("at least one probe, got \(probes)") }
    return try task.perSample(chunk, weightCopies: 2) { sample, inputs in
      let network = try EnteringActivations(task, inputs)
      let first = try recordingGradients(true) {
        let loss = try OutputLoss(head: task.graph.head).recorded(
          reference: network.output.detached(), output: network.output)
        return try gradients(of: [loss], with: network.targets, createGraph: true)
      }
      // Where the loss is linear behind an activation it has no second derivative: a trace of zero.
      let places = first.indices.filter { first[$0]?.requiresGradient == true }
      return try recordingGradients(false) {
        try network.means(probes) { probe in
          var signs = RandomSigns(seed: task.seed, sample: sample, probe: probe)
          let z = places.map { signs.next(network.targets[$0].shape) }
          let products = try differentiatingTwice {
            try gradients(
              of: places.compactMap { first[$0] }, with: places.map { network.targets[$0] },
              seeds: z, keepGraph: true)
          }
          var traces = network.targets.map { _ in 0.0 }
          for (place, (z, product)) in zip(places, zip(z, products)) {
            guard let product else { continue }
            traces[place] = try call("aten::dot", z.reshaped([-1]), product.reshaped([-1])).item()
          }
          return traces
        }
      }
    }
  }

  private static func measure(
    _ inputs: [String: Tensor], _ sample: Int, _ task: MeasurementTask, _ probes: Int
  ) throws -> Values {
    let network = try EnteringActivations(task, inputs)
    let root = try FisherRoot(at: network.output.detached(), head: task.graph.head)
    return try network.means(probes) { probe in
      var signs = RandomSigns(seed: task.seed, sample: sample, probe: probe)
      let found = try gradients(
        of: [network.output], with: network.targets,
        seeds: [root.cotangent(signs.next(network.output.shape))], keepGraph: probe < probes - 1)
      return try found.map { try $0?.squaredNorm() ?? 0 }
    }
  }
}

/// One sample's run, recorded so that it can be differentiated with respect to what enters layers.
private struct EnteringActivations {
  /// The network's output.
  let output: Tensor
  /// What enters the layers that have a trace.
  let targets: [Tensor]

  private let recorded: [Int]
  private let counts: [Int]

  init(_ task: MeasurementTask, _ inputs: [String: Tensor]) throws {
    let graph = task.graph
    let layerOfNode = Dictionary(
      graph.layers.enumerated().compactMap { k, layer in layer.uses.first.map { ($0, k) } },
      uniquingKeysWith: { first, _ in first })
    var entering = [Tensor?](repeating: nil, count: graph.layers.count)
    var weights: [ValueID: Tensor] = [:]
    for layer in graph.layers {
      weights[layer.weight] = try task.executor.parameter(layer.weight).leaf()
    }
    output = try recordingGradients(true) {
      var execution = try task.executor.start(inputs)
      try task.executor.advance(&execution, weights: weights) { node, inputs, results in
        if let layer = layerOfNode[node] { entering[layer] = inputs[0] }
        return results
      }
      return try task.executor.result(of: execution)
    }
    // The inputs of the first layers do not depend on anything recorded and have no trace.
    recorded = entering.indices.filter { entering[$0]?.requiresGradient == true }
    targets = recorded.compactMap { entering[$0] }
    counts = entering.map { $0?.count ?? 0 }
  }

  /// Means over probes of the targets' estimates.
  func means(_ probes: Int, _ probe: (Int) throws -> [Double]) rethrows -> ActivationTraces.Values {
    var sums = targets.map { _ in 0.0 }
    for k in 0..<probes {
      for (place, estimate) in try probe(k).enumerated() { sums[place] += estimate }
    }
    var traces = [Double?](repeating: nil, count: counts.count)
    for (place, layer) in recorded.enumerated() { traces[layer] = sums[place] / Double(probes) }
    return ActivationTraces.Values(traces: traces, counts: counts)
  }
}
