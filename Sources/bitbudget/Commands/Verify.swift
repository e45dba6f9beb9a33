import ArgumentParser
import Calibration
import Export
import Report
import Tuning
import Vocabulary

/// `bitbudget verify`.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Proves a policy on held-out data against every uniform format within its budget.",
    discussion: """
      Uses the held-out fifth of the data, which `measure` does not see; --all takes everything, for a
      file that was not measured on. Exit code 1 when a uniform format wins.
      Example: bitbudget verify model.gguf policy.json --data text.txt
      """)

  @Argument(help: "An .onnx file, a .gguf file or a Hugging Face directory.")
  var model: String

  @Argument(help: "The policy's file.")
  var policy: String

  @OptionGroup var data: DataOptions

  @Option(
    help: ArgumentHelp(
      "Uniform formats to compare with (default: every integer format).",
      valueName: "format,..."))
  var baselines: String?

  @Flag(help: "Use all of the data, not the held-out part alone.")
  var all = false

  @Option(name: .shortAndLong, help: "Also write the policy with the proof in it.")
  var output: String?

  @OptionGroup var talk: OutputOptions

  func run() throws {
    try reportingErrors {
      var policy = try PolicyFile.read(policy)
      let names = try baselines.map {
        try DefaultFormats.expand($0.split(separator: ",").map(String.init))
      }
      let report = try OpenedModel(model).verify(
        policy,
        VerificationOptions(
          data: data.calibration, part: all ? .all : .heldOut,
          baselines: names ?? Defaults.baselines, workers: data.threads),
        progress: talk.progress)
      policy.verified = report.verification
      if let output { try PolicyFile.write(policy, to: output) }
      if talk.json { try Console.json(report) } else { Console.out(report.text) }
      if report.verdict == .uniform { throw ExitCode(1) }
    }
  }
}
