public import Vocabulary

/// A number format for what goes into a layer, such as `int8-tensor+entropy`.
///
/// Integers of `b` bits, `y = (clamp(round(x / s) + z) − z) · s`, ties to even, in single precision, with
/// a whole `z`: zero is exact, since padding and ReLU make so many of it. With the range `low ... high`
/// widened to hold zero:
/// - `asym`: codes `0 ... 2ᵇ − 1`, `s = (high − low) / (2ᵇ − 1)`, `z = round(−low / s)`.
/// - `sym`: codes `−2ᵇ⁻¹ ... 2ᵇ⁻¹ − 1`, `s = max(−low, high) / (2ᵇ⁻¹ − 1)`, `z = 0`.
/// - `symu`: `sym`, but `0 ... 2ᵇ − 1` and `s = high / (2ᵇ − 1)` where nothing is negative.
/// - `pow2`: `sym` with `s` rounded up to a power of two: a shift in place of a product.
///
/// `fp8-e4m3` and `fp8-e5m2`: `y = nearest(x / s) · s` with `s = max(−low, high) / largest`.
///
/// Names: `intB-tensor`, `intB-channel` (one range for each input channel) with ranges from calibration
/// data; `intB-token`, `intB-tensor-dynamic` with ranges of the very input, at run time. A suffix
/// `-sym`, `-asym`, `-symu` or `-pow2` (standard: `asym` for static ranges, `sym` for dynamic ones), then
/// `+METHOD` for how a static range is calibrated (``RangeMethod``; standard: `minmax`) and `@N` for how
/// many samples it is calibrated on (standard: all). Rounding and zero points are those of ONNX Runtime's
/// `QuantizeLinear`.
public struct ActivationFormat: Hashable, Sendable {
  /// What a code is.
  public enum Element: Hashable, Sendable {
    /// An integer of so many bits.
    case integer(bits: Int, Scheme)
    /// An 8-bit float.
    case float8(Float8Format.Kind)
  }

  /// Where zero is among the codes.
  public enum Scheme: String, Hashable, Sendable, CaseIterable {
    /// A whole zero point.
    case asymmetric = "asym"
    /// Zero in the middle.
    case symmetric = "sym"
    /// Zero in the middle, or at the start where nothing is negative.
    case symmetricUnsigned = "symu"
    /// Zero in the middle, and the scale a power of two.
    case powerOfTwo = "pow2"
  }

  /// Which numbers share a scale.
  public enum Granularity: String, Hashable, Sendable, CaseIterable {
    /// All.
    case tensor
    /// Those of an input channel.
    case channel
    /// Those of a position (linear layers) or of a sample (convolutions); always dynamic.
    case token
  }

  /// The widths of integers.
  public static let widths = [2, 3, 4, 5, 6, 7, 8, 16]

  /// What a code is.
  public var element: Element
  /// Which numbers share a scale.
  public var granularity: Granularity
  /// Whether ranges are those of the very input, found at run time.
  public var isDynamic: Bool
  /// How static ranges are calibrated.
  public var method: RangeMethod
  /// How many samples they are calibrated on; nil for all that there are.
  public var samples: Int?

  /// A format; tokens are always dynamic.
  public init(
    _ element: Element, _ granularity: Granularity, isDynamic: Bool = false,
    method: RangeMethod = .extremes, samples: Int? = nil
  ) {
    self.element = element
    self.granularity = granularity
    self.isDynamic = isDynamic || granularity == .token
    self.method = method
    self.samples = samples
  }

  /// The canonical name: standard parts are left out.
  public var name: String {
    var name =
      switch element {
      case .integer(let bits, _): "int\(bits)-\(granularity.rawValue)"
      case .float8(let kind): "fp8-\(kind.rawValue)-\(granularity.rawValue)"
      }
    if isDynamic, granularity != .token { name += "-dynamic" }
    if case .integer(_, let scheme) = element, scheme != Self.standardScheme(isDynamic) {
      name += "-\(scheme.rawValue)"
    }
    if method != .extremes { name += "+\(method.rawValue)" }
    if let samples { name += "@\(samples)" }
    return name
  }

  /// One line for people.
  public var summary: String {
    let what =
      switch element {
      case .integer(let bits, let scheme):
        "\(bits)-bit integers (\(scheme.rawValue))"
      case .float8(let kind): "8-bit floats (\(kind.rawValue.uppercased()))"
      }
    let whose =
      switch granularity {
      case .tensor: "one range"
      case .channel: "a range per input channel"
      case .token: "a range per position"
      }
    return "\(what), \(whose), \(isDynamic ? "of the input itself" : "from calibration data")"
  }

  /// Bits of a code.
  public var nominalBits: Int {
    switch element {
    case .integer(let bits, _): bits
    case .float8: 8
    }
  }

  private static func standardScheme(_ isDynamic: Bool) -> Scheme {
    isDynamic ? .symmetric : .asymmetric
  }
}

extension ActivationFormat {
  /// Every format without the suffixes of calibration: what `bitbudget list activations` shows.
  public static let all: [ActivationFormat] = {
    let places: [(Granularity, Bool)] = [
      (.tensor, false), (.channel, false), (.tensor, true), (.token, true),
    ]
    let integers = widths.flatMap { bits in
      places.flatMap { granularity, isDynamic in
        Scheme.allCases.map {
          ActivationFormat(.integer(bits: bits, $0), granularity, isDynamic: isDynamic)
        }
      }
    }
    return integers
      + Float8Format.Kind.allCases.flatMap { kind in
        places.map { ActivationFormat(.float8(kind), $0, isDynamic: $1) }
      }
  }()

  /// The format of a name.
  ///
  /// - Throws: `UserError` of kind usage when there is none.
  public static func named(_ name: String) throws -> ActivationFormat {
    var stem = name[...]
    var samples: Int?
    if let at = stem.lastIndex(of: "@") {
      guard let count = Int(stem[stem.index(after: at)...]), count > 0 else {
        throw UserError(.usage, "'\(name)': behind the @ stands a number of samples, at least 1")
      }
      samples = count
      stem = stem[..<at]
    }
    var method = RangeMethod.extremes
    if let plus = stem.firstIndex(of: "+") {
      let word = String(stem[stem.index(after: plus)...])
      guard let known = RangeMethod(rawValue: word) else {
        throw UserError.unknown(
          word, "calibration of ranges", known: RangeMethod.allCases.map(\.rawValue))
      }
      method = known
      stem = stem[..<plus]
    }
    guard let plain = byStem[String(stem)] else {
      throw UserError.unknown(String(stem), "activation format", known: byStem.keys.sorted())
    }
    guard !plain.isDynamic || (method == .extremes && samples == nil) else {
      throw UserError(
        .usage, "'\(name)' finds its ranges at run time: there is nothing to calibrate")
    }
    var format = plain
    (format.method, format.samples) = (method, samples)
    return format
  }

  private static let byStem: [String: ActivationFormat] = {
    var found: [String: ActivationFormat] = [:]
    for format in all {
      found[format.name] = format
      // The standard scheme may be named as well.
      if case .integer(_, let scheme) = format.element, !format.name.hasSuffix(scheme.rawValue) {
        found["\(format.name)-\(scheme.rawValue)"] = format
      }
    }
    return found
  }()
}
