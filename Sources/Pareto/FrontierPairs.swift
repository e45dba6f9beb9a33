public import Vocabulary

extension Frontier {
  /// The best of two curves of one model.
  ///
  /// Of two exact or two measured curves, every point that no point of either dominates; of two
  /// hulls, the lower convex hull of both, so that it stays one. Of equal points the first curve's
  /// is kept. Formats that only one of the two knows are added to those of the other; baselines are
  /// those of both, by name.
  ///
  /// The merged points of measured curves have their measured loss as their loss. Where only one of
  /// two predicted curves measured a policy that both have, the measurement is kept.
  ///
  /// - Throws: `UserError` when the curves are of different models, units, groups or kinds, or give
  ///   one policy two sizes or two losses: they are of different measurements then.
  public func merged(with other: Frontier) throws -> Frontier {
    try requireSameModel(other)
    guard kind == other.kind else {
      throw UserError(
        .failed,
        "one frontier is of kind '\(kind.rawValue)' and the other '\(other.kind.rawValue)': "
          + "predicted and measured losses, or hulls and exact curves, do not mix")
    }
    let (formats, theirs) = unified(other)
    if let culprit = disagreement(theirs) {
      throw UserError(
        .failed,
        "the frontiers are of different measurements: \(culprit)")
    }
    var union = points.map(compared)
    var places = Dictionary(union.indices.map { (union[$0].choices, $0) }) { first, _ in first }
    for point in theirs.map(compared) {
      guard let same = places[point.choices] else {
        places[point.choices] = union.count
        union.append(point)
        continue
      }
      if union[same].measured == nil {
        union[same].measured = point.measured
        (union[same].low, union[same].high) = (point.low, point.high)
      }
    }
    var kept = nondominated(union.map { (Double($0.bytes), $0.loss) }).map { union[$0] }
    if kind == .hull { kept = convex(kept) }
    var names = Set(baselines.map(\.name))
    let merged = Frontier(
      model: model, unit: unit, kind: kind, groups: groups, formats: formats,
      points: kept,
      baselines: baselines + other.baselines.filter { names.insert($0.name).inserted })
    return merged.reranked()
  }

  /// This curve against another of the same model, at every size at which both have a policy.
  ///
  /// At each size the curves are those of a buyer: the loss of the largest policy that fits. Both
  /// hypervolumes are within the larger of the two reference points.
  ///
  /// - Parameter measured: Whether to compare measured losses, of the points that have one; of two
  ///   curves of kind ``Kind/measured`` they are compared in any case.
  /// - Throws: `UserError` when the curves are of different models, units or groups, one of them is
  ///   measured and the other not, or there is no common size.
  public func difference(
    from other: Frontier, measured: Bool = false
  ) throws -> FrontierDifference {
    try requireSameModel(other)
    let byMeasurement = measured || (kind == .measured && other.kind == .measured)
    guard byMeasurement || (kind != .measured && other.kind != .measured) else {
      throw UserError(
        .failed,
        "one frontier is measured and the other predicted; compare measured losses (--measured)")
    }
    let first = stairs(measured: byMeasurement)
    let second = other.stairs(measured: byMeasurement)
    guard let a = first.first, let b = second.first else {
      throw UserError(
        .failed, "a frontier has no \(byMeasurement ? "measured " : "")point to compare")
    }
    let start = max(a.bytes, b.bytes)
    let sizes = Set((first + second).map(\.bytes) + [start]).filter { $0 >= start }.sorted()
    var (i, j) = (0, 0)
    let rows = sizes.map { size in
      while i + 1 < first.count, first[i + 1].bytes <= size { i += 1 }
      while j + 1 < second.count, second[j + 1].bytes <= size { j += 1 }
      return FrontierDifference.Row(
        bytes: size, first: first[i].loss, second: second[j].loss,
        overlaps: first[i].overlaps(second[j]))
    }
    let all = first + second
    let reference = (
      max(
        Double(all.map(\.bytes).max() ?? 0), self.reference.first ?? 0, other.reference.first ?? 0),
      all.map(\.loss).max() ?? 0
    )
    let worst =
      byMeasurement
      ? reference.1
      : max(reference.1, self.reference.last ?? 0, other.reference.last ?? 0)
    let volumes = [first, second].map { stairs in
      Pareto.hypervolume(
        stairs.map { (Double($0.bytes), $0.loss) }, reference: (reference.0, worst))
    }
    return FrontierDifference(
      model: model, unit: unit, measured: byMeasurement, rows: rows,
      reference: [reference.0, worst], firstHypervolume: volumes[0], secondHypervolume: volumes[1],
      disagreement: disagreement(unified(other).points))
  }

  private func requireSameModel(_ other: Frontier) throws {
    guard model == other.model else {
      throw UserError(
        .failed, "the frontiers are of different models, '\(model)' and '\(other.model)'")
    }
    guard axes == ["bytes", "loss"], other.axes == axes else {
      throw UserError(
        .failed,
        "only frontiers of bytes and loss compare, and one is of "
          + (axes == ["bytes", "loss"] ? other.axes : axes).joined(separator: ", "))
    }
    guard unit == other.unit else {
      throw UserError(
        .failed, "the frontiers' losses are in different units, '\(unit)' and '\(other.unit)'")
    }
    guard groups == other.groups else {
      let stranger =
        groups.first { !other.groups.contains($0) } ?? other.groups.first { !groups.contains($0) }
      throw UserError(
        .failed,
        "the frontiers are of different groups of layers"
          + (stranger.map { ": only one has '\($0)'" } ?? ", or of another order of them"))
    }
  }

  /// The formats of both curves for each group, and the other's points in their indices.
  private func unified(_ other: Frontier) -> (formats: [[String]], points: [Point]) {
    var formats = formats
    let places = groups.indices.map { g in
      other.formats[g].map { name -> Int in
        if let index = formats[g].firstIndex(of: name) { return index }
        formats[g].append(name)
        return formats[g].count - 1
      }
    }
    let points = other.points.map { point in
      var point = point
      point.choices = zip(places, point.choices).map { $0[$1] }
      return point
    }
    return (formats, points)
  }

  /// The point with the loss that its curve is about.
  private func compared(_ point: Point) -> Point {
    guard kind == .measured, let measured = point.measured else { return point }
    var point = point
    point.loss = measured
    return point
  }

  /// A policy of both with two sizes or two losses, in words.
  ///
  /// Baselines prove nothing: pins give one name to different policies.
  private func disagreement(_ others: [Point]) -> String? {
    let known = Dictionary(points.map { ($0.choices, compared($0)) }) { first, _ in first }
    for point in others.map(compared) {
      guard let own = known[point.choices] else { continue }
      guard own.bytes == point.bytes else {
        return "one policy takes \(own.bytes) bytes in one and \(point.bytes) in the other"
      }
      if !areAlike(own.loss, point.loss) {
        return "one policy of \(own.bytes) bytes loses \(own.loss) in one and \(point.loss) "
          + "in the other"
      }
    }
    return nil
  }

  /// Equal but for the order of a sum.
  private func areAlike(_ a: Double, _ b: Double) -> Bool {
    abs(a - b) <= 1e-9 * max(abs(a), abs(b))
  }

  /// The points that count at a size: no smaller one loses as little.
  private func stairs(measured: Bool) -> [Stair] {
    let all = points.compactMap { point -> Stair? in
      guard measured else { return Stair(bytes: point.bytes, loss: point.loss) }
      let loss = point.measured ?? (kind == .measured ? point.loss : nil)
      return loss.map { Stair(bytes: point.bytes, loss: $0, low: point.low, high: point.high) }
    }
    return nondominated(all.map { (Double($0.bytes), $0.loss) }).map { all[$0] }
  }
}

private struct Stair {
  var bytes: Int
  var loss: Double
  var low: Double?
  var high: Double?

  func overlaps(_ other: Stair) -> Bool? {
    guard let low, let high, let otherLow = other.low, let otherHigh = other.high else {
      return nil
    }
    return low <= otherHigh && otherLow <= high
  }
}

/// The points of a falling curve that are not above a chord of it; what is on a chord stays.
private func convex(_ points: [Frontier.Point]) -> [Frontier.Point] {
  var hull: [Frontier.Point] = []
  for p in points {
    while hull.count > 1 {
      let (a, b) = (hull[hull.count - 2], hull[hull.count - 1])
      let toB = (b.loss - a.loss) * Double(p.bytes - a.bytes)
      let toP = (p.loss - a.loss) * Double(b.bytes - a.bytes)
      // Steps of equal slope are on a chord but for rounding.
      guard toB - toP > 1e-9 * abs(toP) else { break }
      hull.removeLast()
    }
    hull.append(p)
  }
  return hull
}
