import Vocabulary

/// The least that a candidate's cross terms with other groups can add.
struct PairBounds {
  /// `[group][candidate]`: half of the smallest cross term with every other group, summed.
  private(set) var half: [[Double]]
  /// `[group][candidate]`: the smallest cross term with every later group, summed.
  private(set) var later: [[Double]]

  /// - Complexity: O(candidates²).
  init(_ model: any InteractionModel) {
    let counts = model.candidateCounts
    half = counts.map { [Double](repeating: 0, count: $0) }
    later = half
    for g in counts.indices {
      for h in counts.indices.dropFirst(g + 1) {
        var ofH = [Double](repeating: .infinity, count: counts[h])
        for a in 0..<counts[g] {
          var least = Double.infinity
          for b in 0..<counts[h] {
            let value = model.cross(g, a, h, b)
            least = min(least, value)
            ofH[b] = min(ofH[b], value)
          }
          half[g][a] += least / 2
          later[g][a] += least
        }
        for b in 0..<counts[h] { half[h][b] += ofH[b] / 2 }
      }
    }
  }
}
