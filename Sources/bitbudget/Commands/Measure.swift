import ArgumentParser
import Calibration
import Export
import Tuning
import Vocabulary

/// `bitbudget measure`.
struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures how much every layer suffers under every format, and keeps it in a study.",
    discussion: """
      A killed or stopped measurement goes on where it was when the same command is given again.
      The data is split: four fifths are for measuring, the rest is what `verify` uses; --all takes
      everything.
      Example: bitbudget measure model.gguf --data text.txt --time 30m -o study
      """)

  @Argument(help: "An .onnx file, a .gguf file or a Hugging Face directory.")
  var model: String

  @OptionGroup var data: DataOptions
  @OptionGroup var formats: FormatOptions

  @Option(help: "Estimators, separated by commas; see `bitbudget list estimators`.")
  var estimator = Defaults.estimator

  @Option(help: "Stop after this time with what there is: 90s, 30m, 2h.")
  var time: TimeLimit?

  @Option(
    help: """
      Keep resident memory below this, as well as it can be planned: 12GB (default 3GB). The weights \
      in singles and 0.5 GB for the libraries are the least.
      """)
  var memory: SizeLimit?

  @Flag(help: "Use all of the data, not the part for measuring alone.")
  var all = false

  @Option(
    help: ArgumentHelp(
      """
      Score each group with all others as this policy has them (exact-kl, exact-loss): what is true \
      near the target.
      """, valueName: "policy"))
  var base: String?

  @Flag(help: "Throw earlier measurements of this study away.")
  var fresh = false

  @Option(name: .shortAndLong, help: ArgumentHelp("The study's directory.", valueName: "study"))
  var output: String

  @OptionGroup var talk: OutputOptions

  func run() throws {
    try reportingErrors {
      var options = MeasurementOptions(
        estimators: estimator.split(separator: ",").map(String.init), data: data.calibration,
        part: all ? .all : .calibration, formats: try formats.names(), workers: data.threads,
        time: time?.seconds, memory: memory?.bytes, fresh: fresh)
      options.base = try base.map { try PolicyFile.read($0) }
      let report = try OpenedModel(model).measure(
        options, into: output, progress: talk.progress)
      if talk.json { return try Console.json(report) }
      for run in report.runs {
        let resumed = run.resumed > 0 ? " (\(run.resumed) of them from before)" : ""
        let stopped = run.stopped ? "; stopped by --time" : ""
        Console.out(
          "\(run.estimator): \(run.samples) samples\(resumed) in \(fixed(run.seconds, digits: 1)) s, "
            + "in \(run.unit)\(stopped)")
      }
      Console.out("study: \(report.study)")
    }
  }
}
