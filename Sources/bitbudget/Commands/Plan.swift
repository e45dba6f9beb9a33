import ArgumentParser
import Export
import Tuning
import Vocabulary

/// `bitbudget plan`.
struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Chooses a format for every layer under a budget, from measurements alone.",
    discussion: """
      STUDY is a study's directory or a sensitivity table (bitbudget.table/1). Needs neither the model \
      nor data.
      Example: bitbudget plan study --budget 4.5bpw --pin 'token_embd=int8-g64' -o policy.json
               bitbudget plan study --device here --budget 12ms --budget 90MB
               bitbudget plan study --device t4 --budget 0.02nats --minimise latency
               bitbudget plan study --fit 24GB --context 32768
      """)

  @Argument(help: "A study's directory, or a sensitivity table.")
  var study: String

  @OptionGroup var choice: ChoiceOptions
  @OptionGroup var costs: DeviceOptions

  @Option(
    help: ArgumentHelp(
      "Memory for weights, keys and values and workspace (see --context): 24GB.", valueName: "size")
  )
  var fit: SizeLimit?

  @Option(help: "Plan from this estimator's scores (default: the newest complete measurement).")
  var estimator: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("Where to write the policy.", valueName: "path"))
  var output: String?

  @OptionGroup var talk: OutputOptions

  func validate() throws {
    guard !choice.budget.isEmpty || fit != nil else {
      throw ValidationError("give at least one --budget, e.g. --budget 4.5bpw")
    }
  }

  func run() throws {
    try reportingErrors {
      var options = try choice.planning(estimator: estimator)
      if let fit { options.budgets.append(Budget(.resident, Double(fit.bytes))) }
      let needsMemory = options.budgets.contains { $0.kind == .resident }
      let policy = try PlanningSource(study, estimator: estimator, raw: choice.raw)
        .costed(costs.costs(needsMemory: needsMemory), progress: talk.progress).plan(options)
      if let output { try PolicyFile.write(policy, to: output) }
      if talk.json { return Console.out(try PolicyFile.text(policy)) }
      Console.out(policy.summary)
    }
  }
}
