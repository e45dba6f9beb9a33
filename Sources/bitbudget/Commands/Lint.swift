import ArgumentParser
import Export
import Tuning
import Vocabulary

/// `bitbudget lint`.
struct Lint: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells what in a policy a runtime would not load, and why.",
    discussion: """
      Exit code 1 when there is anything. With --model the shapes are held to the runtime's kernels too.
      Example: bitbudget lint policy.json --runtime vllm --model MODEL
      """)

  @Argument(help: "The policy's file.")
  var policy: String

  @Option(
    help: ArgumentHelp(
      "The runtime, see `bitbudget list runtimes`; or a profile's .yaml file.", valueName: "runtime"
    ))
  var runtime: String

  @Option(help: "An .onnx file, a .gguf file or a Hugging Face directory, for the shapes.")
  var model: String?

  @OptionGroup var talk: OutputOptions

  /// What was found, for `--json`.
  private struct Report: Encodable {
    var runtime: String
    var layers: Int
    var conflicts: [RuntimeConflict]
  }

  func run() throws {
    try reportingErrors {
      let policy = try PolicyFile.read(policy)
      let profile = try RuntimeProfiles.named(runtime)
      let shapes = try model.map { try OpenedModel($0).layerShapes } ?? [:]
      let conflicts = try profile.conflicts(in: policy, shapes: shapes)
      if talk.json {
        try Console.json(
          Report(runtime: profile.name, layers: policy.layers.count, conflicts: conflicts))
      } else if conflicts.isEmpty {
        Console.out("\(profile.name) loads all \(policy.layers.count) layers")
      } else {
        for conflict in conflicts { Console.out(conflict.sentence) }
      }
      if !conflicts.isEmpty { throw ExitCode(1) }
    }
  }
}
