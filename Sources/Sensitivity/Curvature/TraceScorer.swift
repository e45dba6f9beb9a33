internal import Models
internal import Tensors
internal import Vocabulary

/// What estimators by traces share: traces of a sample, times the actual error of each format.
///
/// `score = factor · Σ_layers tr(H_l) / n_l · ‖Q(W_l) − W_l‖²`. It takes errors as spread evenly over all
/// directions, which those of a rounding quantizer nearly are, and drops what layers do to each other.
struct TraceScorer: Sendable {
  /// ½ for the loss itself, 1 where the literature leaves the ½ out.
  var factor: Double
  /// Copies of the weights that a sample needs at once.
  var weightCopies: Int
  /// The traces of a sample, by layer of the recorded network; told the sample's index in the run.
  var traces: @Sendable (MeasurementTask, Int, [String: Tensor]) throws -> [Double]

  /// `[group][format][sample]`.
  func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let errors = try task.weightErrors()
    let layers = task.measuredLayers
    let traces = try task.perSample(chunk, weightCopies: weightCopies) { sample, inputs in
      let values = try self.traces(task, sample, inputs)
      return Dictionary(uniqueKeysWithValues: zip(layers, values))
    }
    return task.groups.indices.map { g in
      errors[g].map { errors in
        traces.map { traces in
          zip(task.groups[g].layers, errors).reduce(0) { sum, pair in
            let count = Double(task.graph.layers[pair.0].layer.shape.count)
            return sum + factor * (traces[pair.0] ?? 0) / count * pair.1
          }
        }
      }
    }
  }

  /// Nothing but traces is kept of a sample; two for each worker make progress visible.
  func samplesPerChunk(_ task: MeasurementTask) -> Int { max(8, 2 * task.workers) }
}

/// Ways to the traces of a sample's Hessian, one number per measured layer.
enum Traces {
  /// Hutchinson: `z · Hz` with signs over all weights at once, read off layer by layer.
  static func hutchinson(
    _ task: MeasurementTask, _ sample: Int, _ inputs: [String: Tensor], _ rule: ProbeRule
  ) throws -> [Double] {
    let network = try RecordedNetwork(task.executor, inputs: inputs, layers: task.measuredLayers)
    let first = try network.recordedGradient()
    return try recordingGradients(false) {
      try rule.run(layers: network.layers.count) { probe in
        var signs = RandomSigns(seed: task.seed, sample: sample, probe: probe)
        let z = network.weights.map { signs.next($0.shape) }
        let products = try differentiatingTwice {
          try gradients(of: first, with: network.weights, seeds: z, keepGraph: true)
        }
        return try zip(z, products).map { z, product in
          guard let product else { return 0 }
          return try call("aten::dot", z.reshaped([-1]), product.reshaped([-1])).item()
        }
      }
    }
  }

  /// Hutchinson with signs in one layer at a time: `z_l · (H_ll z_l)`, a product for each layer.
  static func blockedHutchinson(
    _ task: MeasurementTask, _ sample: Int, _ inputs: [String: Tensor], _ rule: ProbeRule
  ) throws -> [Double] {
    let network = try RecordedNetwork(task.executor, inputs: inputs, layers: task.measuredLayers)
    let first = try network.recordedGradient()
    return try recordingGradients(false) {
      try rule.run(layers: network.layers.count) { probe in
        var signs = RandomSigns(seed: task.seed, sample: sample, probe: probe)
        return try network.layers.indices.map { k in
          let z = signs.next(network.weights[k].shape)
          let product = try differentiatingTwice {
            try gradients(of: [first[k]], with: [network.weights[k]], seeds: [z], keepGraph: true)
          }
          // At the reference no block has a negative direction: below zero is rounding.
          return try product[0].map {
            max(0, try call("aten::dot", z.reshaped([-1]), $0.reshaped([-1])).item())
          } ?? 0
        }
      }
    }
  }

  /// `‖Jᵀ s‖²` of each layer for random cotangents with `E[s sᵀ] = F`.
  ///
  /// - Parameter cotangent: Given the output (outside the recording) and the probe's number.
  static func squaredGradients(
    _ task: MeasurementTask, _ inputs: [String: Tensor], _ rule: ProbeRule,
    cotangent: (Tensor, Int) throws -> Tensor
  ) throws -> [Double] {
    let network = try RecordedNetwork(task.executor, inputs: inputs, layers: task.measuredLayers)
    return try recordingGradients(false) {
      let output = try network.output.detached()
      return try rule.run(layers: network.layers.count) { probe in
        let last = probe == rule.most - 1
        return try network.pullback(cotangent(output, probe), keepGraph: !last).map {
          try $0.squaredNorm()
        }
      }
    }
  }
}
