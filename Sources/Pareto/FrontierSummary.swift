public import Vocabulary

extension Frontier {
  /// A curve with its knee, reference point and hypervolume.
  ///
  /// The reference is the largest bytes and the largest loss among points and baselines, so that
  /// figures of different curves compare only when their references are equal.
  ///
  /// - Parameter points: Rising in bytes, falling in loss.
  public init(
    _ table: SensitivityTable, model: String, kind: Kind, points: [Point], baselines: [Baseline]
  ) {
    self.init(
      model: model, unit: table.unit, kind: kind, groups: table.groups.map(\.name),
      formats: table.groups.map { $0.candidates.map(\.name) }, points: points,
      baselines: baselines)
  }

  /// A surface between the loss and several costs, with its reference point and hypervolume.
  ///
  /// The reference is the largest value on every axis among the points. There is no knee.
  ///
  /// - Parameters:
  ///   - axes: Names of the loss and of costs that every point knows.
  ///   - points: None of which dominates another.
  /// - Throws: `UserError` when a point does not know an axis.
  public init(
    _ table: SensitivityTable, model: String, axes: [String], points: [Point],
    baselines: [Baseline]
  ) throws {
    let values = try points.map { point in
      try axes.map { axis in
        guard let value = point.value(on: axis) else {
          throw UserError(.failed, "a point of the frontier has no \(axis)")
        }
        return value
      }
    }
    let reference = axes.indices.map { axis in values.map { $0[axis] }.max() ?? 0 }
    let order = values.indices.sorted { values[$0].lexicographicallyPrecedes(values[$1]) }
    self.init(
      model: model, axes: axes, unit: table.unit, kind: .measured,
      groups: table.groups.map(\.name),
      formats: table.groups.map { $0.candidates.map(\.name) },
      points: order.map { points[$0] }, baselines: baselines, knee: nil, reference: reference,
      hypervolume: try Pareto.hypervolume(values, reference: reference))
  }

  /// A curve with its knee, reference point and hypervolume, of groups and formats by name.
  ///
  /// Of a measured curve the baselines count with their measured loss, where they have one.
  ///
  /// - Parameter points: Rising in bytes, falling in loss.
  public init(
    model: String, unit: String, kind: Kind, groups: [String], formats: [[String]],
    points: [Point], baselines: [Baseline]
  ) {
    let bytes = points.map(\.bytes) + baselines.map(\.bytes)
    let uniform = baselines.map { kind == .measured ? $0.measured ?? $0.loss : $0.loss }
    let losses = points.map(\.loss) + uniform
    let reference = [Double(bytes.max() ?? 0), losses.max() ?? 0]
    let curve = points.map { (Double($0.bytes), $0.loss) }
    self.init(
      model: model, unit: unit, kind: kind, groups: groups, formats: formats, points: points,
      baselines: baselines, knee: kneeIndex(curve), reference: reference,
      hypervolume: Pareto.hypervolume(curve, reference: (reference[0], reference[1])))
  }
}
