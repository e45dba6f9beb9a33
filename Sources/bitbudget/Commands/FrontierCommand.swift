import ArgumentParser
import Calibration
import Foundation
import Report
import Tuning
import Vocabulary

/// `bitbudget frontier`: draws, unless another verb is named.
struct FrontierCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "frontier",
    abstract: "Draws the whole trade-off between size and loss, from measurements alone.",
    usage: """
      bitbudget frontier <study> [<options>]
      bitbudget frontier <subcommand>
      """,
    discussion: """
      Example: bitbudget frontier study -o frontier
               bitbudget frontier study --measure 8 --model model.gguf --data text.txt -o frontier
               bitbudget frontier study --axes latency,loss --device here --budget 12ms -o frontier
               bitbudget frontier steps frontier/frontier.json
               bitbudget frontier diff a/frontier.json b/frontier.json
               bitbudget frontier merge a/frontier.json b/frontier.json -o both

      Of `bitbudget frontier STUDY`, which is short for `bitbudget frontier draw STUDY`:

      \(drawing)
      """,
    subcommands: [
      DrawFrontier.self, MergeFrontiers.self, CompareFrontiers.self, FrontierSteps.self,
    ],
    defaultSubcommand: DrawFrontier.self)

  /// The arguments and options that the default verb takes, so that `--help` has them all.
  private static var drawing: String {
    let help = DrawFrontier.helpMessage(columns: 78)
    return help.firstRange(of: "ARGUMENTS:").map { String(help[$0.lowerBound...]) } ?? ""
  }
}

/// Which of the predicted curves.
enum PredictedKind: String, ExpressibleByArgument, CaseIterable {
  case hull
  case exact

  var kind: Frontier.Kind { self == .hull ? .hull : .exact }
}

/// `bitbudget frontier draw`, and `bitbudget frontier` alone.
struct DrawFrontier: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draw",
    abstract: "Draws the whole trade-off between a cost and the loss, from measurements alone.",
    discussion: """
      Writes frontier.json, frontier.csv and frontier.svg, and prints a small plot. With --measure, some \
      points and the uniform formats are evaluated on held-out data as well: each gets a 95 % interval, \
      points that turn out to be dominated are marked, and the ranks of predicted and measured losses \
      are compared.
      Example: bitbudget frontier study -o frontier
               bitbudget frontier study --measure 8 --model model.gguf --data text.txt -o frontier
               bitbudget frontier study --axes bytes,latency,loss --device t4 -o frontier
      """)

  @Argument(help: "A study's directory, or a sensitivity table.")
  var study: String

  @Option(
    help: "The lower convex hull, or every policy that no other beats (hull or exact).")
  var kind = PredictedKind.hull

  @Option(
    help: "The loss, last, and one or two costs: bytes,loss; latency,loss; bytes,latency,loss.")
  var axes = "bytes,loss"

  @OptionGroup var costs: DeviceOptions

  @Option(
    help: ArgumentHelp(
      "A limit to draw, on an axis. May be given several times.", valueName: "limit"))
  var budget: [String] = []

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
    if let measure, measure < 1 { throw ValidationError("--measure must be at least 1") }
  }

  func run() throws {
    try reportingErrors {
      let axes = axes.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      let budgets = try budget.map { try Budget(parsing: $0) }
      let source = try PlanningSource(study, estimator: estimator, raw: raw)
        .costed(
          costs.costs(needsMemory: axes.contains("resident")), progress: talk.progress)
      var frontier = try source.frontier(points: points, kind: kind.kind, axes: axes)
      if let measure, let model, let data {
        frontier = try OpenedModel(model).measured(
          frontier, points: measure,
          data: CalibrationOptions(path: data, samples: samples, length: length, seed: seed),
          part: all ? .all : .heldOut, of: source, workers: workers ?? Tool.defaultWorkers,
          progress: talk.progress)
      }
      if let output { _ = try FrontierFiles.write(frontier, to: output, budgets: budgets) }
      if talk.json { return try Console.json(frontier) }
      let drawn = budgets.first { $0.kind.rawValue == axes.first }
      Console.out(FrontierPlot.render(frontier, budget: drawn?.limit))
    }
  }
}

/// `bitbudget frontier merge`.
struct MergeFrontiers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Takes the best of two frontiers of one model.",
    discussion: """
      Keeps what no policy of either beats (of two hulls: their common hull). The frontiers must be of \
      one model, unit, kind and measurement.
      Example: bitbudget frontier merge a/frontier.json b/frontier.json -o both
      """)

  @Argument(help: ArgumentHelp("A frontier.json.", valueName: "first"))
  var first: String

  @Argument(help: ArgumentHelp("Another.", valueName: "second"))
  var second: String

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Directory for the files.", valueName: "directory"))
  var output: String?

  @Flag(help: "Write the result as JSON to standard output.")
  var json = false

  func run() throws {
    try reportingErrors {
      let frontier = try FrontierFiles.merged(first, second)
      if let output { _ = try FrontierFiles.write(frontier, to: output) }
      if json { return try Console.json(frontier) }
      Console.out(FrontierPlot.render(frontier))
    }
  }
}

/// `bitbudget frontier diff`.
struct CompareFrontiers: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Compares two frontiers of one model at the sizes that both have a policy for.",
    discussion: """
      At every size: the loss of each frontier's largest policy that fits, and which is better. Then \
      both hypervolumes within one reference point. A curve that was thinned counts with the points \
      that it keeps: draw with --points 100000 for all of them.
      Example: bitbudget frontier diff a/frontier.json b/frontier.json
               bitbudget frontier diff a/frontier.json b/frontier.json --measured --json
      """)

  @Argument(help: ArgumentHelp("A frontier.json.", valueName: "first"))
  var first: String

  @Argument(help: ArgumentHelp("Another.", valueName: "second"))
  var second: String

  @Flag(help: "Compare the measured losses of the points that have one.")
  var measured = false

  @Flag(help: "Write the result as JSON to standard output.")
  var json = false

  func run() throws {
    try reportingErrors {
      let difference = try FrontierFiles.difference(first, second, measured: measured)
      if json { return try Console.json(difference) }
      Console.out(FrontierDifferenceTable.render(difference, first: first, second: second))
    }
  }
}

/// `bitbudget frontier steps`.
struct FrontierSteps: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "steps",
    abstract: "Tells what changes between neighbours on a frontier, and what a megabyte buys.",
    discussion: """
      Example: bitbudget frontier steps frontier/frontier.json
      """)

  @Argument(help: ArgumentHelp("A frontier.json.", valueName: "frontier"))
  var frontier: String

  @Flag(help: "Write the result as JSON to standard output.")
  var json = false

  func run() throws {
    try reportingErrors {
      let (steps, unit) = try FrontierFiles.steps(frontier)
      if json { return try Console.json(steps) }
      Console.out(FrontierStepsTable.render(steps, unit: unit))
    }
  }
}
