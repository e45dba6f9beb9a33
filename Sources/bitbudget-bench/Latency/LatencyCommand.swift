import ArgumentParser
import Foundation
import Vocabulary

/// `bitbudget-bench latency`.
struct LatencyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "latency",
    abstract: "Predicts and measures latencies of real models on this machine, and trades them.",
    discussion: """
      For each of \(TimedModel.all.map(\.id).joined(separator: ", ")): times its kernels, compares 20 random \
      policies' predicted and measured times, draws the frontier of latency and loss, runs some of its \
      policies end to end, and lets bisection find the fastest policy whose answers stay. Needs an \
      otherwise idle machine. Kernels are timed anew.
      Example: bitbudget-bench latency --only efficientnet-lite0
      """)

  @Option(help: ArgumentHelp("This model alone; may be repeated.", valueName: "model"))
  var only: [String] = []

  @Option(help: "Random policies.")
  var random = 20

  @Option(help: "Points of the frontier that are run end to end.")
  var points = 6

  @Option(help: "Evaluations of the bisection.")
  var evaluations = 60

  @Option(name: .shortAndLong, help: ArgumentHelp("Where to write.", valueName: "directory"))
  var output = "Results/latency"

  func run() throws {
    if let stranger = only.first(where: { name in !TimedModel.all.contains { $0.id == name } }) {
      throw UserError.unknown(stranger, "model", known: TimedModel.all.map(\.id))
    }
    let tool = try BuiltTool()
    for model in TimedModel.all where only.isEmpty || only.contains(model.id) {
      guard FileManager.default.fileExists(atPath: model.path) else {
        print("\(model.id): '\(model.path)' is not there, left out")
        continue
      }
      var run = try LatencyRun(model, tool: tool)
      try run.make(random: random, points: points, evaluations: evaluations)
      try run.write(to: output)
      print("\(output)/\(model.id).md: \(duration(run.children.reduce(0) { $0 + $1.seconds }))")
    }
  }
}
