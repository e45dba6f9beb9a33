public import Calibration
internal import Models
internal import Pareto
internal import Quantization
internal import Sensitivity
public import Vocabulary

extension OpenedModel {
  /// A frontier with some of its points and all baselines evaluated on held-out data, each with a
  /// 95 % bootstrap interval, and the measured points ranked anew.
  ///
  /// All policies are evaluated on the same samples and resampled alike.
  ///
  /// - Parameters:
  ///   - points: How many points to evaluate, spread evenly.
  ///   - data: Held-out data; its held-out part is used.
  ///   - source: What the frontier was drawn from, which knows the ranges of activations.
  public func measured(
    _ frontier: Frontier, points: Int, data options: CalibrationOptions,
    part: CalibrationPart = .heldOut, of source: PlanningSource? = nil, workers: Int,
    progress: @escaping ProgressHandler
  ) throws -> Frontier {
    var frontier = frontier
    let names = graph.layers.map(\.layer.name)
    guard frontier.groups == names else {
      throw UserError(
        .failed, "the study is of another model: its layers are not those of '\(path)'")
    }
    let data = try data(options, part: part)
    let chosen = spread(frontier.points.count, points)
    var policies = try chosen.map { point in
      try zip(frontier.formats, frontier.points[point].choices).map { formats, choice in
        try LayerFormat.named(formats[choice]) as LayerFormat?
      }
    }
    let baselines = try frontier.baselines.map { baseline in
      try uniform(String(baseline.name.dropFirst("uniform ".count)))
    }
    policies += baselines.map(\.formats)
    let counter = ProgressCounter("measuring the frontier", handler: progress)
    let evaluations = try PolicyEvaluator(
      executor: executor, workers: workers, ranges: source?.ranges ?? .none
    ).evaluate(
      policies, on: data.samples.map(\.inputs), memory: 500_000_000,
      advanced: { counter.advance(by: $0) }
    )
    counter.finish()
    let measured = evaluations.map { samples in
      let losses = samples.map(\.loss)
      return (
        mean: SampleMean(losses).mean, interval: Interval.bootstrap(losses, seed: options.seed)
      )
    }
    for (k, point) in chosen.enumerated() {
      frontier.points[point].measured = measured[k].mean
      frontier.points[point].low = measured[k].interval.low
      frontier.points[point].high = measured[k].interval.high
    }
    for k in baselines.indices {
      let (mean, interval) = measured[chosen.count + k]
      frontier.baselines[k].measured = mean
      frontier.baselines[k].low = interval.low
      frontier.baselines[k].high = interval.high
    }
    return frontier.reranked()
  }
}

/// `wanted` of `count` indices, evenly spread, the ends among them.
func spread(_ count: Int, _ wanted: Int) -> [Int] {
  guard wanted < count else { return Array(0..<count) }
  guard wanted > 1 else { return [count / 2] }
  return (0..<wanted).map { $0 * (count - 1) / (wanted - 1) }
}
