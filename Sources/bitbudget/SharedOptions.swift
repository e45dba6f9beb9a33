import ArgumentParser
import Foundation
import Tuning
import Vocabulary

/// Options that every verb has.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Write the result as JSON to standard output.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress on standard error.")
  var quiet = false

  var progress: ProgressHandler {
    let line = ProgressLine(quiet: quiet)
    return { line.show($0) }
  }
}

/// Options of verbs that run the network on data.
struct DataOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A text file (.txt, .jsonl), a folder of images, an .npz or a .safetensors file.",
      valueName: "path"))
  var data: String

  @Option(
    help: "Samples to use: sequences, sentences or pictures (default 32 sequences, else 128).")
  var samples: Int?

  @Option(help: "Tokens in a text sample (default 512, or what the model takes).")
  var length: Int?

  @Option(help: "Decides everything random.")
  var seed: UInt64 = 1

  @Option(help: "Threads, one job each (default: one a core).")
  var workers: Int?

  func validate() throws {
    if let samples, samples < 1 { throw ValidationError("--samples must be at least 1") }
    if let length, length < 2 { throw ValidationError("--length must be at least 2") }
    if let workers, workers < 1 { throw ValidationError("--workers must be at least 1") }
  }

  var calibration: CalibrationOptions {
    CalibrationOptions(path: data, samples: samples, length: length, seed: seed)
  }

  var threads: Int { workers ?? Tool.defaultWorkers }
}

/// Which formats are tried.
struct FormatOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Candidate formats, separated by commas; see `bitbudget list formats`.",
      valueName: "format,..."))
  var formats: String?

  func names() throws -> [String] {
    guard let formats else { return DefaultFormats.names }
    let items = formats.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    guard !items.isEmpty else {
      throw UserError(.usage, "--formats names no format; write for example int3-g64,int4-g64")
    }
    return try DefaultFormats.expand(items)
  }
}

/// Options of verbs that choose a policy.
struct ChoiceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A limit: 4.5bpw, 90MB, 1.5GiB, 12ms, 3mJ, 0.02nats, bops=4e9, bits=4. May be given several times.",
      valueName: "limit"))
  var budget: [String] = []

  @Option(help: "Optimizer; see `bitbudget list optimizers`.")
  var optimizer = "ilp"

  @Option(
    help: ArgumentHelp(
      "Fix the format of layers: GLOB=FORMAT, e.g. 'token_embd=int8-g64' or '*.0.*=int6-g64'.",
      valueName: "glob=format"))
  var pin: [String] = []

  @Flag(help: "Take losses as they are, also where they rise with size or are negative.")
  var raw = false

  @Option(help: "Seconds that the optimizer may take.")
  var solveTime = 20.0

  @Option(
    help: ArgumentHelp(
      "Forbid a format: GLOB=FORMAT, e.g. '*=int2-g64'.", valueName: "glob=format"))
  var exclude: [String] = []

  @Option(
    help: ArgumentHelp(
      "Layers that match take one format together. May be given several times.", valueName: "glob"))
  var tie: [String] = []

  @Flag(help: "Layers of one block (names equal up to their first number) take one format.")
  var tieBlocks = false

  @Option(help: "The most formats that the policy may have.")
  var maxFormats: Int?

  @Option(
    help: ArgumentHelp(
      "Only what this runtime loads, its fused layers in one format; see `bitbudget list runtimes`.",
      valueName: "runtime"))
  var runtime: String?

  @Option(
    help: ArgumentHelp(
      "What to make small (default: the loss, or the bytes under a loss budget).",
      valueName: "cost"))
  var minimise: String?

  func planning(estimator: String?) throws -> PlanningOptions {
    var options = PlanningOptions(
      budgets: try budget.map { try Budget(parsing: $0) }, estimator: estimator,
      optimizer: optimizer, pins: try pin.map(Pin.init(parsing:)), raw: raw, timeLimit: solveTime)
    options.exclusions = try exclude.map(Pin.init(parsing:))
    (options.ties, options.tiesBlocks, options.formatLimit) = (tie, tieBlocks, maxFormats)
    options.runtime = runtime
    options.objective = try minimise.map { name in
      guard let kind = CostKind(rawValue: name) else {
        throw UserError.unknown(name, "cost", known: CostKind.allCases.map(\.rawValue))
      }
      return kind
    }
    return options
  }
}

/// A length of time: `90s`, `30m`, `2h`.
struct TimeLimit: ExpressibleByArgument {
  var seconds: Double

  init?(argument: String) {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    guard let unit = argument.last.flatMap({ units[$0] }),
      let number = Double(argument.dropLast()), number > 0
    else { return nil }
    seconds = number * unit
  }
}

/// A size: `12GB`, `8GiB`.
struct SizeLimit: ExpressibleByArgument {
  var bytes: Int

  init?(argument: String) {
    guard let size = ByteCount(parsing: argument), size.bytes > 0 else { return nil }
    bytes = size.bytes
  }
}
