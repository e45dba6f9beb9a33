import ArgumentParser
import Export
import Tuning
import Vocabulary

/// `bitbudget import`.
struct Import: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Reads a consumer's file back into a policy, to verify it or to compare with it.",
    discussion: """
      The formats are those of the file; nothing is predicted, `bitbudget verify` measures it.
      Example: bitbudget import recipe.yaml --from llm-compressor --model MODEL -o policy.json
      """)

  @Argument(help: "The consumer's file.")
  var file: String

  @Option(
    help: ArgumentHelp("Whose file it is; see `bitbudget list exporters`.", valueName: "consumer"))
  var from: String

  @Option(help: "An .onnx file, a .gguf file or a Hugging Face directory.")
  var model: String

  @Option(help: "The format of layers that the file leaves alone.")
  var full = "fp16"

  @Option(name: .shortAndLong, help: ArgumentHelp("Where to write the policy.", valueName: "path"))
  var output: String?

  @OptionGroup var talk: OutputOptions

  func run() throws {
    try reportingErrors {
      let policy = try OpenedModel(model).policy(importing: file, from: from, full: full)
      if let output { try PolicyFile.write(policy, to: output) }
      if talk.json || output == nil { return Console.out(try PolicyFile.text(policy)) }
      Console.out(
        "\(policy.layers.count) layers, \(policy.bytes) bytes, "
          + "\((policy.bpw * 100).rounded() / 100) bits per weight")
    }
  }
}
