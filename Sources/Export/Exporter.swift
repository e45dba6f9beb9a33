public import Vocabulary

/// A consumer: writes a policy the way it reads it, and reads the same files back.
///
/// A new consumer is one file in `Exporters/` and one line in ``Exporters/all``. It says which settings
/// its file can hold and writes them; names, refusals, coverage and fused layers are looked after by
/// ``recipe(for:path:)``, which is the way in.
public protocol Exporter: Sendable {
  /// The name used on the command line; never changed once released.
  static var id: String { get }
  /// One line: who reads this.
  static var summary: String { get }
  /// The file's usual name.
  static var fileName: String { get }
  /// Whose names the file uses.
  static var naming: Naming { get }
  /// Whether the file tells plain floats apart, rather than leaving such weights as the model has them.
  static var tellsFloatsApart: Bool { get }
  /// Whether the file holds the formats of layers' inputs too; without, ``takes(_:for:)`` is never asked
  /// of a setting with one.
  static var takesActivations: Bool { get }
  /// Siblings that a runtime which loads the result computes as one, with the runtime's name.
  static var fusing: (runtime: String, parts: [FusedParts])? { get }
  /// Whether the consumer itself stops where such siblings have different formats.
  static var needsOneFormatForSiblings: Bool { get }

  /// Whether the consumer can store the weight of a layer of this kind so, and round its input so.
  func takes(_ setting: Setting, for kind: LayerKind) -> Bool

  /// The setting in which the consumer really stores a weight of a setting that it takes.
  ///
  /// Another one of the same codes, scales and bytes, where only the rounding differs.
  func stored(_ setting: Setting) -> Setting

  /// The file and what to do with it; the same bytes for the same request.
  ///
  /// Every layer of the request is one that ``takes(_:for:)`` let through.
  func write(_ request: ExportRequest) throws -> Recipe

  /// What a file of this kind says about layers.
  ///
  /// - Parameters:
  ///   - text: The file's text, ours or somebody else's.
  ///   - file: What it is called in errors.
  /// - Throws: `UserError` with line and field where it is not such a file, or says what has no format
  ///   here.
  func rules(in text: String, file: String) throws -> LayerRules
}

extension Exporter {
  /// The name used on the command line.
  public var id: String { Self.id }
  /// One line: who reads this.
  public var summary: String { Self.summary }
  /// The file's usual name.
  public var fileName: String { Self.fileName }
  /// Modules of a Hugging Face or PyTorch model.
  public static var naming: Naming { .modules }
  /// They are left alone.
  public static var tellsFloatsApart: Bool { false }
  /// Weights only.
  public static var takesActivations: Bool { false }
  /// Nothing is fused.
  public static var fusing: (runtime: String, parts: [FusedParts])? { nil }
  /// It takes them, whatever becomes of them afterwards.
  public static var needsOneFormatForSiblings: Bool { false }

  /// Whether the consumer can store a layer of this kind so, whatever the setting.
  public func accepts(_ setting: Setting, for kind: LayerKind) -> Bool {
    guard setting.input != nil else { return takes(setting, for: kind) }
    // A layer that the file leaves alone has no place for what its input is.
    return Self.takesActivations && (Self.tellsFloatsApart || !setting.isFull)
      && takes(setting, for: kind)
  }

  /// As it is.
  public func stored(_ setting: Setting) -> Setting { setting }

  /// The consumer's file, the same bytes for the same policy.
  ///
  /// - Throws: As ``recipe(for:path:)``.
  public func text(for policy: Policy) throws -> String {
    try recipe(for: policy, path: Self.fileName).text
  }
}

/// The catalogue of exporters.
public enum Exporters {
  /// Every exporter, in the order of `list exporters`.
  public static let all: [any Exporter] = [
    NeutralJSON(), LlamaCPP(), CompressedTensors(), LLMCompressor(), MLX(), GPTQModel(),
    AutoRound(),
    TorchAO(), MatMulNBits(), ONNXQuantizeDequantize(), ModelOpt(), NNCF(), ExLlamaV3(),
    CoreMLTools(),
    NeuralCompressor(), Quark(), Brevitas(), HQQ(), Quanto(), LayerCSV(), LayerTable(),
  ]

  /// The exporter with this name.
  ///
  /// - Throws: `UserError` with the nearest known name.
  public static func named(_ id: String) throws -> any Exporter {
    guard let exporter = all.first(where: { $0.id == id }) else {
      throw UserError.unknown(id, "exporter", known: all.map(\.id))
    }
    return exporter
  }
}
