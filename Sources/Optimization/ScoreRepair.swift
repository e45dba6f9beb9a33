public import Vocabulary

/// Makes measured losses what they must be if they were free of noise: more bytes never hurt, and
/// nothing helps.
///
/// Within a group the losses are replaced by the nearest ones (least squares, weighted by
/// `1 / standardError²`) that do not rise with the bytes, found by pooling adjacent violators; what
/// is below zero then becomes zero. Candidates of equal bytes are not compared with each other: they
/// are different formats, and either may be better.
///
/// Source: Barlow, Bartholomew, Bremner and Brunk, "Statistical inference under order restrictions",
/// 1972; Kruskal, "Nonmetric multidimensional scaling", Psychometrika 29, 1964 (the primary approach
/// to ties).
public enum ScoreRepair {
  /// Which candidates of a group are compared.
  public enum Scope: Sendable {
    /// All of them.
    case group
    /// Those whose names differ in the width only, such as `int3-g64` and `int4-g64`: a larger
    /// format of another kind may truly be worse.
    case family
  }

  /// The table with every group repaired.
  public static func repaired(
    _ table: SensitivityTable, across scope: Scope = .group
  ) -> SensitivityTable {
    var table = table
    for g in table.groups.indices {
      table.groups[g].candidates = repaired(table.groups[g].candidates, across: scope)
    }
    return table
  }

  /// The candidates of one group, repaired, in their order.
  ///
  /// The loss as measured is kept as `rawLoss` where it changed, and is what a second repair starts
  /// from. Weights are used when every compared candidate has a positive standard error, otherwise
  /// all count the same. A group with a loss that is not finite is left alone.
  ///
  /// - Complexity: O(candidates · log candidates).
  public static func repaired(
    _ candidates: [Candidate], across scope: Scope = .group
  ) -> [Candidate] {
    let raw = candidates.map { $0.rawLoss ?? $0.loss }
    guard raw.allSatisfy(\.isFinite) else { return candidates }
    var result = candidates
    for family in families(candidates, scope) {
      // Equal bytes: the larger loss first, which is the order that costs nothing.
      let order = family.sorted {
        (candidates[$0].bytes, raw[$1], $0) < (candidates[$1].bytes, raw[$0], $1)
      }
      let errors = order.compactMap { candidates[$0].standardError }.filter { $0 > 0 }
      let known = errors.count == order.count
      let weights = order.map { i -> Double in
        let error = known ? candidates[i].standardError ?? 1 : 1
        return 1 / max(error * error, .leastNormalMagnitude)
      }
      let fitted = falling(order.map { raw[$0] }, weights: weights)
      for (i, loss) in zip(order, fitted) {
        let loss = max(0, loss)
        result[i].loss = loss
        result[i].rawLoss = loss == raw[i] ? nil : raw[i]
      }
    }
    return result
  }

  /// The non-increasing sequence nearest to `values` in weighted least squares.
  ///
  /// - Complexity: O(`values.count`).
  public static func falling(_ values: [Double], weights: [Double]) -> [Double] {
    guard values.count == weights.count else {
      fatalError("\(values.count) values with weights expected, got \(weights.count) weights")
    }
    var blocks: [(mean: Double, weight: Double, count: Int)] = []
    for (value, weight) in zip(values, weights) {
      var block = (mean: value, weight: weight, count: 1)
      while let last = blocks.last, last.mean < block.mean {
        blocks.removeLast()
        // Of the form a + (b − a)·t, which stays between a and b.
        let share = block.weight / (last.weight + block.weight)
        block = (
          last.mean + (block.mean - last.mean) * share, last.weight + block.weight,
          last.count + block.count
        )
      }
      blocks.append(block)
    }
    return blocks.flatMap { Array(repeating: $0.mean, count: $0.count) }
  }

  private static func families(_ candidates: [Candidate], _ scope: Scope) -> [[Int]] {
    guard scope == .family else { return [Array(candidates.indices)] }
    var names: [Substring: Int] = [:]
    var families: [[Int]] = []
    for (i, candidate) in candidates.enumerated() {
      let name = candidate.name[...]
      let start = name.firstIndex(where: \.isNumber) ?? name.endIndex
      let rest = name[start...].drop(while: \.isNumber)
      let key = name[..<start] + "#" + rest
      if let family = names[Substring(key)] {
        families[family].append(i)
      } else {
        names[Substring(key)] = families.count
        families.append([i])
      }
    }
    return families
  }
}
