public import Calibration
internal import Costs
internal import Foundation
internal import Models
internal import Quantization
internal import Report
internal import Sensitivity
public import Vocabulary

/// What a policy or a uniform format lost on held-out data.
public struct VerifiedEntry: Codable, Sendable {
  /// `policy`, or `uniform` and the format.
  public var name: String
  /// The uniform format; nil for the policy.
  public var format: String?
  /// Bytes of the whole model.
  public var bytes: Int
  /// Bits per weight of the quantizable layers.
  public var bpw: Double
  /// Mean loss over samples.
  public var loss: Double
  /// 95 % bootstrap interval of the mean.
  public var interval: Interval
  /// 99th percentile over positions (samples where there are none).
  public var percentile99: Double
  /// Share of positions at which the most likely class stayed the same.
  public var agreement: Double?
  /// Perplexity on the real tokens.
  public var perplexity: Double?
  /// Mean of its loss less the policy's, paired by sample; nil for the policy.
  public var excess: Double?
  /// 95 % bootstrap interval of the excess.
  public var excessInterval: Interval?
}

/// Who won on held-out data.
public struct VerificationReport: Codable, Sendable {
  /// The three possible endings.
  public enum Verdict: String, Codable, Sendable {
    /// The policy loses less than every uniform format, intervals excluding zero.
    case policy
    /// An interval includes zero: too close to call against at least one format.
    case tie
    /// A uniform format within the budget loses less, or as good as less.
    case uniform
  }

  /// Fewer samples than this decide nothing.
  public static let fewestSamples = 5

  /// The model.
  public var model: String
  /// The unit of the losses.
  public var unit: String
  /// The number of held-out samples.
  public var samples: Int
  /// Their digest.
  public var data: String
  /// Whether they are the very samples that were calibrated on.
  public var overlapsCalibration: Bool
  /// Perplexity of the full-precision network.
  public var referencePerplexity: Double?
  /// The policy first, then uniform formats from the largest down.
  public var entries: [VerifiedEntry]
  /// Who won.
  public var verdict: Verdict
  /// Index in ``entries`` of the smallest loss.
  public var best: Int

  /// The policy's entry.
  public var policy: VerifiedEntry { entries[0] }
  /// The best uniform entry, when any fits the budget.
  public var bestUniform: VerifiedEntry? {
    entries.dropFirst().min { $0.loss < $1.loss }
  }
}

/// Options of a verification.
public struct VerificationOptions: Sendable {
  /// Held-out data.
  public var data: CalibrationOptions
  /// Which part of it.
  public var part: CalibrationPart
  /// Uniform formats to compare with, where they keep the policy's byte budget.
  public var baselines: [String]
  /// Threads.
  public var workers: Int

  /// Held-out data, the formats to compare with, and threads.
  public init(
    data: CalibrationOptions, part: CalibrationPart = .all, baselines: [String], workers: Int
  ) {
    self.data = data
    self.part = part
    self.baselines = baselines
    self.workers = workers
  }
}

extension OpenedModel {
  /// Evaluates a policy and every uniform format within its byte budget on the same held-out samples.
  ///
  /// - Throws: `UserError` when the policy is not for this model.
  public func verify(
    _ policy: Policy, _ options: VerificationOptions, progress: @escaping ProgressHandler
  ) throws -> VerificationReport {
    let data = try data(options.data, part: options.part)
    return try verify(policy, on: data, options, progress: progress)
  }

  func verify(
    _ policy: Policy, on data: CalibrationSet, _ options: VerificationOptions,
    progress: @escaping ProgressHandler
  ) throws -> VerificationReport {
    let chosen = try formats(of: policy)
    // What the policy says of its own size is not taken on trust: the comparison hangs on it.
    let layerBytes = zip(chosen, cost.layers).reduce(0) { $0 + $1.0.weight.bytes(of: $1.1.shape) }
    let bytes = layerBytes + fixedBytes
    guard bytes == policy.bytes else {
      throw UserError(
        .failed,
        "the policy says that the model takes \(policy.bytes) bytes, and its formats come to \(bytes)"
      )
    }
    var seen: Set<[String]> = []
    // The policy's own formats too: a better kind of format is no merit of the choice.
    let uniforms = try (options.baselines + chosen.map(\.weight.name)).map { try uniform($0) }
      .filter { $0.layerBytes + fixedBytes <= policy.allowance }
      .filter { seen.insert($0.formats.map(\.name)).inserted }
      .sorted { ($0.layerBytes, $0.name) > ($1.layerBytes, $1.name) }
    let counter = ProgressCounter("verifying on held-out data", handler: progress)
    let evaluations = try PolicyEvaluator(
      executor: executor, workers: options.workers, ranges: activationRanges(of: policy)
    ).evaluate(
      [chosen] + uniforms.map(\.formats), on: data.samples.map(\.inputs), memory: 500_000_000,
      advanced: { counter.advance(by: $0) })
    counter.finish()
    let own = evaluations[0].map(\.loss)
    let seed = options.data.seed
    var entries = [
      entry(
        "policy", nil, bytes: bytes, bpw: cost.bitsPerWeight(layerBytes: layerBytes),
        evaluations[0], seed: seed)
    ]
    for (uniform, evaluation) in zip(uniforms, evaluations.dropFirst()) {
      var entry = entry(
        "uniform \(uniform.name)", uniform.name, bytes: uniform.layerBytes + fixedBytes,
        bpw: uniform.bpw, evaluation, seed: seed)
      let differences = zip(evaluation, own).map { $0.loss - $1 }
      entry.excess = SampleMean(differences).mean
      entry.excessInterval = .bootstrap(differences, seed: seed)
      entries.append(entry)
    }
    let best = entries.indices.min { entries[$0].loss < entries[$1].loss } ?? 0
    return VerificationReport(
      model: graph.name, unit: OutputLoss(head: graph.head).unit, samples: data.samples.count,
      data: data.digest, overlapsCalibration: policy.provenance.data == data.digest,
      referencePerplexity: perplexity(
        evaluations[0].compactMap { sample in
          sample.nextTokens.flatMap { next in sample.referenceNats.map { ($0, next.count) } }
        }), entries: entries, verdict: verdict(entries, samples: data.samples.count), best: best)
  }

  /// A format for each of the graph's layers.
  ///
  /// - Throws: `UserError` when the policy is for another model, or leaves a layer out.
  func formats(of policy: Policy) throws -> [LayerFormat] {
    let identity = try identity()
    guard policy.model.digest == identity.digest || policy.model.digest == "unknown" else {
      throw UserError(
        .failed,
        "the policy is for a model with other weights (\(policy.model.name), \(policy.model.digest))"
      )
    }
    let byName = Dictionary(policy.layers.map { ($0.name, $0) }) { first, _ in first }
    let unknown = Set(byName.keys).subtracting(graph.layers.map(\.layer.name)).sorted()
    if let stranger = unknown.first {
      throw UserError(
        .failed, "the policy is for another model: this one has no layer '\(stranger)'")
    }
    return try graph.layers.map { layer in
      guard let choice = byName[layer.layer.name] else {
        throw UserError(.failed, "the policy has no format for the layer '\(layer.layer.name)'")
      }
      let format = try Formats.named(choice.weight)
      if let reason = format.refusal(of: layer.layer.shape) {
        throw UserError(.failed, "'\(layer.layer.name)' cannot be \(choice.weight): \(reason)")
      }
      return LayerFormat(
        format,
        activation: choice.activation == "none"
          ? nil : try ActivationFormat.named(choice.activation))
    }
  }

  private func entry(
    _ name: String, _ format: String?, bytes: Int, bpw: Double, _ samples: [SampleEvaluation],
    seed: UInt64
  ) -> VerifiedEntry {
    let losses = samples.map(\.loss)
    let positions = samples.flatMap(\.losses)
    let agreeing = samples.compactMap(\.agreeing)
    return VerifiedEntry(
      name: name, format: format, bytes: bytes, bpw: bpw, loss: SampleMean(losses).mean,
      interval: .bootstrap(losses, seed: seed), percentile99: percentile(positions.sorted(), 0.99),
      agreement: agreeing.isEmpty
        ? nil : Double(agreeing.reduce(0, +)) / Double(max(1, positions.count)),
      perplexity: perplexity(samples.compactMap(\.nextTokens)))
  }

  private func verdict(_ entries: [VerifiedEntry], samples: Int) -> VerificationReport.Verdict {
    let intervals = entries.dropFirst().compactMap(\.excessInterval)
    // A handful of samples proves nothing, whatever they say.
    if samples < VerificationReport.fewestSamples { return .tie }
    if intervals.allSatisfy({ $0.low > 0 }) { return .policy }
    return entries.dropFirst().contains { $0.loss <= entries[0].loss } ? .uniform : .tie
  }
}

/// `e^(nats / tokens)` over all samples; nil without tokens.
private func perplexity(_ sums: [(nats: Double, count: Int)]) -> Double? {
  let count = sums.reduce(0) { $0 + $1.count }
  guard count > 0 else { return nil }
  return Foundation.exp(sums.reduce(0) { $0 + $1.nats } / Double(count))
}
