public import Vocabulary

extension Frontier {
  /// What changes from each point to the next, and the price of the next megabyte.
  public func steps() -> [FrontierStep] {
    zip(points, points.dropFirst()).enumerated().map { index, pair in
      let (small, large) = pair
      let changes = groups.indices.compactMap { g -> FrontierStep.Change? in
        guard small.choices[g] != large.choices[g] else { return nil }
        return FrontierStep.Change(
          group: groups[g], from: formats[g][small.choices[g]], to: formats[g][large.choices[g]])
      }
      return FrontierStep(
        point: index, bytes: small.bytes, bpw: small.bpw, extraBytes: large.bytes - small.bytes,
        saved: small.loss - large.loss, changes: changes)
    }
  }
}
