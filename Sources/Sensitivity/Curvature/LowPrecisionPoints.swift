internal import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

/// The networks whose groups are all in one format: where gradients are taken that the reference does
/// not have.
///
/// Groups that a format does not fit take their candidate of the nearest bits per weight.
struct LowPrecisionPoints: Sendable {
  /// One such network.
  struct Point: Sendable {
    /// The index of each group's candidate.
    var candidates: [Int]
    /// Group and candidate indices that are scored here.
    var scored: [(group: Int, format: Int)]
  }

  /// In the order of the formats' first mention.
  let points: [Point]

  /// The points at which every candidate of a task is met once.
  init(_ task: MeasurementTask) {
    var names: [String] = []
    for format in task.groups.flatMap(\.formats) where !names.contains(format.name) {
      names.append(format.name)
    }
    var points: [Point] = []
    for name in names {
      let scored = task.groups.enumerated().compactMap { g, group in
        group.formats.firstIndex { $0.name == name }.map { (group: g, format: $0) }
      }
      let bits = scored.map { Self.bits(task, $0.group, $0.format) }
      let target = bits.reduce(0, +) / Double(max(1, bits.count))
      let candidates = task.groups.indices.map { g in
        scored.first { $0.group == g }?.format
          ?? task.groups[g].formats.indices.min { a, b in
            abs(Self.bits(task, g, a) - target) < abs(Self.bits(task, g, b) - target)
          } ?? 0
      }
      if let same = points.firstIndex(where: { $0.candidates == candidates }) {
        points[same].scored += scored
      } else {
        points.append(Point(candidates: candidates, scored: scored))
      }
    }
    self.points = points
  }

  private static func bits(_ task: MeasurementTask, _ group: Int, _ format: Int) -> Double {
    let shapes = task.groups[group].layers.map { task.graph.layers[$0].layer.shape }
    let bytes = shapes.reduce(0) { $0 + task.groups[group].formats[format].bytes(of: $1) }
    return 8 * Double(bytes) / Double(max(1, shapes.reduce(0) { $0 + $1.count }))
  }
}

extension MeasurementTask {
  /// Gradients of the loss at every low-precision point, and what they make of the change that led
  /// there.
  ///
  /// - Parameter combine: Given a layer's gradient of one sample's loss and its `Q(W) − W`.
  /// - Returns: Sums over a group's layers, `[group][format][sample]`.
  func gradientsAtLowPrecision(
    _ chunk: SampleChunk, _ combine: @escaping @Sendable (Tensor, Tensor) throws -> Double
  ) throws -> [[[Double]]] {
    let points = LowPrecisionPoints(self).points
    let references = try perSample(chunk, weightCopies: 1, share: 0.1) { _, inputs in
      try recordingGradients(false) { try executor.run(inputs) }
    }
    var scores = groups.map { $0.formats.map { _ in [Double]() } }
    for point in points {
      var places: [(group: Int, layer: Int)] = []
      for (g, group) in groups.enumerated() { places += group.layers.map { (g, $0) } }
      let owners = places
      let changes = Collected<Tensor>(count: owners.count)
      try Engine.parallel(owners.count, workers: workers) { k in
        let (g, layer) = owners[k]
        changes[k] = try recordingGradients(false) {
          try weightChange(layer, groups[g].formats[point.candidates[g]])
        }
      }
      let deltas = changes.values
      let share = 0.9 / Double(points.count)
      let perSample = try perSample(chunk, weightCopies: 3, share: share) { sample, inputs in
        var weights: [ValueID: Tensor] = [:]
        let leaves = try recordingGradients(false) {
          try zip(owners, deltas).map { owner, delta in
            try executor.parameter(graph.layers[owner.layer].weight) + delta
          }
        }.map { try $0.leaf() }
        for (owner, leaf) in zip(owners, leaves) {
          weights[graph.layers[owner.layer].weight] = leaf
        }
        let loss = try recordingGradients(true) {
          let output = try executor.run(inputs, weights: weights)
          return try OutputLoss(head: graph.head).recorded(
            reference: references[sample - chunk.first], output: output)
        }
        let found = try gradients(of: [loss], with: leaves)
        var sums = [Double](repeating: 0, count: groups.count)
        for (k, owner) in owners.enumerated() {
          guard let gradient = found[k] else {
            let name = graph.layers[owner.layer].layer.name
            throw UserError(.failed, "the layer '\(name)' does not reach the output")
          }
          sums[owner.group] += try combine(gradient, deltas[k])
        }
        guard sums.allSatisfy(\.isFinite) else {
          throw UserError(.failed, "the network's output becomes infinite or not a number")
        }
        return sums
      }
      for (g, f) in point.scored { scores[g][f] = perSample.map { $0[g] } }
    }
    return scores
  }
}
