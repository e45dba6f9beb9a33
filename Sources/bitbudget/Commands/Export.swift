import ArgumentParser
import Export
import Tuning
import Vocabulary

/// `bitbudget export`.
struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a policy in a consumer's form.",
    discussion: "Example: bitbudget export policy.json --to csv -o policy.csv")

  @Argument(help: "The policy's file.")
  var policy: String

  @Option(help: "The consumer; see `bitbudget list exporters`.")
  var to: String

  @Option(name: .shortAndLong, help: "Where to write (default: standard output).")
  var output: String?

  func run() throws {
    try reportingErrors {
      let text = try Exporters.named(to).text(for: PolicyFile.read(policy))
      if let output { try AtomicFile.write(text, to: output) } else { Console.out(text) }
    }
  }
}
