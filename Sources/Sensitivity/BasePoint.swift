internal import Models
public import Quantization
internal import Tensors
internal import Vocabulary

/// What every layer has while one group at a time is changed: a policy near the target, for scores that
/// are true there.
public struct BasePoint: Sendable {
  /// By layer of the graph; nil leaves a layer as it is stored.
  public var formats: [LayerFormat?]
  /// Of inputs that are rounded with static ranges.
  public var ranges: ActivationRanges

  /// The point at which each of the graph's layers has a format.
  public init(formats: [LayerFormat?], ranges: ActivationRanges = .none) {
    self.formats = formats
    self.ranges = ranges
  }
}

/// An estimator that can start from another network than the stored one.
///
/// Scores are then differences: the loss with the group in a format, less the loss with the group as it is
/// stored, everything else at the base in both. They may be negative, where one error undoes another.
public protocol BasedEstimator: SensitivityEstimator {
  /// An estimator with its usual settings that starts from `base`.
  init(from base: BasePoint)
}

extension BasePoint {
  /// What is computed at the base in place of the stored network.
  struct Changes: Sendable {
    /// In place of stored weights.
    var weights: [ValueID: Tensor] = [:]
    /// In place of the graph's operations, by node.
    var operations: [Int: any Models.Operation] = [:]
  }

  /// Quantizes the base's weights.
  ///
  /// - Throws: `UserError` when a format does not take a weight, or a static range is missing.
  func changes(in task: MeasurementTask) throws -> Changes {
    let layers = task.graph.layers
    guard formats.count == layers.count else {
      fatalError("a format for each of \(layers.count) layers expected, got \(formats.count)")
    }
    let made = Collected<Tensor>(count: layers.count)
    try Engine.parallel(layers.count, workers: task.workers) { k in
      guard let format = formats[k] else { return }
      made[k] = try recordingGradients(false) {
        try task.executor.roundTrip(layers[k], format.weight)
      }
    }
    var changes = Changes()
    for (k, layer) in layers.enumerated() {
      changes.weights[layer.weight] = made[k]
      try changes.operations.merge(
        task.graph.operations(of: layer, formats[k]?.activation, ranges: ranges)
      ) { $1 }
    }
    return changes
  }
}
