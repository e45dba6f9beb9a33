internal import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

/// One use of a layer in neighbouring batches, before any format is tried on it.
struct RecordedPart {
  /// What flowed through.
  var use: RecordedUse
  /// The layer, an index into the graph's.
  var layer: Int
  /// Its weight as stored.
  var weight: Tensor
  /// The samples of the chunk that it covers.
  var samples: Range<Int>
}

extension MeasurementTask {
  /// Scores every format by what it does to each layer's own output on recorded inputs: one forward pass,
  /// then all formats of a layer in one visit.
  ///
  /// - Parameters:
  ///   - share: What part of the chunk's work the recording is.
  ///   - prepare: What all formats of a layer have in common.
  ///   - effect: Given that and `Q(W) − W`, the value of each sample of the part.
  /// - Returns: Sums over the layers of a group and the uses of a layer, `[group][format][sample]`.
  func recordedScores<Prepared>(
    _ chunk: SampleChunk, share: Double,
    prepare: @escaping @Sendable (RecordedPart) throws -> Prepared,
    effect: @escaping @Sendable (Prepared, Tensor) throws -> [Double]
  ) throws -> [[[Double]]] {
    let recordings = try recordings(of: chunk, share: share)
    return try perGroup { index, group in
      var totals = group.formats.map { _ in [Double](repeating: 0, count: chunk.samples.count) }
      for number in group.layers {
        let layer = graph.layers[number]
        let weight = try executor.parameter(layer.weight)
        let uses = try RecordedUse.uses(of: layer, in: recordings, graph: graph).map { parts in
          var start = 0
          return try parts.map { use in
            let samples = start..<start + use.rows.count
            start = samples.upperBound
            return try prepare(
              RecordedPart(use: use, layer: number, weight: weight, samples: samples))
          }
        }
        for (k, format) in group.formats.enumerated() {
          let delta = try weightChange(number, format)
          for parts in uses {
            for (sample, value) in try parts.flatMap({ try effect($0, delta) }).enumerated() {
              totals[k][sample] += value
            }
          }
        }
      }
      advanced((1 - share) * self.share(of: index))
      return totals
    }
  }

  /// What flows through the layers, batch by batch in the samples' order.
  private func recordings(of chunk: SampleChunk, share: Double) throws -> [BatchRecording] {
    let batches = chunk.batches(limit: graph.head == .tokens ? 1 : min(8, chunk.halfCount))
    let recorder = LayerRecorder(executor: executor)
    let collected = Collected<BatchRecording>(count: batches.count)
    try Engine.parallel(batches.count, workers: workers) { index in
      collected[index] = try recorder.record(chunk.stacked(batches[index]))
      advanced(share / Double(batches.count))
    }
    return collected.values
  }

  /// How many samples to record at a time within some memory.
  func recordedTogether(_ sample: SampleChunk, memory: Int) throws -> Int {
    max(workers, min(256, memory / (try recordedBytes(sample, outputsKept: 1))))
  }
}
