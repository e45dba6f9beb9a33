import ArgumentParser
import Foundation
import Optimization
import Vocabulary

/// `bitbudget-bench search`.
struct SearchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search",
    abstract: "The hypervolume of our frontier searches against pymoo's and optuna's.",
    discussion: """
      Two problems of bytes and loss, 250 evaluations, ten seeds: a toy with interactions, and the \
      measured sensitivity table of EfficientNet-Lite0. Needs python3 with venv; pymoo and optuna are \
      installed into .fixtures/search-venv when they are not there.
      Example: bitbudget-bench search -o Results/search
      """)

  @Option(name: .shortAndLong, help: ArgumentHelp("Where to write.", valueName: "directory"))
  var output = "Results/search"

  @Option(help: ArgumentHelp("Where the evaluations are kept.", valueName: "directory"))
  var work = ".build/results/search"

  @Option(help: "Evaluations of each search.")
  var evaluations = 250

  @Flag(help: "Run ours only, against the others' evaluations that are there.")
  var ours = false

  @Option(help: "Only these of ours.")
  var only: [String] = []

  /// As many as the others' script has.
  private static let seeds = 10
  private static let python = ".fixtures/search-venv/bin/python"
  private static let study = ".build/results/efficientnet-lite0/study"

  func run() throws {
    for directory in [output, work] {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true)
    }
    let tasks = [
      try SearchTask.toy(seed: 20, evaluations: evaluations), try measuredTask(),
    ]
    var versions: [String: String] = [:]
    let comparisons = try tasks.map { task in
      let problem = "\(output)/problem-\(task.name).json"
      let others = "\(work)/others-\(task.name).json"
      try write(task, to: problem)
      if !ours { try script(["rivals", problem, others]) }
      let rivals = try JSONDecoder().decode(
        SearchRuns.self, from: Data(contentsOf: URL(fileURLWithPath: others)))
      versions = rivals.versions
      let own = try SearchRuns.measured(on: task, seeds: Self.seeds, only: only)
      try write(own, to: "\(work)/ours-\(task.name).json")
      return try SearchComparison(task, ours: own, others: rivals)
    }
    let text = SearchPage.text(comparisons, versions: versions, seeds: Self.seeds)
    try Data((sortedJSON(Stored(versions: versions, problems: comparisons)) + "\n").utf8).write(
      to: URL(fileURLWithPath: "\(output)/comparison.json"), options: .atomic)
    try Data(text.utf8).write(
      to: URL(fileURLWithPath: "\(output)/comparison.md"), options: .atomic)
    print(text)
  }

  /// What `comparison.json` holds.
  private struct Stored: Encodable {
    var seeds = Array(0..<SearchCommand.seeds)
    var reference = SearchFrame.reference
    var versions: [String: String]
    var problems: [SearchComparison]
  }

  /// The table of `make results`, or the one that is there.
  private func measuredTask() throws -> SearchTask {
    let path = "\(output)/table-efficientnet-lite0.json"
    if !ours, FileManager.default.fileExists(atPath: Self.study) {
      try script(["table", Self.study, path])
    }
    let table = try JSONDecoder().decode(
      SensitivityTable.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    return try SearchTask(
      ScoreRepair.repaired(table, across: .family), name: "efficientnet-lite0",
      title: "EfficientNet-Lite0's measured table, added up", evaluations: evaluations)
  }

  private func script(_ arguments: [String]) throws {
    if !FileManager.default.fileExists(atPath: Self.python) {
      try finish("/usr/bin/python3", ["-m", "venv", ".fixtures/search-venv"])
      try finish(
        Self.python,
        ["-m", "pip", "install", "-q", "--disable-pip-version-check"]
          + ["pymoo==0.6.2", "optuna==5.0.0"])
    }
    try finish(Self.python, ["Results/compare_search.py"] + arguments)
  }

  private func finish(_ program: String, _ arguments: [String]) throws {
    let child = try Child.run(program, arguments, output: "/dev/null")
    guard child.code == 0 else {
      throw UserError(.failed, "'\(program) \(arguments.joined(separator: " "))' failed")
    }
  }

  private func write(_ value: some Encodable, to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try (encoder.encode(value) + Data("\n".utf8)).write(
      to: URL(fileURLWithPath: path), options: .atomic)
  }
}
