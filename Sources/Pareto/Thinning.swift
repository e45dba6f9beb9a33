public import Vocabulary

extension Frontier {
  /// The curve with at most `count` of its points, spread evenly over the logarithm of the loss.
  ///
  /// The ends and the knee stay; then the point nearest to the middle of the widest gap is added,
  /// again and again. Knee, reference and hypervolume are those of the whole curve.
  ///
  /// - Parameter count: At least 2.
  /// - Complexity: O(`count` · points).
  public func thinned(to count: Int) -> Frontier {
    guard count >= 2 else { fatalError("a curve of at least 2 points expected, got \(count)") }
    guard points.count > count else { return self }
    guard axes.count == 2 else { return scattered(to: count) }
    let y = logarithms(points.map(\.loss))
    var kept = [0, points.count - 1]
    if let knee, count > 2 { kept.append(knee) }
    kept = Array(Set(kept)).sorted()
    while kept.count < count {
      let gaps = zip(kept, kept.dropFirst()).filter { $1 - $0 > 1 }
      guard let gap = gaps.max(by: { (y[$0.0] - y[$0.1]) < (y[$1.0] - y[$1.1]) }) else { break }
      let middle = (y[gap.0] + y[gap.1]) / 2
      let nearest = (gap.0 + 1..<gap.1).min { abs(y[$0] - middle) < abs(y[$1] - middle) }
      kept.append(nearest ?? gap.0 + 1)
      kept.sort()
    }
    var thin = self
    thin.points = kept.map { points[$0] }
    thin.knee = knee.flatMap { kept.firstIndex(of: $0) }
    return thin
  }

  /// A surface with at most `count` of its points, every so many in their order, and the knee.
  private func scattered(to count: Int) -> Frontier {
    var kept = Set((0..<count).map { $0 * (points.count - 1) / (count - 1) })
    if let knee, kept.insert(knee).inserted {
      kept.remove(kept.filter { $0 != 0 && $0 != points.count - 1 && $0 != knee }.min() ?? -1)
    }
    let order = kept.sorted()
    var thin = self
    thin.points = order.map { points[$0] }
    thin.knee = knee.flatMap { order.firstIndex(of: $0) }
    return thin
  }
}
