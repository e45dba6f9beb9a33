import ArgumentParser
import Calibration
import Tuning
import Vocabulary

/// `bitbudget auto`.
struct Auto: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures, plans, proves and draws in one go, and ships the winner.",
    discussion: """
      Where a uniform format within the budget does better on held-out data, that is what is \
      shipped, and it is said.
      Example: bitbudget auto minilm --budget 4.5bpw --data sentences.txt -o study
      """)

  @Argument(help: "An .onnx file, a .gguf file or a Hugging Face directory.")
  var model: String

  @OptionGroup var data: DataOptions

  @Option(help: "Other data for the proof (default: a held-out fifth of --data).")
  var heldout: String?

  @OptionGroup var choice: ChoiceOptions
  @OptionGroup var formats: FormatOptions

  @Option(help: "Estimator; see `bitbudget list estimators`.")
  var estimator = Defaults.estimator

  @Option(help: "Stop measuring after this time with what there is: 90s, 30m, 2h.")
  var time: TimeLimit?

  @Option(help: "Keep resident memory below this, as well as it can be planned: 12GB.")
  var memory: SizeLimit?

  @Option(name: .shortAndLong, help: ArgumentHelp("The study's directory.", valueName: "study"))
  var output: String

  @OptionGroup var talk: OutputOptions

  func validate() throws {
    guard !choice.budget.isEmpty else {
      throw ValidationError("give at least one --budget, e.g. --budget 4.5bpw")
    }
  }

  func run() throws {
    try reportingErrors {
      let result = try OpenedModel(model).auto(
        AutoOptions(
          measurement: MeasurementOptions(
            estimators: [estimator], data: data.calibration,
            part: heldout == nil ? .calibration : .all, formats: formats.names(),
            workers: data.threads, time: time?.seconds, memory: memory?.bytes),
          heldOut: heldout, planning: choice.planning(estimator: estimator)),
        into: output, progress: talk.progress)
      if talk.json { return try Console.json(result) }
      Console.out(result.text)
    }
  }
}
