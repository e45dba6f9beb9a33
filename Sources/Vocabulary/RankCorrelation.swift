/// How well two lists of numbers agree on the order of things.
///
/// Both coefficients are 1 for the same order, −1 for the reverse, and near 0 for unrelated ones. Nil
/// where nothing can be said: fewer than two pairs, one list constant, or a value that is not a
/// number.
public enum RankCorrelation {
  /// Spearman's ρ: Pearson's correlation of the ranks, ties at the mean of their ranks.
  ///
  /// Source: Spearman, "The proof and measurement of association between two things", 1904.
  /// - Complexity: O(n log n).
  public static func spearman(_ x: [Double], _ y: [Double]) -> Double? {
    guard areComparable(x, y) else { return nil }
    let a = averageRanks(x)
    let b = averageRanks(y)
    let mean = Double(x.count + 1) / 2
    var (products, squaresA, squaresB) = (0.0, 0.0, 0.0)
    for (p, q) in zip(a, b) {
      products += (p - mean) * (q - mean)
      squaresA += (p - mean) * (p - mean)
      squaresB += (q - mean) * (q - mean)
    }
    guard squaresA > 0, squaresB > 0 else { return nil }
    return products / (squaresA * squaresB).squareRoot()
  }

  /// Kendall's τ-b: agreeing less disagreeing pairs, over the geometric mean of the pairs that each
  /// list tells apart.
  ///
  /// Source: Kendall, "The treatment of ties in ranking problems", 1945.
  /// - Complexity: O(n²).
  public static func kendall(_ x: [Double], _ y: [Double]) -> Double? {
    guard areComparable(x, y) else { return nil }
    var (balance, apartX, apartY) = (0, 0, 0)
    for i in x.indices {
      for j in 0..<i {
        let a = x[i] == x[j] ? 0 : x[i] < x[j] ? -1 : 1
        let b = y[i] == y[j] ? 0 : y[i] < y[j] ? -1 : 1
        balance += a * b
        apartX += a * a
        apartY += b * b
      }
    }
    guard apartX > 0, apartY > 0 else { return nil }
    return Double(balance) / (Double(apartX) * Double(apartY)).squareRoot()
  }

  /// Ranks from 1 for the smallest, ties at the mean of the ranks that they share.
  ///
  /// - Parameter values: Without NaN.
  public static func averageRanks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var ranks = [Double](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for k in start..<end { ranks[order[k]] = Double(start + 1 + end) / 2 }
      start = end
    }
    return ranks
  }

  private static func areComparable(_ x: [Double], _ y: [Double]) -> Bool {
    guard x.count == y.count else {
      fatalError("two lists of one length expected, got \(x.count) and \(y.count)")
    }
    return x.count > 1 && !x.contains(where: \.isNaN) && !y.contains(where: \.isNaN)
  }
}
