internal import Archives
internal import Models
internal import Sensitivity
internal import Vocabulary

extension OpenedModel {
  /// An estimator by name, starting from a policy where one is given.
  ///
  /// - Throws: `UserError` when there is no such estimator, it starts from the stored network alone, or
  ///   the policy is of another model.
  func estimator(named name: String, from base: Policy?) throws -> any SensitivityEstimator {
    let estimator = try Estimators.named(name)
    guard let base else { return estimator }
    guard let type = type(of: estimator) as? any BasedEstimator.Type else {
      let able = Estimators.all.filter { $0 is any BasedEstimator.Type }.map { $0.id }
      throw UserError(
        .usage,
        "\(name) starts from the stored network; those that start from a policy are "
          + able.joined(separator: ", "))
    }
    return type.init(
      from: BasePoint(formats: try formats(of: base), ranges: try activationRanges(of: base)))
  }

  /// The part of a run's key that tells what it started from; empty for the stored network.
  ///
  /// Formats count, not where they came from: the same choice is the same run.
  func configuration(of base: Policy?) -> String {
    guard let base else { return "" }
    let sum = SHA256()
    for layer in base.layers.sorted(by: { $0.name < $1.name }) {
      let ends = layer.activationRange.map { "\($0)" } ?? ""
      sum.update("\(layer.name) \(layer.weight) \(layer.activation) \(ends)\n")
    }
    return ";base=\(sum.finished())"
  }

  /// One sentence on what an estimator will take.
  func cost(
    of estimator: any SensitivityEstimator, named name: String, in task: MeasurementTask,
    samples: Int
  ) -> String {
    let passes = estimator.forwardPasses(task)
    guard passes > 0 else { return "\(name) looks at the weights alone" }
    return
      "\(name) takes as long as \(significant(passes)) forward passes for each of \(samples) "
      + "samples, \(significant(passes * Double(samples))) in all"
  }

  /// Bytes that recordings may take: what the limit (3 GB unless another is given) leaves beside the
  /// weights and the libraries.
  ///
  /// - Throws: `UserError` when the limit leaves nothing.
  func recordingMemory(_ limit: Int?) throws -> Int {
    let weights = graph.parameters.reduce(0) { $0 + 4 * $1.shape.reduce(1, *) }
    let fixed = weights + 500_000_000
    let least = 64_000_000
    guard let limit else { return max(least, 3_000_000_000 - fixed) }
    guard limit >= fixed + least else {
      throw UserError(
        .usage,
        "--memory \(ByteCount(limit)) is too little: the weights take \(ByteCount(weights)) in "
          + "singles, the libraries and a pass about 0.5 GB, so \(ByteCount(fixed + least)) is the "
          + "least that can be planned")
    }
    return limit - fixed
  }
}
