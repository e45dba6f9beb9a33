public import Models
internal import Quantization
internal import Tensors

/// Relative output error `‖ΔY‖² / ‖Y‖²` of a layer on its real inputs, per sample.
///
/// Local: it does not know what the rest of the network makes of the error.
/// Cost: one forward pass, and one product per layer and format.
public struct OutputError: SensitivityEstimator {
  /// `output-error`.
  public static let id = "output-error"
  /// One clause.
  public static let summary = "relative squared error of a layer's output on real inputs"
  /// Data decides.
  public static let needsData = true

  /// The only setting.
  public init() {}

  /// A ratio.
  public func unit(for head: OutputHead) -> String { "relative output error" }

  /// One value per sample, summed over the layers of a group and the uses of a layer.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    let batches = chunk.batches(limit: task.graph.head == .tokens ? 1 : min(8, chunk.halfCount))
    let recorder = LayerRecorder(executor: task.executor)
    let collected = Collected<BatchRecording>(count: batches.count)
    try Engine.parallel(batches.count, workers: task.workers) { index in
      collected[index] = try recorder.record(chunk.stacked(batches[index]))
      task.advanced(0.15 / Double(batches.count))
    }
    let recordings = collected.values
    return try task.perGroup { index, group in
      var totals = group.formats.map { _ in [Double](repeating: 0, count: chunk.samples.count) }
      for layer in group.layers.map({ task.graph.layers[$0] }) {
        let uses = try RecordedUse.uses(of: layer, in: recordings, graph: task.graph)
        let weight = try task.executor.parameter(layer.weight)
        let norms = try uses.map { use in
          try use.flatMap { part in
            let output = try part.change(by: weight)
            return try part.perSample(output * output)
          }
        }
        for (k, format) in group.formats.enumerated() {
          let delta = try task.executor.roundTrip(layer, format) - weight
          for (use, norms) in zip(uses, norms) {
            let errors = try use.flatMap { part in
              let change = try part.change(by: delta)
              return try part.perSample(change * change)
            }
            for (sample, error) in errors.enumerated() {
              totals[k][sample] += error / max(norms[sample], 1e-30)
            }
          }
        }
      }
      task.advanced(0.85 * task.share(of: index))
      return totals
    }
  }

  /// As many as the recordings of fit into the memory.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) throws
    -> Int
  {
    max(task.workers, min(256, memory / (try task.recordedBytes(sample, outputsKept: 1))))
  }

  /// Forward, and each format once.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    let formats = task.groups.reduce(0) { $0 + $1.formats.count }
    return 2 + Double(formats) / Double(max(1, task.groups.count))
  }
}
