public import Vocabulary

/// exllamav3's recipe: bits for every tensor.
///
/// Its codes are trellis-coded and have neither groups nor symmetry. The formats that come nearest in
/// bytes are integers by channel, and only their width is carried over.
public struct ExLlamaV3: Exporter {
  /// The name used on the command line.
  public static let id = "exllamav3"
  /// Who reads this.
  public static let summary = "a recipe of bits per tensor for exllamav3's convert"
  /// The file's usual name.
  public static let fileName = "recipe.yaml"

  /// The exporter; it has no options.
  public init() {}

  /// Integers by channel in their usual symmetry, for linear layers.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    setting.isFull
      || kind == .linear && setting.family == .integer && setting.granularity == .channel
        && setting.isSymmetric == (setting.bits > 4)
  }

  /// `tensors` by exact name, 16 for those that stay as they are; the head has a key of its own.
  public func write(_ request: ExportRequest) throws -> Recipe {
    let body = request.layers.filter { $0.kind == .linear && $0.name != "lm_head" }
    let tensors = body.map { (globEscaped($0.name), bits($0.setting)) }
    var entries: [(String, Document)] = []
    if let head = request.layers.first(where: { $0.name == "lm_head" }) {
      entries.append(("head_bits", bits(head.setting)))
    }
    entries.append(("tensors", .object(tensors)))
    return Recipe(
      text: Document.object(entries).yaml,
      next: "python convert.py -i MODEL -o OUT -w WORK -rcp \(shellQuoted(request.path))",
      notes: [
        "exllamav3 has its own codes: only the width is carried over, not the integers or their loss"
      ])
  }

  private func bits(_ setting: Setting) -> Document { Document(setting.isFull ? 16 : setting.bits) }

  /// Names and shell patterns, of which the last match holds.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let root = Field(try Document.yaml(text, file: file), file: file)
    var rules = LayerRules(.last)
    for (key, field) in try root.required("tensors").entries() {
      rules.add(.glob(key), try treatment(field))
    }
    if let head = root["head_bits"] { rules.add(.exact("lm_head"), try treatment(head)) }
    for kind in [LayerKind.embedding, .convolution] { rules.addDefault(.kind(kind), .untouched) }
    return rules
  }

  private func treatment(_ field: Field) throws -> Treatment {
    let bits = try field.integer()
    if bits == 16 { return .untouched }
    return .quantized(
      try field.reading { try Setting.integer(bits: bits, .channel, symmetric: bits > 4) })
  }
}
