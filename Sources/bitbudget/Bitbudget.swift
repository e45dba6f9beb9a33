import ArgumentParser
import Tuning

/// The command line: each verb parses, validates, calls one function of the hall and prints.
///
/// Data goes to standard output, talk and progress to standard error. Exit codes: 0 done, 1 failed,
/// 2 nothing fits the budget, 64 bad usage.
@main
struct Bitbudget: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bitbudget",
    abstract: "Finds the bit-width of every layer of a neural network under a budget.",
    discussion: """
      MODEL is an .onnx file, a .gguf file or a Hugging Face directory; STUDY is a directory that keeps \
      measurements.

      Everything in one command:
        bitbudget auto MODEL --budget 4.5bpw --data text.txt -o STUDY

      Step by step:
        bitbudget inspect MODEL
        bitbudget measure MODEL --data text.txt -o STUDY
        bitbudget plan STUDY --budget 90MB -o policy.json
        bitbudget frontier STUDY -o frontier
        bitbudget verify MODEL policy.json --data text.txt
      """,
    version: Tool.version,
    subcommands: [
      Inspect.self, Measure.self, Plan.self, FrontierCommand.self, Verify.self, Export.self,
      Import.self, Lint.self,
      Apply.self, Auto.self, Search.self, Trust.self, Profile.self, List.self,
    ])
}
