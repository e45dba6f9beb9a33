public import Vocabulary

extension Frontier {
  /// The curve with its measured points told apart: which of them another measured policy dominates,
  /// and how far the order of the predictions is that of the measurements.
  ///
  /// Uniform policies that were measured dominate too. Equal policies do not dominate each other.
  ///
  /// - Complexity: O(measured · (measured + baselines)).
  public func reranked() -> Frontier {
    var ranked = self
    let own = points.indices.compactMap { i in points[i].measured.map { (point: i, loss: $0) } }
    let costs = axes.filter { $0 != "loss" }
    let uniform = baselines.compactMap { baseline in
      baseline.measured.map { (baseline: baseline, loss: baseline.loss, measured: $0) }
    }
    // A cost that a policy does not tell lets it dominate nobody.
    let measured =
      own.map { entry in
        costs.map { points[entry.point].value(on: $0) ?? .infinity } + [entry.loss]
      }
      + uniform.map { entry in
        costs.map { entry.baseline.value(on: $0) ?? .infinity } + [entry.measured]
      }
    for i in ranked.points.indices { ranked.points[i].dominated = nil }
    for (k, entry) in own.enumerated() {
      ranked.points[entry.point].dominated = measured.contains { dominates($0, measured[k]) }
    }
    guard !own.isEmpty else {
      ranked.agreement = nil
      return ranked
    }
    let predicted = own.map { points[$0.point].loss }
    ranked.agreement = Agreement(
      count: own.count, spearman: RankCorrelation.spearman(predicted, own.map(\.loss)),
      kendall: RankCorrelation.kendall(predicted, own.map(\.loss)),
      spearmanWithBaselines: uniform.isEmpty
        ? nil
        : RankCorrelation.spearman(
          predicted + uniform.map(\.loss), own.map(\.loss) + uniform.map(\.measured)),
      dominated: ranked.points.count { $0.dominated == true })
    return ranked
  }
}
