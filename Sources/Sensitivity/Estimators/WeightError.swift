public import Models
internal import Quantization
internal import Tensors

/// Relative weight error `‖Q(W) − W‖² / ‖W‖²`: needs no data and sees no network.
///
/// A yardstick, not a recommendation: it misranks layers of different kinds, since it ignores what
/// enters a layer and what its output does.
/// Cost: one round trip of every weight and format.
public struct WeightError: SensitivityEstimator {
  /// `weight-error`.
  public static let id = "weight-error"
  /// One clause.
  public static let summary = "relative squared error of the weights; no data"
  /// No data.
  public static let needsData = false

  /// The only setting.
  public init() {}

  /// A ratio.
  public func unit(for head: OutputHead) -> String { "relative weight error" }

  /// The same value for every sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try task.perGroup { index, group in
      var error = group.formats.map { _ in 0.0 }
      var norm = 0.0
      for layer in group.layers.map({ task.graph.layers[$0] }) {
        let weight = try task.executor.parameter(layer.weight)
        norm += try weight.squaredNorm()
        for (k, format) in group.formats.enumerated() {
          error[k] += try (task.executor.roundTrip(layer, format) - weight).squaredNorm()
        }
      }
      task.advanced(task.share(of: index))
      return error.map { value in
        [Double](repeating: value / max(norm, 1e-30), count: chunk.samples.count)
      }
    }
  }

  /// Everything at once.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) throws
    -> Int
  {
    .max
  }

  /// None.
  public func forwardPasses(_ task: MeasurementTask) -> Double { 0 }
}

extension MeasurementTask {
  /// Runs a body for every group, side by side, results in the groups' order.
  func perGroup(_ body: @escaping @Sendable (Int, MeasuredGroup) throws -> [[Double]]) throws
    -> [[[Double]]]
  {
    let results = Collected<[[Double]]>(count: groups.count)
    try Engine.parallel(groups.count, workers: workers) { index in
      results[index] = try recordingGradients(false) { try body(index, groups[index]) }
    }
    return results.values
  }
}
