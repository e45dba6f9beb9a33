import Calibration
import Foundation
import Models
import Quantization
import Sensitivity
import Tensors
import Vocabulary

/// A real model with samples, for benchmarks that work below the command line.
struct RealNetwork {
  let executor: Executor
  let samples: [CalibrationSample]

  /// MiniLM on sentences.
  static func miniLM(samples: Int) throws -> RealNetwork {
    try RealNetwork(RealModels.miniLM, data: RealModels.sentences, samples: samples)
  }

  init(_ path: String, data: String, samples: Int) throws {
    let graph = try ModelLoader.load(path)
    executor = Executor(graph)
    self.samples = try CalibrationLoader.load(
      path: data,
      for: InputSpecification(
        inputs: graph.inputs.map { .init(name: $0.name, shape: $0.shape, dtype: $0.dtype) },
        tokenizer: graph.tokenizer, maximumLength: graph.maximumLength,
        textMode: graph.head == .tokens ? .stream : .lines), samples: samples, seed: 1
    ).samples
  }

  /// All samples.
  var chunk: SampleChunk { SampleChunk(first: 0, samples: samples.map(\.inputs)) }

  /// Every layer a group of its own, on one thread: times that do not depend on who else is at work.
  func task(formats: [String]) throws -> MeasurementTask {
    MeasurementTask(
      executor: executor,
      groups: try executor.graph.layers.enumerated().map { index, layer in
        MeasuredGroup(
          name: layer.layer.name, layers: [index],
          formats: try Formats.candidates(for: layer.layer.shape, from: formats))
      }, seed: 1, workers: 1)
  }

  /// A forward and a backward pass to all quantizable weights.
  func passes(_ inputs: [String: Tensor]) throws {
    let layers = executor.graph.layers
    let leaves = try layers.map { try executor.parameter($0.weight).leaf() }
    var weights: [ValueID: Tensor] = [:]
    for (layer, leaf) in zip(layers, leaves) { weights[layer.weight] = leaf }
    let sum = try recordingGradients(true) {
      let output = try executor.run(inputs, weights: weights)
      return try (output * output).sum()
    }
    _ = try gradients(of: [sum], with: leaves)
  }
}
