internal import Calibration
internal import Export
internal import Foundation
internal import Models
internal import Pareto
internal import Quantization
internal import Sensitivity
internal import Study
public import Vocabulary

/// Everything that `auto` needs to know.
public struct AutoOptions: Sendable {
  /// What is measured.
  public var measurement: MeasurementOptions
  /// Other data for the proof; nil for the held-out part of the calibration data.
  public var heldOut: String?
  /// How to choose.
  public var planning: PlanningOptions

  /// Measurement, held-out data and choice.
  public init(measurement: MeasurementOptions, heldOut: String?, planning: PlanningOptions) {
    self.measurement = measurement
    self.heldOut = heldOut
    self.planning = planning
  }
}

/// What `auto` did.
public struct AutoReport: Codable, Sendable {
  /// What was measured.
  public var measurement: MeasurementReport
  /// What is shipped: the policy, or the uniform format that beat it.
  public var policy: Policy
  /// Whether a uniform format is shipped.
  public var shippedUniform: Bool
  /// The proof.
  public var verification: VerificationReport
  /// The predicted frontier.
  public var frontier: Frontier
  /// The files that were written.
  public var files: [String]
}

extension OpenedModel {
  /// Measures, plans, proves and draws; ships the winner.
  ///
  /// A budget that cannot be kept is found before anything is measured.
  public func auto(
    _ options: AutoOptions, into directory: String, progress: @escaping ProgressHandler
  ) throws -> AutoReport {
    try checkFeasible(options)
    let measurement = try measure(options.measurement, into: directory, progress: progress)
    let source = try PlanningSource(
      directory, estimator: options.planning.estimator, raw: options.planning.raw)
    var policy = try source.plan(options.planning)
    var heldOut = options.measurement.data
    if let other = options.heldOut { heldOut.path = other }
    let verifying = VerificationOptions(
      data: heldOut, part: options.heldOut == nil ? .heldOut : .all,
      baselines: Defaults.baselines, workers: options.measurement.workers)
    let calibration = try data(options.measurement.data, part: options.measurement.part)
    let held = try data(heldOut, part: verifying.part)
    guard !calibration.overlaps(with: held) else {
      throw UserError(
        .failed,
        "the held-out data has samples that were calibrated on; give other data to --heldout")
    }
    let verification = try verify(policy, on: held, verifying, progress: progress)
    policy.verified = verification.verification
    let uniformWon = verification.best != 0
    if uniformWon, let format = verification.entries[verification.best].format {
      policy = try uniformPolicy(format, like: policy, verification: verification)
    }
    let frontier = try source.frontier(points: 200)
    let files = try write(policy, frontier, verification, into: directory)
    return AutoReport(
      measurement: measurement, policy: policy, shippedUniform: uniformWon,
      verification: verification, frontier: frontier, files: files)
  }

  private func checkFeasible(_ options: AutoOptions) throws {
    let table = try sizeTable(formats: options.measurement.formats, unit: "")
    let sizes = options.planning.budgets.filter { $0.kind == .bytes || $0.kind == .bpw }
    // With every wish that needs no measurement.
    var planning = options.planning
    (planning.budgets, planning.estimator, planning.objective) = (sizes, nil, nil)
    (planning.raw, planning.timeLimit) = (true, 5)
    _ = try PlanningSource(table: table, header: searchHeader(table), run: nil).plan(planning)
  }

  /// The uniform policy that beat the planned one, told as a policy.
  private func uniformPolicy(
    _ format: String, like planned: Policy, verification: VerificationReport
  ) throws -> Policy {
    let uniform = try uniform(format)
    var policy = planned
    for (k, format) in uniform.formats.enumerated() {
      policy.layers[k].weight = format.weight.name
      policy.layers[k].activation = format.activation?.name ?? "none"
      policy.layers[k].activationRange = nil
      policy.layers[k].bytes = format.weight.bytes(of: graph.layers[k].layer.shape)
      policy.layers[k].why =
        "uniform \(uniform.name) lost less on held-out data than the planned policy"
    }
    policy.bytes = uniform.layerBytes + fixedBytes
    policy.bpw = uniform.bpw
    for k in policy.budget.indices {
      if policy.budget[k].kind == .bytes { policy.budget[k].used = Double(policy.bytes) }
      if policy.budget[k].kind == .bpw { policy.budget[k].used = policy.bpw }
    }
    let best = verification.entries[verification.best]
    policy.verified = Policy.Verification(
      loss: best.loss, low: best.interval.low, high: best.interval.high, data: verification.data,
      uniform: .init(format: format, bytes: policy.bytes, loss: best.loss))
    policy.provenance.optimizer = "uniform"
    return policy
  }

  private func write(
    _ policy: Policy, _ frontier: Frontier, _ verification: VerificationReport,
    into directory: String
  ) throws -> [String] {
    let policyPath = directory + "/policy.json"
    try PolicyFile.write(policy, to: policyPath)
    let proofPath = directory + "/verification.json"
    try AtomicFile.write(Tool.json(verification), to: proofPath)
    let study = try Study.open(at: directory)
    _ = try study.savePolicy(name: "auto", json: PolicyFile.text(policy), created: Tool.now())
    _ = try study.saveVerification(
      name: "auto", json: Tool.json(verification), created: Tool.now())
    return [policyPath, proofPath] + (try FrontierFiles.write(frontier, to: directory))
  }
}
