import ArgumentParser
import Calibration
import Report
import Tuning
import Vocabulary

/// `bitbudget trust`.
struct Trust: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells which estimator to believe on a model, from what whole policies really lose.",
    discussion: """
      Compares all estimators that the study has complete scores of: with exact-kl group by group, with \
      the measured losses of random policies, and by what the best policy under each loses on the \
      held-out fifth of the data.
      Example: bitbudget measure minilm --data text.txt --estimator exact-kl,fisher-channel,sqnr -o study
               bitbudget trust minilm study --data text.txt
      """)

  @Argument(help: "An .onnx file, a .gguf file or a Hugging Face directory.")
  var model: String

  @Argument(help: "A study with the scores of several estimators, exact-kl among them.")
  var study: String

  @OptionGroup var data: DataOptions

  @Option(help: "Other data for the proof (default: a held-out fifth of --data).")
  var heldout: String?

  @Option(help: "Budgets in bits per weight, separated by commas.")
  var bits = "3,4,5"

  @Option(help: "Random policies to measure, over all budgets.")
  var policies = 60

  @Option(help: "The estimator that is the truth about single groups.")
  var reference = "exact-kl"

  @Flag(help: "The table in Markdown.")
  var markdown = false

  @OptionGroup var talk: OutputOptions

  func validate() throws {
    if policies < 1 { throw ValidationError("--policies must be at least 1") }
    let budgets = bits.split(separator: ",").map { Double($0) }
    guard !budgets.isEmpty, budgets.allSatisfy({ ($0 ?? 0) > 0 && ($0 ?? 0) < 64 }) else {
      throw ValidationError("--bits are numbers such as 3,4,5, and '\(bits)' is not")
    }
  }

  func run() throws {
    try reportingErrors {
      var options = TrustOptions(data: data.calibration, workers: data.threads)
      options.heldOut = heldout
      options.reference = reference
      options.budgets = bits.split(separator: ",").compactMap { Double($0) }
      options.policies = policies
      let report = try OpenedModel(model).trust(options, study: study, progress: talk.progress)
      if talk.json { return try Console.json(report) }
      Console.out(markdown ? TrustTable.markdown(report) : TrustTable.render(report))
    }
  }
}
