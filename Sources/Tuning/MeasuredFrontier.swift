public import Calibration
internal import Models
internal import Pareto
internal import Quantization
internal import Sensitivity
public import Vocabulary

extension OpenedModel {
  /// A frontier with some of its points and all baselines evaluated on held-out data.
  ///
  /// - Parameters:
  ///   - points: How many points to evaluate, spread evenly.
  ///   - data: Held-out data; its held-out part is used.
  public func measured(
    _ frontier: Frontier, points: Int, data options: CalibrationOptions,
    part: CalibrationPart = .heldOut, workers: Int, progress: @escaping ProgressHandler
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
        try Formats.named(formats[choice]) as (any NumberFormat)?
      }
    }
    let baselines = try frontier.baselines.map { baseline in
      try uniform(String(baseline.name.dropFirst("uniform ".count)))
    }
    policies += baselines.map(\.formats)
    let counter = ProgressCounter("measuring the frontier", handler: progress)
    let losses = try PolicyEvaluator(executor: executor, workers: workers).evaluate(
      policies, on: data.samples.map(\.inputs), memory: 500_000_000,
      advanced: { counter.advance(by: $0) }
    ).map { SampleMean($0.map(\.loss)).mean }
    counter.finish()
    for (k, point) in chosen.enumerated() { frontier.points[point].measured = losses[k] }
    for k in baselines.indices { frontier.baselines[k].measured = losses[chosen.count + k] }
    return frontier
  }

  /// `wanted` of `count` indices, the ends among them.
  private func spread(_ count: Int, _ wanted: Int) -> [Int] {
    guard wanted < count else { return Array(0..<count) }
    guard wanted > 1 else { return [count / 2] }
    return (0..<wanted).map { $0 * (count - 1) / (wanted - 1) }
  }
}
