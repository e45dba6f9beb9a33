internal import Models
internal import Tensors

/// What is kept of the gradients at a layer's output.
enum GradientKeeping: Sendable {
  /// Nothing: no backward pass.
  case none
  /// The mean over the draws of the squared gradient, one tensor.
  case meanSquare
  /// Every draw's gradient.
  case everyDraw
}

/// What flowed through one use of a layer in one batch.
struct LayerRecording: Sendable {
  /// The activation that entered, first axis samples.
  var input: Tensor
  /// The output, before anything else is done with it; nil once the gradients are there.
  var output: Tensor?
  /// What was asked to be kept, each of the output's shape.
  var gradients: [Tensor] = []
}

/// What flowed through all layers in one batch.
struct BatchRecording: Sendable {
  /// The number of samples.
  var samples: Int
  /// Positions over which a sample's loss is a mean.
  var positions: Int
  /// By node.
  var layers: [Int: LayerRecording]
  /// The network's output.
  var output: Tensor
}

/// Runs a network and keeps what enters and leaves every layer.
struct LayerRecorder: Sendable {
  let executor: Executor

  /// What flows through the layers, without gradients unless `differentiably`.
  func record(_ inputs: [String: Tensor], differentiably: Bool = false) throws -> BatchRecording {
    let graph = executor.graph
    let uses = Set(graph.layers.flatMap(\.uses))
    var layers: [Int: LayerRecording] = [:]
    let output = try recordingGradients(differentiably) {
      var execution = try executor.start(inputs)
      try executor.advance(&execution) { node, inputs, results in
        guard uses.contains(node), let input = inputs[0] else { return results }
        // Weights record nothing, so the outputs of the first layers start the recording.
        let starts = differentiably && !results[0].requiresGradient
        let output = starts ? try results[0].leaf() : results[0]
        layers[node] = LayerRecording(input: try input.detached(), output: output)
        return [output]
      }
      return try executor.result(of: execution)
    }
    let shape = output.shape
    return BatchRecording(
      samples: shape[0], positions: graph.head == .tokens ? shape[1] : 1, layers: layers,
      output: output)
  }

  /// What flows through the layers, with gradients of the likelihood of labels drawn from the network's
  /// own output.
  func recordGradients(
    _ inputs: [String: Tensor], firstSample: Int, draws: Int, seed: UInt64,
    keeping: GradientKeeping
  ) throws -> BatchRecording {
    var recording = try record(inputs, differentiably: true)
    let loss = OutputLoss(head: executor.graph.head)
    let nodes = recording.layers.keys.sorted()
    let outputs = nodes.compactMap { recording.layers[$0]?.output }
    let final = recording.output
    recording.output = try final.detached()
    for draw in 0..<draws {
      let cotangent = try recordingGradients(false) {
        try loss.cotangent(
          of: recording.output, firstSample: firstSample, draw: draw, seed: seed)
      }
      var found = try gradients(
        of: [final], with: outputs, seeds: [cotangent], keepGraph: draw < draws - 1)
      for (k, node) in nodes.enumerated() {
        guard let gradient = found[k] else { continue }
        found[k] = nil  // so that no gradient outlives its square
        try keep(gradient, keeping, draws, &recording.layers[node, default: .init(input: gradient)])
      }
    }
    for node in nodes { recording.layers[node]?.output = nil }  // they hold the graph alive
    return recording
  }

  private func keep(
    _ gradient: Tensor, _ keeping: GradientKeeping, _ draws: Int, _ layer: inout LayerRecording
  ) throws {
    switch keeping {
    case .none:
      break
    case .everyDraw:
      layer.gradients.append(gradient)
    case .meanSquare:
      var square = try gradient * gradient
      if draws > 1 { square = try square * (1 / Double(draws)) }
      layer.gradients = [try layer.gradients.first.map { try $0 + square } ?? square]
    }
  }
}

extension MeasurementTask {
  /// Bytes that the recording of one sample takes: each activation that enters layers once (layers that
  /// read the same one share it), each output `outputsKept` times.
  func recordedBytes(_ sample: SampleChunk, outputsKept: Int) throws -> Int {
    guard let first = sample.samples.first else { return 1 }
    let recording = try recordingGradients(false) {
      try LayerRecorder(executor: executor).record(first)
    }
    var inputs: [ValueID: Int] = [:]
    var outputs = 0
    for (node, layer) in recording.layers {
      if let value = graph.nodes[node].inputs[0] { inputs[value] = layer.input.byteCount }
      outputs += (layer.output?.byteCount ?? 0) * outputsKept
    }
    return max(1, outputs + inputs.values.reduce(0, +))
  }
}
