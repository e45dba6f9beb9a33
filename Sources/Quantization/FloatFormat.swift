public import Vocabulary

/// Floating-point weights without scales: rounded to nearest, ties to even.
public enum FloatFormat: String, NumberFormat, CaseIterable {
  /// The upper half of a single: 8 bits of exponent, 8 of precision.
  case bf16
  /// IEEE half: 5 bits of exponent, 11 of precision, at most 65504.
  case fp16
  /// IEEE single: the weights as they are.
  case fp32

  /// `bf16`, `fp16` or `fp32`.
  public var name: String { rawValue }

  /// One line for people.
  public var summary: String {
    switch self {
    case .bf16: "the upper half of a 32-bit float"
    case .fp16: "16-bit IEEE floats"
    case .fp32: "32-bit IEEE floats: the weights as they are"
    }
  }

  /// 16 or 32.
  public var nominalBits: Int { self == .fp32 ? 32 : 16 }

  /// Every shape with weights is accepted.
  public func refusal(of shape: WeightShape) -> String? { refusalOfEmptiness(shape) }

  /// 2 or 4 bytes a weight.
  public func bytes(of shape: WeightShape) -> Int { shape.count * nominalBits / 8 }

  /// The weights rounded to the format's precision.
  public func roundTrip(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableBufferPointer<Float>
  ) throws {
    require(weights, shape, result)
    guard let source = weights.baseAddress, let target = result.baseAddress else { return }
    let finite =
      switch self {
      case .bf16: map(source, shape.count, into: target, nearestBFloat16)
      case .fp16: map(source, shape.count, into: target, nearestHalf)
      case .fp32: map(source, shape.count, into: target) { $0 }
      }
    if finite { return }
    if self == .fp32 || !weights.allSatisfy(\.isFinite) { throw notFinite }
    let largest = weights.lazy.map(abs).max() ?? 0
    throw UserError(.failed, "\(name) cannot store a weight of magnitude \(largest)")
  }
}

/// Writes `rounded` of each weight; whether all of them are finite.
@inline(__always)
private func map(
  _ source: UnsafePointer<Float>, _ count: Int, into target: UnsafeMutablePointer<Float>,
  _ rounded: (Float) -> Float
) -> Bool {
  var largest: UInt32 = 0
  for k in 0..<count {
    let value = rounded(source[k])
    largest = max(largest, value.bitPattern & 0x7FFF_FFFF)
    target[k] = value
  }
  return largest < Float.infinity.bitPattern
}
