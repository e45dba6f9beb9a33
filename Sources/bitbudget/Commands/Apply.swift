import ArgumentParser
import Export
import Tuning
import Vocabulary

/// `bitbudget apply`.
struct Apply: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes the model with every layer in the policy's format.",
    discussion: """
      Kinds:
      \(ApplyKinds.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))

      The directory must not exist; it is there whole or not at all. A policy for a model with other \
      weights is refused.
      Example: bitbudget apply model.gguf policy.json --as gguf -o quantized
      """)

  @Argument(help: "An .onnx file, a .gguf file or a Hugging Face directory.")
  var model: String

  @Argument(help: "The policy's file.")
  var policy: String

  @Option(name: .customLong("as"), help: "What to write; see above.")
  var kind: String

  @Option(name: .shortAndLong, help: "A new directory.")
  var output: String

  @OptionGroup var talk: OutputOptions

  func run() throws {
    try reportingErrors {
      let policy = try PolicyFile.read(policy)
      let summary = try OpenedModel(model).apply(policy, as: kind, to: output)
      if talk.json { try Console.json(summary) } else { Console.out(summary.text) }
    }
  }
}
