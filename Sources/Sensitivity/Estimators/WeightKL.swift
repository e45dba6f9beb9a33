internal import Foundation
public import Models
internal import Quantization
public import Tensors
internal import Vocabulary

/// Divergence of the weights' histogram from the quantized weights': `KL(hist(W) ‖ hist(Q(W)))`, in nats.
///
/// AdaPT takes the smallest width whose divergence is below a threshold as a lower bound of a useful one:
/// a bound and not a loss, since a histogram does not know which weight became which. Hundred bins over
/// the range of W, one count added to each, so that no bin is empty. Layers of a group add up.
/// Cost: one round trip of every weight and format; no data.
///
/// Source: Kummer et al., "Adaptive precision training (AdaPT)", 2021.
public struct WeightKL: SensitivityEstimator {
  /// `weight-kl`.
  public static let id = "weight-kl"
  /// One clause.
  public static let summary = "AdaPT: divergence of the weights' histograms; no data"
  /// No data.
  public static let needsData = false

  private static let bins = 100

  /// The only setting.
  public init() {}

  /// The divergence of two weights' histograms.
  public static func divergence(of weights: Tensor, from changed: Tensor) throws -> Double {
    try weights.withFloats { a in
      try changed.withFloats { b in
        guard let low = a.min(), let high = a.max(), low < high else { return 0 }
        let scale = Float(bins) / (high - low)
        func histogram(_ values: UnsafeBufferPointer<Float>) -> [Double] {
          var counts = [Int](repeating: 1, count: bins)
          for value in values {
            counts[Int(min(max(0, (value - low) * scale), Float(bins - 1)))] += 1
          }
          let total = Double(values.count + bins)
          return counts.map { Double($0) / total }
        }
        // A sum of rounded terms; a divergence is never negative.
        return max(0, zip(histogram(a), histogram(b)).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) })
      }
    }
  }

  /// Nats, but of weights and not of outputs.
  public func unit(for head: OutputHead) -> String { "nats of the weights' histogram" }

  /// The same value for every sample.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try task.perGroup { index, group in
      let values = try group.formats.map { format in
        try group.layers.reduce(0.0) { sum, index in
          let layer = task.graph.layers[index]
          return try sum
            + Self.divergence(
              of: task.executor.parameter(layer.weight),
              from: task.executor.roundTrip(layer, format))
        }
      }
      task.advanced(task.share(of: index))
      return values.map { [Double](repeating: $0, count: chunk.samples.count) }
    }
  }

  /// Everything at once.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    .max
  }

  /// None.
  public func forwardPasses(_ task: MeasurementTask) -> Double { 0 }
}
