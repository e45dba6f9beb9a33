internal import Quantization

/// In what numbers a layer's products are computed.
public struct Precision: Hashable, Sendable {
  /// A kind of arithmetic that a device may have, by the name that device profiles use.
  public enum Arithmetic: String, Codable, Hashable, Sendable, CaseIterable {
    /// Singles.
    case fp32
    /// bfloat16 factors, sums in singles.
    case bf16
    /// Half-precision factors.
    case fp16
    /// 8-bit floats.
    case fp8
    /// 8-bit integers, sums in 32 bits.
    case int8
    /// 4-bit integers.
    case int4
  }

  /// The weight's format.
  public var weight: String
  /// The format of what goes in; nil where it stays as it is.
  public var activation: String?
  /// Bits of a weight's code.
  public var weightBits: Int
  /// Bits of a number that goes in: 32 where it stays as it is, 16 beside 16-bit floats.
  public var activationBits: Int
  /// Whether activations have one range for all of them that is known before the run, in whole 8-bit codes.
  public var hasStaticCodes: Bool
  /// The arithmetic that the codes are made for, the best first; none where weights are only stored in
  /// the format and have to be unpacked.
  public var arithmetic: [Arithmetic]

  /// The arithmetic of a pair of formats.
  ///
  /// Integers with integers multiply as integers when both fit 8 bits, the weights have one scale a row
  /// or tensor (a scale within a row ends the sum) and the activations one scale for all. 16-bit floats
  /// without an activation format multiply with activations in the same type, which is what kernels do.
  ///
  /// - Throws: `UserError` when the weight's format is unknown.
  public init(weight: String, activation: String? = nil) throws {
    let format = try Formats.named(weight)
    let rounding = try activation.map { try ActivationFormat.named($0) }
    self.weight = weight
    self.activation = activation
    weightBits = format.nominalBits
    var input = rounding?.nominalBits ?? 32
    var arithmetic: [Arithmetic] = []
    switch (format, rounding?.element) {
    case (let float as FloatFormat, nil):
      arithmetic = [Arithmetic(rawValue: float.name)].compactMap(\.self)
      if float.nominalBits == 16 { input = 16 }
    case (let integers as IntegerFormat, .integer(let bits, _)):
      if case .group = integers.granularity { break }
      guard rounding?.granularity == .tensor || rounding?.granularity == .token else { break }
      if max(integers.bits, bits) <= 4 { arithmetic.append(.int4) }
      if max(integers.bits, bits) <= 8, integers.symmetry == .symmetric { arithmetic.append(.int8) }
    case (is Float8Format, .float8): arithmetic = [.fp8]
    default: break
    }
    activationBits = input
    var isWhole = false
    if case .integer(bits: 8, _) = rounding?.element { isWhole = true }
    hasStaticCodes = isWhole && rounding?.granularity == .tensor && rounding?.isDynamic == false
    self.arithmetic = arithmetic
  }

  /// As candidates are named.
  public var name: String { activation.map { "\(weight)/\($0)" } ?? weight }
}
