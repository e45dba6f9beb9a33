import ArgumentParser
import Calibration
import Report
import Tuning
import Vocabulary

/// `bitbudget frontier`.
struct FrontierCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "frontier",
    abstract: "Draws the whole trade-off between size and loss, from measurements alone.",
    discussion: """
      Writes frontier.json, frontier.csv and frontier.svg, and prints a small plot. With --measure, some \
      points and the uniform formats are evaluated on held-out data as well.
      Example: bitbudget frontier study -o frontier
               bitbudget frontier study --measure 8 --model model.gguf --data text.txt -o frontier
      """)

  @Argument(help: "A study's directory, or a sensitivity table.")
  var study: String

  @Option(help: "Keep at most this many points, well spread.")
  var points = 200

  @Option(help: "Plan from this estimator's scores (default: the newest complete measurement).")
  var estimator: String?

  @Flag(help: "Take losses as they are, also where they rise with size or are negative.")
  var raw = false

  @Option(help: "Evaluate this many points on held-out data (needs --model and --data).")
  var measure: Int?

  @Option(help: "The model, for --measure.")
  var model: String?

  @Option(help: "Held-out data, for --measure; its held-out fifth is used.")
  var data: String?

  @Flag(help: "Use all of --data, for a file that was not measured on.")
  var all = false

  @Option(help: "Samples, for --measure.")
  var samples: Int?

  @Option(help: "Tokens in a text sample, for --measure.")
  var length: Int?

  @Option(help: "Decides everything random.")
  var seed: UInt64 = 1

  @Option(help: "Threads, for --measure (default: one a core).")
  var workers: Int?

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Directory for the files.", valueName: "directory"))
  var output: String?

  @OptionGroup var talk: OutputOptions

  func validate() throws {
    if points < 2 { throw ValidationError("--points must be at least 2") }
    if measure != nil, model == nil || data == nil {
      throw ValidationError("--measure needs --model and --data")
    }
  }

  func run() throws {
    try reportingErrors {
      let source = try PlanningSource(study, estimator: estimator, raw: raw)
      var frontier = try source.frontier(points: points)
      if let measure, let model, let data {
        frontier = try OpenedModel(model).measured(
          frontier, points: measure,
          data: CalibrationOptions(path: data, samples: samples, length: length, seed: seed),
          part: all ? .all : .heldOut, workers: workers ?? Tool.defaultWorkers,
          progress: talk.progress)
      }
      if let output { _ = try FrontierFiles.write(frontier, to: output) }
      if talk.json { return try Console.json(frontier) }
      Console.out(FrontierPlot.render(frontier))
    }
  }
}
