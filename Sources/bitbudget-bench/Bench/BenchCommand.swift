import ArgumentParser
import Foundation
import Vocabulary

/// `bitbudget-bench bench`.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measures time and memory of the built tool against the targets.",
    discussion: """
      Benchmarks: \(Benchmark.all.map(\.name).joined(separator: ", ")).
      Short ones are run five times and the median is told. The targets are for two otherwise idle cores.
      Example: bitbudget-bench bench --only inspect --only plan
      """)

  @Option(help: ArgumentHelp("Run this benchmark alone; may be repeated.", valueName: "name"))
  var only: [String] = []

  @Flag(help: "Write the rows as JSON to standard output.")
  var json = false

  /// What `--json` writes.
  private struct Report: Encodable {
    var machine: Machine
    var load: Double?
    var rows: [BenchRow]
  }

  func run() throws {
    let benchmarks = try Benchmark.named(only)
    let session = try BenchSession()
    let machine = Machine.current
    let load = Machine.load
    let rows = try benchmarks.flatMap { benchmark in
      FileHandle.standardError.write(Data("\(benchmark.name) ...\n".utf8))
      return try benchmark.rows(session)
    }
    if json { return print(try sortedJSON(Report(machine: machine, load: load, rows: rows))) }
    print("\(machine.processor), \(machine.cores) cores, \(ByteCount(Int(machine.memory)))")
    if let load, load > 0.5 {
      print("the machine was busy (load \(fixed(load, digits: 1))): these times are too long")
    }
    print("\n" + BenchTable.render(rows))
  }
}
