public import Quantization
internal import Vocabulary

/// Bytes in memory while a network runs.
///
///     weights in their formats + tensors left alone + keys and values + workspace
///
/// Keys and values take `context · batch` rows of the cache's numbers in ``cacheFormat``. The workspace
/// is what was alive at one time in the recorded run, once for every sequence of the batch; a longer
/// prompt is taken in pieces as long as the recorded one. Weights count as they are stored, which holds
/// where kernels read the stored codes.
public struct ResidentMemory: Sendable {
  /// Positions of every sequence.
  public var context: Int
  /// Sequences at a time.
  public var batch: Int
  /// The format of keys and values.
  public var cacheFormat: any NumberFormat

  /// A length, a number of sequences and the cache's format.
  public init(context: Int, batch: Int = 1, cacheFormat: any NumberFormat = FloatFormat.fp16) {
    self.context = context
    self.batch = batch
    self.cacheFormat = cacheFormat
  }

  /// Bytes of keys and values.
  ///
  /// - Throws: `UserError` when the network has no cache, or the format refuses its rows.
  public func cacheBytes(_ geometry: ModelGeometry) throws -> Int {
    guard let cache = geometry.cache, context > 0 else { return 0 }
    let (rows, overflow) = context.multipliedReportingOverflow(by: batch)
    let shape = WeightShape(rows: rows, columns: cache.elementsPerToken)
    guard !overflow, !shape.rows.multipliedReportingOverflow(by: shape.columns * 4).overflow else {
      throw UserError(.usage, "a context of \(context) times \(batch) sequences is too much")
    }
    if let refusal = cacheFormat.refusal(of: shape) {
      throw UserError(.usage, "the cache cannot be \(cacheFormat.name): \(refusal)")
    }
    return cacheFormat.bytes(of: shape)
  }

  /// Bytes beside the quantizable weights.
  ///
  /// - Parameter fixedBytes: Bytes of the tensors that are left alone.
  /// - Throws: As ``cacheBytes(_:)``.
  public func fixedBytes(_ geometry: ModelGeometry, fixedBytes: Int) throws -> Int {
    try fixedBytes + cacheBytes(geometry)
      + geometry.workspace / max(1, geometry.samples) * batch
  }
}
