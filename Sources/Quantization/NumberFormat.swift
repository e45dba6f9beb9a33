public import Vocabulary

/// A number format for weights: codes of some width, with whatever scales they need.
///
/// A new format is one conforming type and one line in ``Formats/all``.
public protocol NumberFormat: Sendable {
  /// The name in files and on the command line, e.g. `int4-g64`; never changed once released.
  var name: String { get }

  /// One line for people, e.g. "4-bit integers, a scale and an offset per 64 weights".
  var summary: String { get }

  /// Bits of one code, without scales and offsets.
  var nominalBits: Int { get }

  /// The format that stands in where this one refuses a shape; nil where there is none.
  var fallback: (any NumberFormat)? { get }

  /// Why a weight of this shape cannot be stored: one clause about the weight; nil when it can.
  func refusal(of shape: WeightShape) -> String?

  /// Bytes that a weight of this shape takes: codes, scales and offsets, with their padding.
  ///
  /// Meaningful for shapes that are not refused.
  func bytes(of shape: WeightShape) -> Int

  /// Quantizes and dequantizes: what the weights become when they are stored in this format.
  ///
  /// The scales are those of the weights given. With the formats of this project (integers and floats) a
  /// second round trip changes nothing as long as the smallest and the largest weight of every group
  /// took the end codes. (They do, unless a group's range is narrow beside its offset or its scale is
  /// below the normal 16-bit floats, 6.1e-5.) A consumer's format rounds as its consumer does, which
  /// may move the weights a little at every trip.
  ///
  /// - Parameters:
  ///   - weights: Row-major, `shape.count` of them.
  ///   - shape: One that is not refused.
  ///   - result: Room for as many; may be the memory of `weights`. Undefined after an error.
  /// - Throws: `UserError` when a weight is NaN or infinite, or too large for the format.
  /// - Complexity: O(`shape.count`), no allocation.
  func roundTrip(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableBufferPointer<Float>) throws
}

extension NumberFormat {
  /// None.
  public var fallback: (any NumberFormat)? { nil }

  /// Bits per weight, scales and offsets included: 8 · bytes / weights.
  public func bitsPerWeight(of shape: WeightShape) -> Double {
    8 * Double(bytes(of: shape)) / Double(shape.count)
  }

  /// What the weights become when they are stored in this format, in a new array.
  ///
  /// - Throws: As ``roundTrip(_:shape:into:)``.
  public func roundTrip(_ weights: [Float], shape: WeightShape) throws -> [Float] {
    try [Float](unsafeUninitializedCapacity: weights.count) { result, count in
      try weights.withUnsafeBufferPointer { weights in
        result.initialize(repeating: 0)
        try roundTrip(weights, shape: shape, into: .init(rebasing: result[..<weights.count]))
      }
      count = weights.count
    }
  }

  /// Holds a caller to what ``roundTrip(_:shape:into:)`` asks for.
  func require(
    _ weights: UnsafeBufferPointer<Float>, _ shape: WeightShape,
    _ result: UnsafeMutableBufferPointer<Float>
  ) {
    guard weights.count == shape.count, result.count == shape.count else {
      fatalError(
        "\(name): a weight of \(shape.rows) x \(shape.columns) was given \(weights.count) numbers and "
          + "room for \(result.count)")
    }
    if let refusal = refusal(of: shape) { fatalError("\(name) refused this weight: \(refusal)") }
  }

  /// The error for weights that are not numbers.
  var notFinite: UserError {
    UserError(.failed, "\(name) cannot store these weights: they hold a NaN or an infinity")
  }
}

/// Why every format refuses a weight without elements.
func refusalOfEmptiness(_ shape: WeightShape) -> String? {
  shape.rows > 0 && shape.columns > 0 ? nil : "it has no weights"
}
