internal import Models
internal import Quantization
internal import Tensors

/// Squared first-order term, sample by sample: `½ E[(gᵀ (Q(W) − W))²]`.
///
/// `g` is a sample's gradient of the negative log-likelihood of labels drawn from the network's own output
/// (``OutputLoss/cotangent(of:firstSample:draw:seed:)``), one label per position, scaled so that the mean is
/// `½ ΔWᵀ F ΔW` with the whole Fisher block of the group: what ``Quadratic`` computes, at the cost of a few
/// gradients and with the noise of few draws. The gradient's mean, which the plain first-order term uses,
/// is nothing but noise in a trained network.
/// Cost: one forward pass, one backward pass per draw (two for sequences, four otherwise), and one round
/// trip of every weight and format per sample.
///
/// Source: the squared first-order criterion of Molchanov et al., "Importance estimation for neural network
/// pruning", CVPR 2019, with a format's change in place of a pruned weight's.
public struct Taylor: SensitivityEstimator {
  /// `taylor`.
  public static let id = "taylor"
  /// One clause.
  public static let summary = "squared gradient x weight change of each sample"
  /// Data decides.
  public static let needsData = true

  /// The usual settings.
  public init() {}

  private static func draws(_ head: OutputHead) -> Int { head == .tokens ? 2 : 4 }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let head = task.graph.head
    let layers = task.measuredLayers
    let positions = Dictionary(uniqueKeysWithValues: layers.enumerated().map { ($1, $0) })
    let draws = Self.draws(head)
    let perSample = try task.perSample(chunk, weightCopies: draws + 1) { sample, inputs in
      let network = try RecordedNetwork(task.executor, inputs: inputs, layers: layers)
      return try recordingGradients(false) {
        let output = try network.output.detached()
        let scale = 0.5 / Double(draws * (head == .tokens ? max(1, output.shape[1]) : 1))
        let found = try (0..<draws).map { draw in
          let cotangent = try OutputLoss(head: head).cotangent(
            of: output, firstSample: sample, draw: draw, seed: task.seed)
          return try network.pullback(cotangent, keepGraph: draw < draws - 1)
        }
        return try task.groups.map { group in
          try group.formats.map { format in
            var effects = [Double](repeating: 0, count: draws)
            for layer in group.layers {
              guard let position = positions[layer] else { continue }
              let change = try task.weightChange(layer, format).reshaped([-1])
              for draw in 0..<draws {
                let gradient = try found[draw][position].reshaped([-1])
                effects[draw] += try call("aten::dot", gradient, change).item()
              }
            }
            return effects.reduce(0) { $0 + scale * $1 * $1 }
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
    max(8, 2 * task.workers)
  }

  /// A forward pass, and a backward pass per draw.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    1 + 2 * Double(Self.draws(task.graph.head))
  }
}
