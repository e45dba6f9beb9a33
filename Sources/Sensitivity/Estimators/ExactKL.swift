public import Models
internal import Tensors

/// The loss itself, measured: `KL(reference ‖ network with one group in one format)`, group by group.
///
/// Layers before the changed one are never run again, which on average halves the work.
/// Networks without logits are measured by the normalised output error (``OutputLoss``).
/// Cost: about `groups · formats / 2` forward passes per sample.
public struct ExactKL: SensitivityEstimator {
  /// `exact-kl`.
  public static let id = "exact-kl"
  /// One clause.
  public static let summary = "measured KL with one group changed at a time; slow and exact"
  /// Data decides.
  public static let needsData = true

  /// The only setting.
  public init() {}

  /// The network's loss.
  public func unit(for head: OutputHead) -> String { OutputLoss(head: head).unit }

  /// One value per sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let loss = OutputLoss(head: task.graph.head)
    return try task.singleGroupSweep(chunk) { reference, output in
      try loss.perSample(reference: reference, output: output)
    }
  }

  /// One batch for each worker: nothing is kept between samples.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    task.workers * (task.graph.head == .tokens ? 1 : 8)
  }

  /// Half a pass for each candidate.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    1.5 + 0.5 * Double(task.groups.reduce(0) { $0 + $1.formats.count })
  }
}
