import ArgumentParser
import Calibration
import Foundation
import Tuning
import Vocabulary

/// `bitbudget search`.
struct Search: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Searches for a policy or a frontier with real evaluations of whole policies.",
    discussion: """
      Every evaluation is kept: a killed or stopped search goes on when the same command is given \
      again. With --study, a measurement tells the strategy where to start and what to expect. The \
      best policy is proven on the held-out fifth of the data against where it started and against \
      uniform formats, and what loses least is shipped.
      Example: bitbudget search minilm --data sentences.txt --study study --budget 3bpw \
      --strategy exchange --evaluations 300 -o study
               bitbudget search minilm --data sentences.txt --strategy evolution --axes bytes,loss \
      -o study
      """)

  @Argument(help: "An .onnx file, a .gguf file or a Hugging Face directory.")
  var model: String

  @OptionGroup var data: DataOptions

  @Option(help: "Other data for the proof (default: a held-out fifth of --data).")
  var heldout: String?

  @Option(
    name: [.customLong("strategy"), .customLong("optimizer")],
    help: "Strategy; see `bitbudget list strategies`.")
  var strategy: String

  @Option(
    help: ArgumentHelp(
      """
      A limit: 4.5bpw, 90MB, 1.5GiB; or, for the smallest policy that keeps it, 0.02nats or 1% (of the \
      answers change, which bounds what accuracy can drop by).
      """,
      valueName: "limit"))
  var budget: [String] = []

  @Option(help: "The evaluations that may be made, those of earlier calls included.")
  var evaluations = 300

  @Option(
    help: ArgumentHelp(
      "A study or table that gives formats, predictions and where to start.", valueName: "study"))
  var study: String?

  @Option(help: "Whose scores of --study (default: the newest complete measurement).")
  var estimator: String?

  @OptionGroup var formats: FormatOptions

  @OptionGroup var costs: DeviceOptions

  @Option(
    help: ArgumentHelp(
      "Search knobs that decide all layers at once, such as SearchSpaces/pipeline.yaml.",
      valueName: "yaml"))
  var space: String?

  @Option(
    help: ArgumentHelp(
      "A study with a search of the same --space on another model, to learn from.",
      valueName: "study"))
  var transfer: [String] = []

  @Option(
    help: "Search for a frontier: bytes,loss; or with other costs of --study: bytes,latency,loss.")
  var axes: String?

  @Option(
    help: ArgumentHelp(
      "What to make small under a ceiling (default: the latency with --device, else the bytes).",
      valueName: "cost"))
  var minimise: String?

  @Option(
    help: ArgumentHelp(
      "Fix the format of layers: GLOB=FORMAT, e.g. 'token_embd=int8-g64'.",
      valueName: "glob=format"))
  var pin: [String] = []

  @Option(help: "Stop after this time with the best so far: 90s, 30m, 2h.")
  var time: TimeLimit?

  @Option(help: "Memory for weights and outputs that are kept (default 3GB).")
  var memory: SizeLimit?

  @Option(
    help: ArgumentHelp(
      "A setting of the strategy, e.g. population=32.", valueName: "name=value"))
  var option: [String] = []

  @Option(help: "Where to write the policy (default: policy.json in the study).")
  var policy: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The study's directory, which keeps the trials.", valueName: "study"))
  var output: String

  @OptionGroup var talk: OutputOptions

  func validate() throws {
    if evaluations < 1 { throw ValidationError("--evaluations must be at least 1") }
    if space != nil, study != nil || formats.formats != nil {
      throw ValidationError("--space brings its formats; leave --study and --formats out")
    }
    if study != nil, formats.formats != nil {
      throw ValidationError("--study brings its formats; leave --formats out")
    }
    _ = try settings()
  }

  private func settings() throws -> [String: Double] {
    var settings: [String: Double] = [:]
    for text in option {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let value = Double(parts[1]), value.isFinite else {
        throw ValidationError("--option is written NAME=NUMBER, and '\(text)' is not")
      }
      settings[parts[0]] = value
    }
    return settings
  }

  func run() throws {
    try reportingErrors {
      var options = SearchOptions(
        data: data.calibration, strategy: strategy,
        budgets: try budget.map { try Budget(parsing: $0) }, formats: try formats.names(),
        evaluations: evaluations, workers: data.threads)
      options.heldOut = heldout
      options.study = study
      options.costs = costs.costs()
      options.objective = try minimise.map { name in
        guard let kind = CostKind(rawValue: name), ![.loss, .changes, .bpw].contains(kind) else {
          throw UserError.unknown(
            name, "cost", known: ["bytes", "latency", "bops", "energy", "resident", "bits"])
        }
        return kind
      }
      options.space = try space.map(SearchSpaceFile.read)
      options.transfer = transfer
      options.estimator = estimator
      options.axes = axes.map { $0.split(separator: ",").map(String.init) }
      options.pins = try pin.map(Pin.init(parsing:))
      options.settings = try settings()
      options.time = time?.seconds
      options.memory = memory?.bytes ?? options.memory
      options.policy = policy
      let start = isatty(2) == 1 ? "\r\u{1b}[2K" : ""
      let report = try OpenedModel(model).search(
        options, into: output, progress: talk.progress,
        improved: { standing in if !talk.quiet { Console.say(start + standing.text) } })
      if talk.json { return try Console.json(report) }
      Console.out(report.text)
    }
  }
}
