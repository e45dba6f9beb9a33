internal import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

extension MeasurementTask {
  /// Importance times relative weight error: how a score that the literature gives per layer becomes one
  /// per format.
  ///
  /// `Σ_layers importance_l · ‖Q(W_l) − W_l‖² / ‖W_l‖²`. Importance alone says nothing about a format
  /// (importance is not fragility); the relative error is what a format does to a layer, and is zero
  /// where it does nothing.
  /// - Parameter importance: Of each layer of a group, `[layer of the group][sample]`.
  /// - Returns: `[group][format][sample]`.
  func importanceTimesError(
    _ importance: @escaping @Sendable (MeasuredGroup) throws -> [[Double]]
  ) throws -> [[[Double]]] {
    try perGroup { index, group in
      let importance = try importance(group)
      var totals = group.formats.map { _ in importance.first.map { $0.map { _ in 0.0 } } ?? [] }
      for (layer, values) in zip(group.layers, importance) {
        let norm = try executor.parameter(graph.layers[layer].weight).squaredNorm()
        for (k, format) in group.formats.enumerated() {
          let error = try weightChange(layer, format).squaredNorm() / max(norm, 1e-30)
          for (sample, value) in values.enumerated() { totals[k][sample] += value * error }
        }
      }
      advanced(share(of: index))
      return totals
    }
  }

  /// Importance that the weights alone decide: the same for every sample.
  ///
  /// - Parameter statistic: Given a weight, rows of output channels, as singles.
  func statisticTimesError(
    _ chunk: SampleChunk, _ statistic: @escaping @Sendable (Tensor) throws -> Double
  ) throws -> [[[Double]]] {
    let count = chunk.samples.count
    return try importanceTimesError { group in
      try group.layers.map { index in
        let layer = graph.layers[index]
        let shape = layer.layer.shape
        let value = try statistic(
          executor.parameter(layer.weight).reshaped([shape.rows, shape.columns]))
        return [Double](repeating: value, count: count)
      }
    }
  }
}
