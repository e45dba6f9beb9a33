import Vocabulary

/// Something whose speed has a target.
struct Benchmark: Sendable {
  /// The name for `--only`.
  var name: String
  /// Runs it.
  var rows: @Sendable (BenchSession) throws -> [BenchRow]

  /// Every benchmark, in the order in which they are run.
  ///
  /// What runs in this process comes last: its memory would count as that of later children.
  static let all: [Benchmark] = [
    .inspect, .efficientNet, .miniLM, .smolLM2, .plan, .estimatorMemory, .integerProgram,
    .optimizers, .roundTrip, .hessianProduct, .traces, .relevance, .prefixCaching,
  ]

  /// The benchmarks that were asked for; all when none was.
  ///
  /// - Throws: `UserError` with the nearest known name.
  static func named(_ names: [String]) throws -> [Benchmark] {
    let known = all.map(\.name)
    if let stranger = names.first(where: { !known.contains($0) }) {
      throw UserError.unknown(stranger, "benchmark", known: known)
    }
    return names.isEmpty ? all : all.filter { names.contains($0.name) }
  }
}
