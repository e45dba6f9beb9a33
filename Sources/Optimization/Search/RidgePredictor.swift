import Vocabulary

/// Ridge regression: `min ‖X w − y‖² + α ‖w‖²`, solved through the normal equations.
///
/// - Complexity: O(rows · columns² + columns³).
package struct RidgePredictor: Sendable {
  /// One weight per column.
  package let weights: [Double]

  /// Fits rows of equal length to their targets.
  ///
  /// - Parameter alpha: Positive, so that the equations always have one solution.
  package init(_ rows: [[Double]], targets: [Double], alpha: Double) {
    let n = rows.first?.count ?? 0
    var matrix = [Double](repeating: 0, count: n * n)
    var right = [Double](repeating: 0, count: n)
    for (row, target) in zip(rows, targets) {
      for i in 0..<n where row[i] != 0 {
        right[i] += row[i] * target
        for j in 0...i { matrix[i * n + j] += row[i] * row[j] }
      }
    }
    for i in 0..<n { matrix[i * n + i] += alpha }
    weights = CholeskyFactor(matrix, count: n).solved(right)
  }

  /// The predicted target of a row.
  package func predict(_ row: [Double]) -> Double {
    zip(weights, row).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
