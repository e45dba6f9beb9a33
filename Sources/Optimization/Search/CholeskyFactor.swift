import Vocabulary

/// The lower triangle L of a symmetric positive definite matrix, `A = L Lᵀ`, for solving with it.
///
/// - Complexity: O(n³ / 3) to make, O(n²) to solve.
package struct CholeskyFactor {
  private let count: Int
  /// Row-major, the upper part unused.
  private let lower: [Double]

  /// The factor of a matrix of `count` rows, row-major; its upper part is not looked at.
  ///
  /// A pivot that rounding made negative becomes tiny, so that what cannot be told apart is not moved.
  package init(_ matrix: [Double], count: Int) {
    var lower = matrix
    lower.withUnsafeMutableBufferPointer { l in
      for i in 0..<count {
        for j in 0...i {
          var sum = l[i * count + j]
          for k in 0..<j { sum -= l[i * count + k] * l[j * count + k] }
          l[i * count + j] = i == j ? max(sum, 1e-300).squareRoot() : sum / l[j * count + j]
        }
      }
    }
    self.count = count
    self.lower = lower
  }

  /// x of `A x = right`.
  package func solved(_ right: [Double]) -> [Double] {
    var x = right
    for i in 0..<count {
      for k in 0..<i { x[i] -= lower[i * count + k] * x[k] }
      x[i] /= lower[i * count + i]
    }
    for i in (0..<count).reversed() {
      x[i] /= lower[i * count + i]
      for k in 0..<i { x[k] -= lower[i * count + k] * x[i] }
    }
    return x
  }

  /// The diagonal of A⁻¹.
  ///
  /// - Complexity: O(n³ / 6).
  package func inverseDiagonal() -> [Double] {
    var diagonal = [Double](repeating: 0, count: count)
    var column = diagonal
    for j in 0..<count {
      // Column j of L⁻¹.
      column[j] = 1 / lower[j * count + j]
      var squares = column[j] * column[j]
      for i in j + 1..<max(count, j + 1) {
        var sum = 0.0
        for k in j..<i { sum -= lower[i * count + k] * column[k] }
        column[i] = sum / lower[i * count + i]
        squares += column[i] * column[i]
      }
      diagonal[j] = squares
    }
    return diagonal
  }
}
