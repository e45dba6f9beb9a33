public import Models
internal import Tensors
internal import Vocabulary

/// Squared weight errors weighted by the mean square of the activation that each weight meets:
/// `Σ_ij E[x_j²] · (Q(W) − W)_ij²`.
///
/// What is known as the importance-matrix error: the expected squared change of a layer's output where
/// its inputs are uncorrelated, without a product for each format. A convolution's weight meets the inputs
/// under its kernel's place, an embedding's row as many positions as look it up. Local: it does not know
/// what the rest of the network makes of the error.
/// Cost: one forward pass, and one pass over the weights per format.
///
/// Source: the weighting of `llama.cpp`'s importance matrix.
public struct ActivationWeighted: SensitivityEstimator {
  /// `activation-weighted`.
  public static let id = "activation-weighted"
  /// One clause.
  public static let summary = "squared weight error weighted by mean squared inputs"
  /// Data decides.
  public static let needsData = true

  /// The only setting.
  public init() {}

  /// Of the layer's own output.
  public func unit(for head: OutputHead) -> String { "squared output change per position" }

  /// One value per sample, summed over the layers of a group and the uses of a layer.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try task.recordedScores(chunk, share: 0.5) { part in
      try InputEnergy(part.use)
    } effect: { energy, delta in
      try energy.weighted(delta * delta)
    }
  }

  /// As many as the recordings of fit into the memory.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) throws
    -> Int
  {
    try task.recordedTogether(sample, memory: memory)
  }

  /// Forward, and the convolutions' and embeddings' formats.
  public func forwardPasses(_ task: MeasurementTask) -> Double { 1.5 }
}

/// Mean squares of what enters one use of a layer, ready to weight squared errors.
private struct InputEnergy {
  private enum Form {
    /// Sums over positions of the squares of each input, `[samples, inputs]`.
    case columns(Tensor)
    /// Squares at their places, for operations that move a kernel or look up rows.
    case places(Tensor)
  }

  private let form: Form
  private let use: RecordedUse

  init(_ use: RecordedUse) throws {
    self.use = use
    switch use.operation.kind {
    case .linear: form = .columns(try use.perChannel(use.input * use.input))
    case .convolution: form = .places(try use.input * use.input)
    case .embedding: form = .places(use.input)
    }
  }

  /// `Σ_ij E[x_j²] · squares_ij` of each sample.
  func weighted(_ squares: Tensor) throws -> [Double] {
    switch form {
    case .columns(let sums):
      let columns = try squares.sum([0]).unsqueezed(1)
      return try zip(sums.matmul(columns).doubles(), use.rows).map { $0 / Double(max(1, $1)) }
    case .places(let input):
      var squares = squares
      var positions = use.rows.map(Double.init)
      if let convolution = use.operation as? Convolution {
        // The kernels that meet the same inputs are added up first: one output per channel group.
        let shape = squares.shape
        let perGroup = shape[0] / convolution.groups
        squares = try squares.reshaped([convolution.groups, perGroup] + shape.dropFirst()).sum([1])
      }
      let output = try use.operation.change(of: input, by: squares)
      if use.operation.kind == .convolution {
        let places = Double(output.shape.dropFirst(2).reduce(1, *))
        positions = positions.map { $0 * places }
      }
      return try zip(use.perSample(output), positions).map { $0 / max(1, $1) }
    }
  }
}
