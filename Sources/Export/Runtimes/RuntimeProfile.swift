internal import Quantization
public import Vocabulary

/// What a runtime can load: formats, the shapes that its kernels ask for, and what it fuses.
///
/// A profile is data, `SearchSpaces/runtimes/NAME.yaml`.
public struct RuntimeProfile: Sendable, Hashable {
  /// The version of the file that is understood.
  public static let schemaVersion = 1

  /// Formats that are loaded for some layers; what is not said is not asked for.
  ///
  /// Scales of scales are not loaded: no runtime here knows them.
  public struct Rule: Sendable, Hashable {
    /// How codes become weights.
    public var family: Setting.Family?
    /// Codes, such as `mxfp4`.
    public var codes: [String]?
    /// Widths of codes.
    public var bits: [Int]?
    /// Whether zero has to be the middle of the codes.
    public var isSymmetric: Bool?
    /// Which weights share a scale.
    public var scales: [Setting.Granularity]?
    /// Names of the formats of inputs beside such weights; `none` where they stay as they are.
    public var inputs = [ActivationFormat?.none.name]
    /// What the layers compute.
    public var kinds: [LayerKind]?
    /// What must divide the number of weights of a row.
    public var columns: Int?
    /// What must divide the number of rows.
    public var rows: Int?

    func accepts(_ setting: Setting) -> Bool {
      setting.scalesPerScale == nil && family.map { $0 == setting.family } ?? true
        && codes.map { $0.contains(setting.code) } ?? true
        && bits.map { $0.contains(setting.bits) } ?? true
        && isSymmetric.map { $0 == setting.isSymmetric } ?? true
        && scales.map { $0.contains(setting.granularity) } ?? true
        && inputs.contains(setting.input.name)
    }

    func accepts(_ kind: LayerKind) -> Bool { kinds.map { $0.contains(kind) } ?? true }

    func accepts(_ shape: WeightShape?) -> Bool {
      guard let shape else { return true }
      return shape.columns.isMultiple(of: columns ?? 1) && shape.rows.isMultiple(of: rows ?? 1)
    }
  }

  /// The name on the command line.
  public let name: String
  /// One line: which version, which kinds of files.
  public let summary: String
  /// What is loaded: whatever one of the rules lets through.
  public let rules: [Rule]
  /// Siblings that are computed as one layer.
  public let fused: [FusedParts]

  /// A profile of rules.
  public init(name: String, summary: String, rules: [Rule], fused: [FusedParts]) {
    self.name = name
    self.summary = summary
    self.rules = rules
    self.fused = fused
  }

  /// Why a layer cannot have a setting, as one clause; nil when it can.
  ///
  /// - Parameter shape: The weight's shape; nil leaves divisibility out.
  public func refusal(of setting: Setting, for kind: LayerKind, shape: WeightShape?) -> String? {
    let formats = rules.filter { $0.accepts(setting) }
    if formats.isEmpty { return "\(name) loads no \(setting.name)" }
    let kinds = formats.filter { $0.accepts(kind) }
    if kinds.isEmpty {
      return "\(name) loads no \(setting.name) for layers of kind \(kind.rawValue)"
    }
    guard let shape, !kinds.contains(where: { $0.accepts(shape) }) else { return nil }
    let wanted = kinds.map { "\($0.rows ?? 1) x \($0.columns ?? 1)" }.joined(separator: " or ")
    return "\(name) loads \(setting.name) for multiples of \(wanted), and the weight is "
      + "\(shape.rows) x \(shape.columns)"
  }

  /// The formats that a layer may have, of those named and in their order.
  ///
  /// - Throws: `UserError` when a name is unknown.
  public func permitted(_ formats: [String], for layer: Layer) throws -> [String] {
    try formats.filter {
      refusal(of: try Setting.named($0), for: layer.kind, shape: layer.shape) == nil
    }
  }

  /// The sets of layers that must have one format, under Hugging Face's or GGUF's names.
  public func fused(among names: [String]) -> [FusedLayers] {
    fused.fused(among: names.map { ModelNames.module(of: $0, architecture: "llama") ?? $0 })
  }
}

extension ActivationFormat? {
  /// As policies write it: `none` where the input stays as it is.
  var name: String { map(\.name) ?? "none" }
}
