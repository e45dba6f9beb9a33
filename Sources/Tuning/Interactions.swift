internal import Foundation
internal import Sensitivity
internal import Study
public import Vocabulary

extension OpenedModel {
  /// Scores a chunk; what the estimator knows of interactions is kept in the study first.
  func scores(
    of chunk: SampleChunk, by estimator: any SensitivityEstimator, in task: MeasurementTask,
    of run: Run, keptIn study: Study
  ) throws -> [[[Double]]] {
    guard let estimator = estimator as? any InteractionEstimator else {
      return try estimator.scores(of: chunk, in: task)
    }
    let sketches = try estimator.sketches(of: chunk, in: task)
    try study.append(
      run,
      interactions: InteractionChunk(
        samples: chunk.first..<chunk.first + chunk.samples.count, data: Data(sketches.encoded)))
    return sketches.scores
  }
}

/// Interactions that were measured, as planning uses them.
enum MeasuredInteractions {
  /// The interactions of a run; nil when its estimator measures none.
  ///
  /// - Throws: `UserError` when they are damaged, or not of all samples.
  static func model(of run: Run, in study: Study) throws -> (any InteractionModel)? {
    guard InteractionEstimators.ids.contains(run.key.estimator) else { return nil }
    var left = run.samples
    var parts: [OutputSketches] = []
    for chunk in try study.interactions(run) {
      guard let sketches = OutputSketches(encoded: [UInt8](chunk.data)),
        sketches.samples == chunk.samples.count,
        sketches.candidateCounts == run.candidates.map(\.count)
      else {
        throw UserError(
          .failed,
          "the study '\(study.path)' is damaged: its interactions of samples \(chunk.samples) "
            + "cannot be read")
      }
      parts.append(sketches.prefix(left))
      left -= min(left, sketches.samples)
    }
    // Products of sketches are long; optimizers ask for every pair many times.
    return try OutputSketches.joined(parts).matrix()
  }
}

extension PlanningSource {
  /// What is known of how groups interact under this source's measurement; nil for tables and for
  /// estimators that look at one group at a time.
  ///
  /// - Throws: `UserError` when the study's interactions are damaged.
  public func interactions() throws -> (any InteractionModel)? {
    guard let directory, let run else { return nil }
    return try MeasuredInteractions.model(of: run, in: Study.open(at: directory))
  }
}
