import ArgumentParser
import Calibration
import Foundation
import Quantization
import Tuning
import Vocabulary

/// `bitbudget-bench pipelines`.
struct PipelineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pipelines",
    abstract: "How many trials each search strategy takes to the best of 96 measured pipelines.",
    discussion: """
      Measures every point of SearchSpaces/pipeline.yaml and quantune.yaml on EfficientNet-Lite0 and \
      MiniLM once, keeps the tables, and lets the strategies search them from 30 seeds. The score of a \
      point is its loss plus a price per megabyte. The transfer row starts from all of MiniLM's trials.
      Example: bitbudget-bench pipelines -o Results/search
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("Where to write.", valueName: "directory"))
  var output = "Results/search"

  @Option(help: "Seeds for each strategy.")
  var seeds = 30

  @Option(help: "One space alone: pipeline or quantune.")
  var only: String?

  @Flag(help: "Measure nothing; race on the tables that are there.")
  var race = false

  func run() throws {
    // Widths cost bytes; how inputs are rounded costs none, so accuracy alone counts, as in Quantune.
    let spaces = [
      (name: "pipeline", stem: "pipelines", prices: (0.5, 0.01)),
      (name: "quantune", stem: "quantune", prices: (0, 0)),
    ]
    guard only == nil || spaces.contains(where: { $0.name == only }) else {
      throw UserError.unknown(only ?? "", "space", known: spaces.map(\.name))
    }
    try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    for (name, stem, prices) in spaces where only == nil || only == name {
      let space = try PipelineSpace(
        parsing: String(contentsOfFile: "SearchSpaces/\(name).yaml", encoding: .utf8))
      let target = try table(
        space, model: RealModels.efficientNet, data: RealModels.photos, samples: 64,
        price: prices.0, file: "\(stem)-efficientnet-lite0.json")
      let source = try table(
        space, model: RealModels.miniLM, data: RealModels.sentences, samples: 64,
        price: prices.1, file: "\(stem)-minilm.json")
      let entrants = PipelineRace(space: space, target: target, source: source)
      let rows = try entrants.rows(seeds: UInt64(seeds))
      let text = PipelinePage.text(rows, race: entrants, name: name, stem: stem, seeds: seeds)
      try Data(text.utf8).write(
        to: URL(fileURLWithPath: "\(output)/\(stem).md"), options: .atomic)
      print(text)
    }
  }

  /// The table of a model, measured and kept in `file`; read from there for a race alone.
  private func table(
    _ space: PipelineSpace, model: String, data: String, samples: Int, price: Double, file: String
  ) throws -> PipelineTable {
    let path = "\(output)/\(file)"
    if race {
      return try JSONDecoder().decode(
        PipelineTable.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }
    let opened = try OpenedModel(model)
    let table = PipelineTable(
      model: opened.name, data: data, samples: samples, price: price,
      results: try opened.measurePipelines(
        space, data: CalibrationOptions(path: data, samples: samples, length: nil, seed: 1),
        part: .all, workers: Tool.defaultWorkers, progress: { _ in }))
    try Data((sortedJSON(table) + "\n").utf8).write(
      to: URL(fileURLWithPath: path), options: .atomic)
    return table
  }
}

/// Every point of a pipeline space, measured on one model.
struct PipelineTable: Codable {
  /// The model's name.
  var model: String
  /// The data that the losses are means over.
  var data: String
  /// The number of samples.
  var samples: Int
  /// Loss that a megabyte (10⁶ bytes) is worth.
  var price: Double
  /// The points.
  var results: [PipelineResult]

  /// Loss plus price: what is to be small.
  func score(_ result: PipelineResult) -> Double {
    result.loss + price * Double(result.bytes) / 1e6
  }

  /// The smallest score.
  var best: PipelineResult? { results.min { score($0) < score($1) } }
}
