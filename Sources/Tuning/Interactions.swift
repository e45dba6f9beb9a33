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
    let measured = try interactions(of: chunk, by: estimator, in: task)
    try study.append(
      run,
      interactions: InteractionChunk(
        samples: chunk.first..<chunk.first + chunk.samples.count, data: Data(measured.encoded)))
    return measured.scores
  }

  private func interactions(
    of chunk: SampleChunk, by estimator: some InteractionEstimator, in task: MeasurementTask
  ) throws -> any MeasuredInteractions {
    try estimator.interactions(of: chunk, in: task)
  }
}

/// Interactions that were measured, as planning uses them.
enum StoredInteractions {
  /// The interactions of a run; nil when its estimator measures none.
  ///
  /// - Throws: `UserError` when they are damaged, or not of all samples.
  static func model(of run: Run, in study: Study) throws -> (any InteractionModel)? {
    guard InteractionEstimators.ids.contains(run.key.estimator) else { return nil }
    let chunks = try study.interactions(run)
    do {
      return try InteractionEstimators.matrix(
        measuredBy: run.key.estimator,
        chunks: chunks.map { ($0.samples.count, [UInt8]($0.data)) },
        candidateCounts: run.candidates.map(\.count), samples: run.samples)
    } catch let damage as DamagedInteractions {
      throw UserError(
        .failed,
        "the study '\(study.path)' is damaged: its interactions of samples "
          + "\(chunks[damage.chunk].samples) cannot be read")
    }
  }
}

extension PlanningSource {
  /// What is known of how groups interact under this source's measurement; nil for tables and for
  /// estimators that look at one group at a time.
  ///
  /// - Throws: `UserError` when the study's interactions are damaged.
  public func interactions() throws -> (any InteractionModel)? {
    guard let directory, let run else { return nil }
    return try StoredInteractions.model(of: run, in: Study.open(at: directory))
  }
}
