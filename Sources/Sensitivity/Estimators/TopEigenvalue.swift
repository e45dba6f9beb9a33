internal import Models
internal import Tensors

/// Largest Hessian eigenvalue of a layer's own block times the squared weight error:
/// `½ λ · ‖Q(W) − W‖²`.
///
/// The loss to second order if the whole error lay in the worst direction: an upper bound, and HAWQ's
/// order of fine-tuning (`λ · ‖ΔW‖²`; its order of widths is `λ / n`). Power iteration with the products of the
/// layer's own block, one layer after another, at most twelve products, ended when the quotient changes
/// by a hundredth. A sample's largest eigenvalue in magnitude may be negative where the loss is not a
/// distance to the reference; it then counts as zero. Layers of a group add up.
///
/// Each sample has its own eigenvalue, and the mean over samples is at least that of the mean Hessian.
/// Cost: a forward and a recorded backward pass; for every layer up to twelve times about two backward
/// passes through the layers behind it.
///
/// Source: Dong et al., "HAWQ: Hessian aware quantization of neural networks with mixed precision",
/// ICCV 2019.
public struct TopEigenvalue: SensitivityEstimator {
  /// `top-eigenvalue`.
  public static let id = "top-eigenvalue"
  /// One clause.
  public static let summary = "HAWQ: largest Hessian eigenvalue x squared weight error; slow"
  /// Data decides.
  public static let needsData = true

  private let iteration = PowerIteration(most: 12, tolerance: 0.01)

  /// The usual settings.
  public init() {}

  /// The largest eigenvalue in magnitude of every layer's block at each sample, `[sample][layer]`, signed;
  /// layers in the graph's order, those of the task's groups only.
  public func eigenvalues(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[Double]] {
    let layers = task.measuredLayers
    return try task.perSample(chunk, weightCopies: 4) { sample, inputs in
      let network = try RecordedNetwork(task.executor, inputs: inputs, layers: layers)
      let first = try network.recordedGradient()
      return try recordingGradients(false) {
        try layers.indices.map { k in
          var signs = RandomSigns(seed: task.seed, sample: sample, probe: k)
          return try iteration.eigenvalue(from: signs.next(network.weights[k].shape)) { vector in
            let product = try differentiatingTwice {
              try gradients(
                of: [first[k]], with: [network.weights[k]], seeds: [vector], keepGraph: true)
            }
            return product[0] ?? .zeros(vector.shape)
          }
        }
      }
    }
  }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let errors = try task.weightErrors()
    let layers = task.measuredLayers
    let values = try eigenvalues(of: chunk, in: task).map {
      Dictionary(uniqueKeysWithValues: zip(layers, $0))
    }
    return task.groups.enumerated().map { g, group in
      errors[g].map { errors in
        values.map { value in
          zip(group.layers, errors).reduce(0) { $0 + 0.5 * max(0, value[$1.0] ?? 0) * $1.1 }
        }
      }
    }
  }

  /// Some for each worker.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    2 * task.workers
  }

  /// Half of the network for each product.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    4 + 2 * Double(iteration.most * task.measuredLayers.count)
  }
}
