internal import Models
internal import Quantization
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
  /// The network is run with them.
  public static let takesActivations = true

  /// The format of everything else.
  static let base = "int8-g64"

  /// The only setting.
  public init() {}

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try ExactKL(from: base(task)).scores(of: chunk, in: task)
  }

  private func base(_ task: MeasurementTask) throws -> BasePoint {
    var base = BasePoint(formats: task.graph.layers.map { _ in nil })
    for layer in task.measuredLayers {
      let shape = task.graph.layers[layer].layer.shape
      base.formats[layer] = try Formats.format(Self.base, for: shape).map { LayerFormat($0) }
    }
    return base
  }

  /// One batch for each worker: nothing is kept between samples.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    task.sweptTogether
  }

  /// Half a pass for each candidate and each group.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    task.sweepPasses(isBased: true)
  }
}
