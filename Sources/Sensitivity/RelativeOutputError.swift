internal import Models
internal import Tensors
internal import Vocabulary

/// `Σ w_t ‖Δy_t‖² / Σ w_t ‖y_t‖²` of one use of a layer, over its rows.
struct RelativeOutputError {
  private let use: RecordedUse
  private let norms: [Double]
  /// One weight a row, `[rows, 1]`; nil where all weigh the same.
  private let rowWeights: Tensor?

  /// Measures the output as it is.
  ///
  /// - Parameter weights: One list for each sample of the part; one that has not the length of the
  ///   sample's rows (a head that sees a pooled vector, a convolution) weighs nothing.
  init(_ part: RecordedPart, weights: [[Float]]? = nil) throws {
    use = part.use
    rowWeights = weights.flatMap { weights in
      guard part.use.operation.kind != .convolution else { return nil }
      let rows = zip(weights, part.use.rows).flatMap { weights, rows in
        weights.count == rows ? weights : [Float](repeating: 1, count: rows)
      }
      return Tensor(rows, shape: [rows.count, 1])
    }
    norms = try Self.sums(use.change(by: part.weight), use, rowWeights)
  }

  /// The relative error of each sample when the weight changes.
  func callAsFunction(_ delta: Tensor) throws -> [Double] {
    try zip(Self.sums(use.change(by: delta), use, rowWeights), norms)
      .map { $0 / max($1, 1e-30) }
  }

  private static func sums(_ output: Tensor, _ use: RecordedUse, _ weights: Tensor?) throws
    -> [Double]
  {
    let squares = try output * output
    return try use.perSample(weights.map { try squares * $0 } ?? squares)
  }
}
