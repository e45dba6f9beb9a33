import ArgumentParser
import Tuning
import Vocabulary

/// `bitbudget inspect`.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows layers, candidate formats, bytes and the feasible range, from headers alone.",
    discussion: "Example: bitbudget inspect model.gguf --formats int3-g64,int4-g64,int8-g64")

  @Argument(help: "An .onnx file, a .gguf file or a Hugging Face directory.")
  var model: String

  @OptionGroup var formats: FormatOptions
  @OptionGroup var output: OutputOptions

  func run() throws {
    try reportingErrors {
      let inspection = try OpenedModel(model).inspection(formats: formats.names())
      if output.json { return try Console.json(inspection) }
      Console.out(text(inspection))
    }
  }

  private func text(_ it: Inspection) -> String {
    var lines = [
      "\(it.name)  (\(it.architecture), output: \(it.head))",
      "\(it.layers.count) quantizable layers, \(it.weights) weights; "
        + "\(it.skipped.count) tensors stay as they are (\(ByteCount(it.fixedBytes)))",
      "feasible: \(ByteCount(it.feasible[0])) to \(ByteCount(it.feasible[1]))", "",
    ]
    let width = it.layers.map(\.layer.name.count).max() ?? 0
    for entry in it.layers {
      let layer = entry.layer
      let bytes = entry.candidates.map { "\($0.format) \($0.bytes)" }.joined(separator: "  ")
      lines.append(
        layer.name.padding(to: width)
          + "  \(layer.kind.rawValue.padding(to: 11))  \(layer.shape.rows) x \(layer.shape.columns)  \(bytes)"
      )
    }
    lines.append("")
    var reasons: [(reason: String, count: Int, bytes: Int)] = []
    for tensor in it.skipped {
      if let k = reasons.firstIndex(where: { $0.reason == tensor.reason }) {
        reasons[k].count += 1
        reasons[k].bytes += tensor.bytes
      } else {
        reasons.append((tensor.reason, 1, tensor.bytes))
      }
    }
    for group in reasons {
      lines.append("left alone: \(group.count) x \(group.reason) (\(ByteCount(group.bytes)))")
    }
    for uniform in it.uniform {
      lines.append(
        "uniform \(uniform.format): \(ByteCount(uniform.bytes)), \(fixed(uniform.bpw, digits: 3)) bpw"
      )
    }
    return lines.joined(separator: "\n")
  }
}

extension String {
  /// With spaces up to a width.
  func padding(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
