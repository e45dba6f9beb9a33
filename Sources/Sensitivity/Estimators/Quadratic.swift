internal import Models
internal import Quantization
internal import Tensors

/// The whole second-order term with the real change of the weights: `½ ΔWᵀ H ΔW`.
///
/// No trace and no diagonal: every entry of the group's Hessian block counts, those between layers of a
/// group too. At the reference `H = Jᵀ F J`, so it is `½ ‖A J ΔW‖²` with `AᵀA = F`; `J ΔW` is one product for
/// each candidate (``JacobianProducts``). What differs from `exact-kl` is only what is beyond second
/// order, so this is the yardstick for estimators that approximate the same term, more than a way to
/// save time.
/// Cost: a forward and a recorded backward pass, then for each candidate about what a forward pass
/// through the layers after it takes, twice.
public struct Quadratic: SensitivityEstimator {
  /// `quadratic`.
  public static let id = "quadratic"
  /// One clause.
  public static let summary = "second-order term with each format's real weight change; slow"
  /// Data decides.
  public static let needsData = true

  /// The only setting.
  public init() {}

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let layers = task.measuredLayers
    let positions = Dictionary(uniqueKeysWithValues: layers.enumerated().map { ($1, $0) })
    let perSample = try task.perSample(chunk, weightCopies: 3) { _, inputs in
      let network = try RecordedNetwork(task.executor, inputs: inputs, layers: layers)
      let product = try recordingGradients(true) { try JacobianProducts(network) }
      return try recordingGradients(false) {
        let factor = try FisherFactor(at: network.output.detached(), head: task.graph.head)
        return try task.groups.map { group in
          try group.formats.map { format in
            var changes: [Int: Tensor] = [:]
            for layer in group.layers {
              guard let position = positions[layer] else { continue }
              changes[position] = try task.weightChange(layer, format)
            }
            return try 0.5 * factor.weighted(product(changes)).squaredNorm()
          }
        }
      }
    }
    return task.groups.enumerated().map { g, group in
      group.formats.indices.map { f in perSample.map { $0[g][f] } }
    }
  }

  /// Some for each worker.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    2 * task.workers
  }

  /// A pass for each candidate.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    4 + Double(task.groups.reduce(0) { $0 + $1.formats.count })
  }
}
