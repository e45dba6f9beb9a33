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
    var matrix = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
    var right = [Double](repeating: 0, count: n)
    for (row, target) in zip(rows, targets) {
      for i in 0..<n where row[i] != 0 {
        right[i] += row[i] * target
        for j in 0...i { matrix[i][j] += row[i] * row[j] }
      }
    }
    for i in 0..<n { matrix[i][i] += alpha }
    weights = Self.solved(&matrix, right)
  }

  /// The predicted target of a row.
  package func predict(_ row: [Double]) -> Double {
    zip(weights, row).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// Cholesky's method on the lower triangle of a positive definite matrix.
  private static func solved(_ matrix: inout [[Double]], _ right: [Double]) -> [Double] {
    let n = right.count
    for i in 0..<n {
      for j in 0...i {
        var sum = matrix[i][j]
        for k in 0..<j { sum -= matrix[i][k] * matrix[j][k] }
        matrix[i][j] = i == j ? max(sum, 1e-300).squareRoot() : sum / matrix[j][j]
      }
    }
    var x = right
    for i in 0..<n {
      for k in 0..<i { x[i] -= matrix[i][k] * x[k] }
      x[i] /= matrix[i][i]
    }
    for i in (0..<n).reversed() {
      for k in i + 1..<max(n, i + 1) { x[i] -= matrix[k][i] * x[k] }
      x[i] /= matrix[i][i]
    }
    return x
  }
}
