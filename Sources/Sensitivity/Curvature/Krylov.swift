package import Tensors
internal import Vocabulary

/// The largest eigenvalue of a symmetric operator that is known by its products alone.
package struct PowerIteration: Sendable {
  /// Products at most.
  package var most: Int
  /// Enough when the Rayleigh quotient changes by no more than this part of itself.
  package var tolerance: Double

  /// Settings of an iteration.
  package init(most: Int, tolerance: Double) {
    self.most = most
    self.tolerance = tolerance
  }

  /// The eigenvalue of the largest magnitude, with its sign.
  ///
  /// The Rayleigh quotient `v · Hv` of the last iterate: its error is of second order in the vector's. Its
  /// sign matters: a large negative one is no sensitivity.
  /// - Parameters:
  ///   - start: Any vector that is not orthogonal to the eigenvector; random signs will do.
  ///   - product: `H v`, of the shape of `v`.
  /// - Returns: Zero for an operator that takes the start to zero.
  package func eigenvalue(from start: Tensor, _ product: (Tensor) throws -> Tensor) throws -> Double
  {
    var vector = try start * (1 / start.squaredNorm().squareRoot())
    var value = 0.0
    for step in 0..<most {
      let next = try product(vector)
      let quotient = try call("aten::dot", vector.reshaped([-1]), next.reshaped([-1])).item()
      let norm = try next.squaredNorm().squareRoot()
      let settled = step > 1 && abs(quotient - value) <= tolerance * abs(quotient)
      value = quotient
      guard norm > 0, !settled else { break }
      vector = try next * (1 / norm)
    }
    return value
  }
}

/// Stochastic Lanczos quadrature: where the eigenvalues of a symmetric operator lie.
package enum Lanczos {
  /// Eigenvalues and weights of the tridiagonal matrix that a start leads to; weights add up to one.
  ///
  /// Every new vector is made orthogonal to all earlier ones, twice, since without that copies of the
  /// largest eigenvalues appear.
  /// - Returns: At most `steps` pairs, eigenvalues rising; fewer where the start spans fewer directions.
  package static func quadrature(
    from start: Tensor, steps: Int, _ product: (Tensor) throws -> Tensor
  ) throws -> (nodes: [Double], weights: [Double]) {
    var basis = [try start * (1 / start.squaredNorm().squareRoot())]
    var diagonal: [Double] = []
    var offDiagonal: [Double] = []
    var scale = 0.0
    for step in 0..<steps {
      var next = try product(basis[step])
      diagonal.append(try call("aten::dot", next, basis[step]).item())
      for _ in 0..<2 {
        for vector in basis {
          next = try next - vector * call("aten::dot", next, vector).item()
        }
      }
      let norm = try next.squaredNorm().squareRoot()
      scale = max(scale, abs(diagonal[step]), norm)
      guard step + 1 < steps, norm > 1e-5 * scale else { break }
      offDiagonal.append(norm)
      basis.append(try next * (1 / norm))
    }
    return try eigenpairs(diagonal, offDiagonal)
  }

  private static func eigenpairs(_ diagonal: [Double], _ offDiagonal: [Double]) throws -> (
    nodes: [Double], weights: [Double]
  ) {
    let n = diagonal.count
    var matrix = [Double](repeating: 0, count: n * n)
    for k in 0..<n { matrix[k * n + k] = diagonal[k] }
    for k in 0..<max(0, n - 1) {
      matrix[k * n + k + 1] = offDiagonal[k]
      matrix[(k + 1) * n + k] = offDiagonal[k]
    }
    let pair = try Operator.named("aten::linalg_eigh")(
      [.tensor(Tensor(matrix, shape: [n, n])), .string("L")])
    guard pair.count == 2 else { throw UserError(.failed, "no eigenvalues were found") }
    let first = try pair[1].sliced(0, 0, 1).doubles()
    return (try pair[0].doubles(), first.map { $0 * $0 })
  }
}
