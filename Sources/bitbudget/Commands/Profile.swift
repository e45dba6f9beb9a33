import ArgumentParser
import Calibration
import Export
import Foundation
import Tuning
import Vocabulary

/// `bitbudget profile`.
struct Profile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Times the kernels of a model's layers on this machine, and whole runs of it.",
    discussion: """
      Kernels that were timed before, for whatever model, are not timed again. What is found is kept for \
      `--device here`; with -o it is written as a table that `--device FILE` takes elsewhere. Without a \
      model, this machine's peaks are probed and written as a profile (-o here.yaml). Formats without an \
      integer kernel run as singles after unpacking.
      With --policy or --random, policies are run end to end on the real kernels and compared with what is \
      predicted: the sum of their kernels, and the same scaled to whole runs.
      Example: bitbudget profile model.onnx --data photos --study study
               bitbudget profile minilm --length 128 --formats fp32,int8-channel/int8-tensor -o here.json
               bitbudget profile model.onnx --policy policy.json --random 20
      """)

  @Argument(
    help: "An .onnx file, a .gguf file or a Hugging Face directory; none probes the machine.")
  var model: String?

  @Option(help: "Where to time: here.")
  var device = Devices.here

  @Option(
    help: ArgumentHelp(
      "Data of which the first sample is run (default: a made-up input).", valueName: "path"))
  var data: String?

  @Option(help: "Samples at a time.")
  var batch = 1

  @Option(help: "Tokens of a text, or pixels of a picture's side where the model leaves them open.")
  var length: Int?

  @Option(
    help: ArgumentHelp("Formats to time, separated by commas.", valueName: "format,..."))
  var formats = "fp32,bf16,int8-channel/int8-tensor"

  @Option(help: "Threads of a kernel.")
  var threads = 1

  @Option(
    help: ArgumentHelp(
      "A policy to run end to end. May be given several times.", valueName: "policy.json"))
  var policy: [String] = []

  @Option(help: "Random policies to run end to end.")
  var random = 0

  @Option(help: "Decides the random policies.")
  var seed: UInt64 = 1

  @Option(help: "Runs of each policy.")
  var rounds = 15

  @Option(
    help: ArgumentHelp("A study that gets the sizes of the model's layers.", valueName: "study"))
  var study: String?

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Where to write what was found.", valueName: "path"))
  var output: String?

  @OptionGroup var talk: OutputOptions

  func validate() throws {
    if batch < 1 { throw ValidationError("--batch must be at least 1") }
    if let length, length < 1 { throw ValidationError("--length must be at least 1") }
    if random < 0 { throw ValidationError("--random must not be negative") }
    if rounds < 3 { throw ValidationError("--rounds must be at least 3") }
    if threads < 1 { throw ValidationError("--threads must be at least 1") }
    guard device == Devices.here else {
      throw ValidationError("kernels can be timed on '\(Devices.here)' alone, not on '\(device)'")
    }
  }

  func run() throws {
    try reportingErrors {
      guard let model else { return try probe() }
      let names = formats.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      let input = RunInput(
        data: data.map { CalibrationOptions(path: $0, samples: 1, length: length, seed: 1) },
        batch: batch, length: length)
      guard policy.isEmpty, random == 0 else {
        let check = try OpenedModel(model).checkLatency(
          input, policies: try policy.map { ($0, try PolicyFile.read($0)) }, random: random,
          formats: names, seed: seed, threads: threads, rounds: rounds, progress: talk.progress)
        if talk.json { return try Console.json(check) }
        return Console.out(check.text)
      }
      let report = try OpenedModel(model).profile(
        input, formats: names, study: study, threads: threads, progress: talk.progress)
      if let output { try report.write(to: output) }
      if talk.json { return try Console.json(report) }
      Console.out(report.text)
    }
  }

  private func probe() throws {
    let profile = try Devices.probe(threads: threads, progress: talk.progress)
    if let output { try profile.write(to: output) }
    if talk.json { return try Console.json(profile) }
    Console.out(profile.text)
  }
}

/// Options of verbs that know costs beside the bytes.
struct DeviceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Whose latencies: here, a profile (`bitbudget list devices`), or a file (.yaml, .csv, .json).",
      valueName: "device"))
  var device: String?

  @Option(help: ArgumentHelp("Sizes of the layers, for a table.", valueName: "geometry.json"))
  var geometry: String?

  @Option(help: "Tokens in memory: adds keys and values to what is resident.")
  var context: Int?

  @Option(help: "Sequences at a time, for --context.")
  var batch = 1

  @Option(help: "The format of keys and values, for --context.")
  var cacheFormat = "fp16"

  func validate() throws {
    if let context, context < 0 { throw ValidationError("--context must not be negative") }
    if batch < 1 { throw ValidationError("--batch must be at least 1") }
  }

  /// - Parameter needsMemory: Whether resident bytes are asked for without a context.
  func costs(needsMemory: Bool = false) -> CostOptions {
    var options = CostOptions()
    (options.device, options.geometry) = (device, geometry)
    options.context = context ?? (needsMemory ? 0 : nil)
    (options.batch, options.cacheFormat) = (batch, cacheFormat)
    return options
  }
}
