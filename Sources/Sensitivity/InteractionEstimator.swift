/// Tells how much each group suffers under each format, and what groups do to each other.
///
/// Its scores are ordinary ones: any optimizer plans from them. What it knows beyond them is an
/// `InteractionModel`. A new one is one file in `Interactions/` with a conforming type, and a line in
/// ``InteractionEstimators/all`` and in ``Estimators/all``.
public protocol InteractionEstimator: SensitivityEstimator {
  /// What it measures of some samples.
  associatedtype Interactions: MeasuredInteractions

  /// Measures a few samples: losses of every candidate, and what joins them.
  ///
  /// Independent of where chunks are cut, as scores are; chunks are joined sample after sample.
  func interactions(of chunk: SampleChunk, in task: MeasurementTask) throws -> Interactions
}

extension InteractionEstimator {
  /// The losses that belong to the interactions.
  public func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]] {
    try interactions(of: chunk, in: task).scores
  }
}

/// Every estimator that measures interactions.
public enum InteractionEstimators {
  /// In the order in which they are listed.
  public static let all: [any InteractionEstimator.Type] = [
    OutputDelta.self, Interlayer.self, MeasuredPairs.self,
  ]

  /// The names of those that do.
  public static var ids: [String] { all.map { $0.id } }
}
