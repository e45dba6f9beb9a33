import ArgumentParser
import Foundation
import Vocabulary

/// `bitbudget-bench results`.
struct ResultsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "results",
    abstract: "Measures, plans and proves on real models, and writes what came of it.",
    discussion: """
      Models: \(StudiedModel.all.map(\.id).joined(separator: ", ")). Each one's files are written when all \
      its runs have succeeded.
      Example: bitbudget-bench results --only minilm
      """)

  @Option(help: ArgumentHelp("This model alone; may be repeated.", valueName: "model"))
  var only: [String] = []

  @Flag(help: "Run nothing; write the pages again from the files that are there.")
  var pages = false

  @Option(name: .shortAndLong, help: ArgumentHelp("Where to write.", valueName: "directory"))
  var output = "Results"

  func run() throws {
    let models = try StudiedModel.named(only)
    if pages { return try rewritePages(models) }
    try FileManager.default.createDirectory(
      atPath: ModelRun.root, withIntermediateDirectories: true)
    try locked("\(ModelRun.root)/.lock") { try make(models) }
  }

  private func make(_ models: [StudiedModel]) throws {
    let tool = try BuiltTool()
    var total = 0.0
    for model in models {
      var run = try ModelRun(model, tool: tool)
      try run.run()
      let results = try ModelResults(folder: run.folder)
      let provenance = try Provenance(of: run, results: results)
      try write(results, provenance, from: run.folder, id: model.id)
      total += provenance.seconds
      print("\(output)/\(model.id): \(duration(provenance.seconds))")
    }
    try write(SummaryPage.text(folder: output), to: "\(output)/README.md")
    print("\(output)/README.md: \(duration(total)) in all")
  }

  private func rewritePages(_ models: [StudiedModel]) throws {
    for model in models {
      let folder = "\(output)/\(model.id)"
      guard
        let data = FileManager.default.contents(
          atPath: "\(folder)/\(ModelResults.provenanceFile)")
      else { continue }
      let provenance = try JSONDecoder().decode(Provenance.self, from: data)
      let results = try ModelResults(folder: folder)
      try write(ModelPage.text(results, provenance, id: model.id), to: "\(folder)/README.md")
    }
    try write(SummaryPage.text(folder: output), to: "\(output)/README.md")
  }

  private func write(
    _ results: ModelResults, _ provenance: Provenance, from work: String, id: String
  ) throws {
    let folder = "\(output)/\(id)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in ModelResults.measuredFiles {
      let data = try Data(contentsOf: URL(fileURLWithPath: "\(work)/\(name)"))
      try data.write(to: URL(fileURLWithPath: "\(folder)/\(name)"), options: .atomic)
    }
    try write(ModelPage.text(results, provenance, id: id), to: "\(folder)/README.md")
    try write(
      sortedJSON(provenance) + "\n", to: "\(folder)/\(ModelResults.provenanceFile)")
  }

  private func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
  }
}
