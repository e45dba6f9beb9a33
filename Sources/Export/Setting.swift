public import Quantization
internal import Vocabulary

/// What a layer's formats ask of whoever has to store them: the words that consumers' files are made of.
///
/// Two formats of one setting differ in name only; a consumer that can write the setting can take the
/// format. How ranges of inputs are calibrated is no part of a setting, as how codes are found is none.
public struct Setting: Hashable, Sendable {
  /// How codes become weights.
  public enum Family: String, Sendable, CaseIterable {
    /// Integers times a scale, with or without an offset.
    case integer
    /// Narrow floats times a scale.
    case float
    /// Codes of equal probability under a normal distribution.
    case normal
    /// Narrow floats in short blocks with a narrow scale of their own (MX, NVFP4).
    case microscaled
    /// −1, 0 and 1 times a scale.
    case ternary
    /// A block type of GGUF.
    case gguf
    /// MLX's integers times a scale, with an offset, or its narrow floats, rounded MLX's way.
    case mlx
    /// Plain floats: the weights are not quantized.
    case full
  }

  /// Which weights share a scale.
  public enum Granularity: Hashable, Sendable {
    /// So many neighbours of a row.
    case group(Int)
    /// A row: an output channel.
    case channel
    /// All.
    case tensor
    /// There are no scales.
    case unscaled
  }

  /// The canonical name: that of the weight's format, and behind a slash that of the input's.
  public var name: String { input.map { "\(weightName)/\($0.name)" } ?? weightName }
  /// The canonical name of the weight's format.
  public let weightName: String
  /// The format of what goes into the layer; nil where that stays as it is.
  public private(set) var input: ActivationFormat?
  /// How codes become weights.
  public let family: Family
  /// The codes without granularity and symmetry: `int4`, `fp8-e4m3`, `nf4`, `mxfp4`, `q4_k`, `bf16`.
  public let code: String
  /// Bits of a code.
  public let bits: Int
  /// Which weights share a scale.
  public let granularity: Granularity
  /// Whether zero is the middle of the codes.
  public let isSymmetric: Bool
  /// How many scales share a scale; nil where scales are stored as they are.
  public let scalesPerScale: Int?

  /// Settings are equal when their formats are.
  public static func == (a: Setting, b: Setting) -> Bool {
    a.weightName == b.weightName && a.input == b.input
  }

  /// Hashes the names.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(weightName)
    hasher.combine(input)
  }

  /// The same for the weight, with another format for the input.
  ///
  /// The range's calibration is left out.
  public func with(input: ActivationFormat?) -> Setting {
    var setting = self
    setting.input = input.map {
      ActivationFormat($0.element, $0.granularity, isDynamic: $0.isDynamic)
    }
    return setting
  }

  /// The setting of a format in the catalogue.
  ///
  /// - Throws: `UserError` when the format is of a kind that is not known here.
  public init(of format: any NumberFormat) throws {
    switch format {
    case let format as IntegerFormat: self.init(format)
    case let format as FloatFormat:
      self.init(
        name: format.name, family: .full, code: format.name, bits: format.nominalBits,
        granularity: .unscaled, isSymmetric: true)
    default:
      guard let setting = Setting(reading: format.name) else {
        throw UserError(.failed, "no consumer here knows the format '\(format.name)'")
      }
      self = setting
    }
  }

  /// The setting of formats by their name, `int4-g64` or `int8-channel/int8-token`.
  ///
  /// - Throws: `UserError` with the nearest known name when there is no such format.
  public static func named(_ name: String) throws -> Setting {
    let (weight, input) = LayerFormat.split(name)
    if let input {
      return try named(weight).with(input: ActivationFormat.named(input))
    }
    if let known = byName[name] { return known }
    // How codes are found (`+mse`) is not stored: a consumer reads them as those without.
    if let plus = name.firstIndex(of: "+"), (try? Formats.named(name)) != nil {
      return try named(String(name[..<plus]))
    }
    do {
      return try Setting(of: Formats.named(name))
    } catch {
      // A policy may come from a tool with more formats than this one measures.
      guard let setting = Setting(reading: name) else { throw error }
      return setting
    }
  }

  private static let byName = Dictionary(
    uniqueKeysWithValues: catalogue.map { ($0.weightName, $0) })

  /// Integers of `bits` bits, as consumers describe them.
  ///
  /// - Throws: `UserError` when there is no such format here.
  static func integer(bits: Int, _ granularity: Granularity, symmetric: Bool) throws -> Setting {
    let symmetry: IntegerFormat.Symmetry = symmetric ? .symmetric : .asymmetric
    let suffix =
      switch granularity {
      case .group(let size): "g\(size)"
      case .channel: "channel"
      case .tensor, .unscaled: "tensor"
      }
    guard IntegerFormat.widths.contains(bits) else {
      throw UserError(.failed, "there is no format of \(bits)-bit integers")
    }
    return try named("int\(bits)-\(suffix)-\(symmetry.rawValue)")
  }

  private init(_ format: IntegerFormat) {
    let granularity: Granularity =
      switch format.granularity {
      case .group(let size): .group(size)
      case .channel: .channel
      case .tensor: .tensor
      }
    self.init(
      name: format.name, family: .integer, code: "int\(format.bits)", bits: format.bits,
      granularity: granularity, isSymmetric: format.symmetry == .symmetric)
  }

  private init(
    name: String, family: Family, code: String, bits: Int, granularity: Granularity,
    isSymmetric: Bool, scalesPerScale: Int? = nil
  ) {
    weightName = name
    self.family = family
    self.code = code
    self.bits = bits
    self.granularity = granularity
    self.isSymmetric = isSymmetric
    self.scalesPerScale = scalesPerScale
  }

  /// Whether the weights stay plain floats.
  public var isFull: Bool { family == .full }

  /// The number of neighbours that share a scale; nil for anything but groups.
  public var groupSize: Int? {
    guard case .group(let size) = granularity else { return nil }
    return size
  }

  /// The group's size with −1 for a channel, as many consumers write it; nil for anything else.
  var groupSizeOrChannel: Int? { granularity == .channel ? -1 : groupSize }
}

extension Setting {
  /// Bits, weights to a scale and symmetry of GGUF's block types.
  static let ggufTypes: [String: (bits: Int, group: Int, symmetric: Bool)] = [
    "q4_0": (4, 32, true), "q4_1": (4, 32, false), "q5_0": (5, 32, true), "q5_1": (5, 32, false),
    "q8_0": (8, 32, true), "q2_k": (2, 16, false), "q3_k": (3, 16, true), "q4_k": (4, 32, false),
    "q5_k": (5, 32, false), "q6_k": (6, 16, true), "iq4_nl": (4, 32, true),
    "iq4_xs": (4, 32, true), "tq1_0": (2, 256, true), "tq2_0": (2, 256, true),
  ]

  /// Reads a format's name, whose grammar is fixed: code, granularity, symmetry, double quantization.
  private init?(reading name: String) {
    if let type = Self.ggufTypes[name] {
      self.init(
        name: name, family: .gguf, code: name, bits: type.bits, granularity: .group(type.group),
        isSymmetric: type.symmetric)
      return
    }
    if let format = MLXFloatFormat(rawValue: name) {
      self.init(
        name: name, family: .mlx, code: name, bits: format.nominalBits,
        granularity: .group(format.group), isSymmetric: true)
      return
    }
    var parts = name.split(separator: "-", omittingEmptySubsequences: false).map(String.init)[...]
    guard var code = parts.popFirst() else { return nil }
    if let first = parts.first, first.count == 4, first.hasPrefix("e"), first.contains("m") {
      code += "-\(first)"
      parts.removeFirst()
    }
    let family: Family
    var granularity: Granularity
    switch code.prefix(while: { $0.isLetter && $0 != "-" }) {
    case "mxfp": (family, granularity) = (.microscaled, .group(32))
    case "nvfp": (family, granularity) = (.microscaled, .group(16))
    case "nf": (family, granularity) = (.normal, .group(64))
    case "fp": (family, granularity) = (.float, .unscaled)
    case "ternary": (family, granularity) = (.ternary, .tensor)
    case "mlx": (family, granularity) = (.mlx, .group(64))
    default: return nil
    }
    let digits = code.drop { $0.isLetter }.prefix { $0.isNumber }
    guard let bits = family == .ternary ? 2 : Int(digits), (2...8).contains(bits) else {
      return nil
    }
    var scalesPerScale: Int?
    for part in parts {
      if part == "channel" {
        granularity = .channel
      } else if part == "tensor" {
        granularity = .tensor
      } else if part.hasPrefix("dq"), let size = Int(part.dropFirst(2)), size > 0 {
        scalesPerScale = size
      } else if part.hasPrefix("g"), let size = Int(part.dropFirst()), size > 0 {
        granularity = .group(size)
      } else {
        return nil
      }
    }
    self.init(
      name: name, family: family, code: code, bits: bits, granularity: granularity,
      isSymmetric: family != .mlx, scalesPerScale: scalesPerScale)
  }
}
