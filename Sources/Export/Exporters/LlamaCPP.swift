public import Vocabulary

/// llama.cpp's `--tensor-type-file`: a regular expression and a type for every tensor.
///
/// The base type of the command is Q8_0, whose own rules change nothing, so that the file alone decides.
/// A type fixes group and symmetry. Integers of 32 weights to a scale are stored in the type of the same
/// codes, scales and bytes, which is rounded a little otherwise; the notes say so.
public struct LlamaCPP: Exporter {
  /// The name used on the command line.
  public static let id = "llama.cpp"
  /// Who reads this.
  public static let summary = "llama-quantize --tensor-type-file: a GGUF type for every tensor"
  /// The file's usual name.
  public static let fileName = "tensor_types.txt"
  /// Tensors of GGUF.
  public static let naming = Naming.gguf
  /// A tensor may be F16, BF16 or F32 whatever it was.
  public static let tellsFloatsApart = true

  /// Types of which llama-quantize needs nothing but the weights.
  private static let types: [String: String] = [
    "q4_0": "q4_0", "q4_1": "q4_1", "q5_0": "q5_0", "q5_1": "q5_1", "q8_0": "q8_0",
    "q2_k": "q2_k", "q3_k": "q3_k", "q4_k": "q4_k", "q5_k": "q5_k", "q6_k": "q6_k",
    "iq4_nl": "iq4_nl", "iq4_xs": "iq4_xs", "mxfp4": "mxfp4", "fp16": "f16", "bf16": "bf16",
    "fp32": "f32", "tq1_0": "tq1_0", "tq2_0": "tq2_0",
  ]

  /// Integer formats with a type of the same bytes.
  private static let twins: [String: String] = [
    "int4-g32-sym": "q4_0", "int4-g32": "q4_1", "int5-g32": "q5_0", "int5-g32-asym": "q5_1",
    "int8-g32": "q8_0",
  ]

  /// The exporter; it has no options.
  public init() {}

  /// GGUF's own types, their twins and plain floats.
  public func takes(_ setting: Setting, for kind: LayerKind) -> Bool {
    kind != .convolution && Self.types[stored(setting).name] != nil
  }

  /// An integer format's twin.
  public func stored(_ setting: Setting) -> Setting {
    Self.twins[setting.name].flatMap { try? Setting.named($0) } ?? setting
  }

  /// `^blk\.0\.attn_q\.weight$=q8_0`, one line a tensor: no comment and no space may be in the file.
  public func write(_ request: ExportRequest) throws -> Recipe {
    var text = ""
    for layer in request.layers {
      guard let type = Self.types[layer.setting.name] else { continue }
      text += "^\(regexEscaped(layer.name))$=\(type)\n"
    }
    return Recipe(
      text: text,
      next: "llama-quantize --tensor-type-file \(shellQuoted(request.path)) model-f16.gguf "
        + "model-mixed.gguf Q8_0",
      notes: [
        "the names are GGUF's: convert the model with convert_hf_to_gguf.py first, and add --dry-run to "
          + "see the types before anything is written",
        "llama.cpp before 2026 has no --tensor-type-file: give every line as --tensor-type instead",
      ])
  }

  /// Lines of `PATTERN=TYPE`; the first that matches any part of a tensor's name holds.
  public func rules(in text: String, file: String) throws -> LayerRules {
    let formats = Dictionary(uniqueKeysWithValues: Self.types.map { ($1, $0) })
    var rules = LayerRules(.first)
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .enumerated()
    {
      for token in line.split(whereSeparator: \.isWhitespace) {
        // llama-quantize too splits at the first: a pattern can hold no "=".
        guard let equals = token.firstIndex(of: "="), equals != token.startIndex else {
          throw UserError(.failed, "'\(file)' line \(index + 1): '\(token)' is not PATTERN=TYPE")
        }
        let type = token[token.index(after: equals)...].lowercased()
        guard let format = formats[type] else {
          throw UserError(
            .failed, "'\(file)' line \(index + 1): the type '\(type)' is no format here")
        }
        rules.add(
          .regex(token[..<equals].lowercased(), .search), .quantized(try Setting.named(format)))
      }
    }
    return rules
  }
}
