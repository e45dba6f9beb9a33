import ArgumentParser

/// Runs the built `bitbudget` on real models: how fast it is, and what it finds.
///
/// To be run in a checkout after `make fixtures`; `make bench` and `make results` do that.
@main
struct BitbudgetBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bitbudget-bench",
    abstract: "Runs the built bitbudget on real models: how fast it is, and what it finds.",
    subcommands: [
      BenchCommand.self, ResultsCommand.self, PipelineCommand.self, SearchCommand.self,
      LatencyCommand.self, ExchangeCommand.self,
      TrustCommand.self, PassesCommand.self,
    ],
    defaultSubcommand: BenchCommand.self)
}
