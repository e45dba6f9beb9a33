public import Vocabulary

/// Weights as 8-bit floats, with a 32-bit scale per output channel or tensor, or without any.
///
/// `value = s · nearest(w / s)` with `s = max|w| / largest` in single precision; ties to even. Without a
/// scale, `s = 1`. Rounded as the `ml_dtypes` package does.
public struct Float8Format: NumberFormat, Hashable {
  /// How the 8 bits are shared between exponent and precision.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// 4 and 3 bits, no infinities, at most 448.
    case e4m3
    /// 5 and 2 bits, at most 57344.
    case e5m2

    var minifloat: Minifloat { self == .e4m3 ? .e4m3 : .e5m2 }
  }

  /// Which weights share a scale.
  public enum Granularity: String, Hashable, Sendable, CaseIterable {
    /// There are no scales.
    case unscaled = ""
    /// A row: an output channel.
    case channel = "-channel"
    /// All.
    case tensor = "-tensor"
  }

  /// Every kind with every granularity.
  public static let all = Kind.allCases.flatMap { kind in
    Granularity.allCases.map { Float8Format(kind, $0) }
  }

  /// How the bits are shared.
  public let kind: Kind
  /// Which weights share a scale.
  public let granularity: Granularity

  /// A format of a kind and a granularity.
  public init(_ kind: Kind, _ granularity: Granularity) {
    self.kind = kind
    self.granularity = granularity
  }

  /// `fp8-e4m3`, `fp8-e4m3-channel`, `fp8-e4m3-tensor`.
  public var name: String { "fp8-\(kind.rawValue)\(granularity.rawValue)" }

  /// One line for people.
  public var summary: String {
    let scale =
      switch granularity {
      case .unscaled: "no scale"
      case .channel: "a scale per output channel"
      case .tensor: "a scale per tensor"
      }
    return "8-bit floats (\(kind.rawValue.uppercased())), \(scale)"
  }

  /// 8.
  public var nominalBits: Int { 8 }

  /// Every shape with weights is accepted.
  public func refusal(of shape: WeightShape) -> String? { refusalOfEmptiness(shape) }

  /// A byte a weight and 4 bytes a scale.
  public func bytes(of shape: WeightShape) -> Int {
    switch granularity {
    case .unscaled: shape.count
    case .channel: shape.count + 4 * shape.rows
    case .tensor: shape.count + 4
    }
  }

  /// The weights as 8-bit floats times their scale.
  public func roundTrip(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableBufferPointer<Float>
  ) throws {
    require(weights, shape, result)
    guard let source = weights.baseAddress, let target = result.baseAddress else { return }
    let length = granularity == .tensor ? shape.count : shape.columns
    let minifloat = kind.minifloat
    for start in stride(from: 0, to: shape.count, by: length) {
      guard let range = WeightRange(of: source + start, count: length) else { throw notFinite }
      let reach = max(-range.low, range.high)
      var scale: Float = 1
      if granularity == .unscaled {
        guard minifloat.nearest(SIMD8(repeating: reach))[0] <= minifloat.largest else {
          throw UserError(.failed, "\(name) cannot store a weight of magnitude \(reach)")
        }
      } else {
        scale = reach / minifloat.largest
      }
      guard scale >= .leastNormalMagnitude else {  // all zero, or as good as
        (target + start).update(repeating: 0, count: length)
        continue
      }
      let whole = start + (length & ~7)
      for k in stride(from: start, to: whole, by: 8) {
        store(minifloat.nearest(lanes(source + k) / scale) * scale, target + k)
      }
      for k in whole..<start + length {
        target[k] = minifloat.nearest(SIMD8(repeating: source[k] / scale))[0] * scale
      }
    }
  }
}
