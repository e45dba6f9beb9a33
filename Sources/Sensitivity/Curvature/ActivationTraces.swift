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

  private static func measure(
    _ inputs: [String: Tensor], _ sample: Int, _ task: MeasurementTask, _ probes: Int
  ) throws -> Values {
    let graph = task.graph
    // The inputs of the first layers do not depend on anything recorded and have no trace.
    let layerOfNode = Dictionary(
      graph.layers.enumerated().compactMap { k, layer in layer.uses.first.map { ($0, k) } },
      uniquingKeysWith: { first, _ in first })
    var entering = [Tensor?](repeating: nil, count: graph.layers.count)
    var weights: [ValueID: Tensor] = [:]
    for layer in graph.layers {
      weights[layer.weight] = try task.executor.parameter(layer.weight).leaf()
    }
    let output = try recordingGradients(true) {
      var execution = try task.executor.start(inputs)
      try task.executor.advance(&execution, weights: weights) { node, inputs, results in
        if let layer = layerOfNode[node] { entering[layer] = inputs[0] }
        return results
      }
      return try task.executor.result(of: execution)
    }
    let recorded = entering.indices.filter { entering[$0]?.requiresGradient == true }
    let targets = recorded.compactMap { entering[$0] }
    var sums = [Double](repeating: 0, count: recorded.count)
    let root = try FisherRoot(at: output.detached(), head: graph.head)
    for probe in 0..<probes {
      var signs = RandomSigns(seed: task.seed, sample: sample, probe: probe)
      let found = try gradients(
        of: [output], with: targets, seeds: [root.cotangent(signs.next(output.shape))],
        keepGraph: probe < probes - 1)
      for (k, gradient) in found.enumerated() {
        sums[k] += try gradient?.squaredNorm() ?? 0
      }
    }
    var traces = [Double?](repeating: nil, count: graph.layers.count)
    for (k, layer) in recorded.enumerated() { traces[layer] = sums[k] / Double(probes) }
    return Values(traces: traces, counts: entering.map { $0?.count ?? 0 })
  }
}
