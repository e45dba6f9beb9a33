public import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

/// What a group's format adds to the loss where all other groups are in eight bits already.
///
///     score(g, f) = KL(g in f, others in int8-g64) − KL(g unchanged, others in int8-g64)
///
/// A policy near the target is not near the reference: other layers' errors hide or amplify what
/// one more adds. Layers that do not take `int8-g64` have what stands in for it. Both losses are
/// against the full-precision network. Scores may be below zero.
/// Cost: `exact-kl` with one candidate more for each group (the same prefix caching), and the
/// base's weights once for each chunk.
///
/// Reference: Hubara et al., "Accurate post training quantization with small calibration sets"
/// (CalibTIP), ICML 2021, whose integer program is filled from an 8-bit base.
public struct ExactKLFrom8Bit: SensitivityEstimator {
  /// `exact-kl-from-8bit`.
  public static let id = "exact-kl-from-8bit"
  /// One clause.
  public static let summary = "measured KL with one group changed, all others in int8-g64; slow"
  /// Data decides.
  public static let needsData = true
  /// Differences of divergences.
  public static let isSigned = true

  /// The format of everything else.
  static let base = "int8-g64"

  /// The only setting.
  public init() {}

  /// The network's loss.
  public func unit(for head: OutputHead) -> String { OutputLoss(head: head).unit }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let loss = OutputLoss(head: task.graph.head)
    // One more candidate for every group: itself, unchanged.
    let unchanged = try Formats.named("fp32")
    var whole = task
    for g in task.groups.indices { whole.groups[g].formats.insert(unchanged, at: 0) }
    let losses = try whole.singleGroupSweep(chunk, from: baseWeights(task)) {
      try loss.perSample(reference: $0, output: $1)
    }
    return losses.map { formats in
      formats.dropFirst().map { zip($0, formats[0]).map { $0 - $1 } }
    }
  }

  /// The weights of all groups' layers in the base.
  private func baseWeights(_ task: MeasurementTask) throws -> [ValueID: Tensor] {
    let layers = task.measuredLayers.map { task.graph.layers[$0] }
    let made = Collected<Tensor>(count: layers.count)
    try Engine.parallel(layers.count, workers: task.workers) { k in
      guard let format = try Formats.format(Self.base, for: layers[k].layer.shape) else { return }
      made[k] = try recordingGradients(false) { try task.executor.roundTrip(layers[k], format) }
    }
    var weights: [ValueID: Tensor] = [:]
    for (k, layer) in layers.enumerated() { weights[layer.weight] = made[k] }
    return weights
  }

  /// One batch for each worker: nothing is kept between samples.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    task.workers * (task.graph.head == .tokens ? 1 : 8)
  }

  /// Half a pass for each candidate and each group.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    2 + 0.5 * Double(task.groups.reduce(0) { $0 + $1.formats.count + 1 })
  }
}
