public import Models

/// Noise over signal at the network's output, with one group changed at a time: `‖ŷ − y‖² / ‖y‖²`.
///
/// `10^(−SQNR / 10)` with SQNR, the signal-to-quantization-noise ratio, in decibels: zero for no harm, as
/// tables want it, and in the opposite order. Of logits it takes every class as equally important, which
/// `exact-kl` does not.
/// Cost: that of `exact-kl`, about `groups · formats / 2` forward passes per sample.
///
/// Source: Pandey et al., "A practical mixed precision algorithm for post-training quantization", 2023.
public struct SignalToNoise: SensitivityEstimator {
  /// `sqnr`.
  public static let id = "sqnr"
  /// One clause.
  public static let summary = "noise over signal of the output, one group changed at a time; slow"
  /// Data decides.
  public static let needsData = true
  /// The network is run with them.
  public static let takesActivations = true

  /// The only setting.
  public init() {}

  /// A ratio.
  public func unit(for head: OutputHead) -> String { "output noise over signal" }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    // Twice the loss of vectors, whatever the output is; it refuses broken ones.
    let loss = OutputLoss(head: .vector)
    return try task.sweep(chunk, from: nil) {
      try loss.perSample(reference: $0.reference, output: $0.output).map { 2 * $0 }
    }
  }

  /// One batch for each worker: nothing is kept between samples.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    task.sweptTogether
  }

  /// Half a pass for each candidate.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    task.sweepPasses(isBased: false)
  }
}
