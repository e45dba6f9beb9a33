import ArgumentParser
import Foundation
import Tuning
import Vocabulary

/// `bitbudget-bench exchange`.
struct ExchangeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exchange",
    abstract: "What `exchange` and `quadratic` gain over `ilp` on SmolLM2 at few bits.",
    discussion: """
      At each budget the fisher-channel `ilp` policy is where `search --strategy exchange` starts, and its \
      300 evaluations are proven on text that nothing was measured on. Beside it: the policy of \
      `quadratic` on output-delta. What a killed run has measured is used again.
      Example: bitbudget-bench exchange -o Results/search
      """)

  /// Formats to choose from, with the budgets at which that is a choice.
  private struct Case {
    var study: String
    var formats: [String]?
    var budgets: [String]
  }

  /// The tool's own formats end at int2-g64, which is all of 2.5 bpw: there a smaller one is added.
  private static let cases = [
    Case(study: "standard", formats: nil, budgets: ["3", "3.25"]),
    Case(
      study: "study",
      formats: [
        "int2-g128", "int2-g64", "int3-g64", "int4-g64", "int5-g64", "int6-g64", "int8-g64",
      ], budgets: ["2.5", "3"]),
  ]
  private static let folder = ".build/results/exchange"

  @Option(name: .shortAndLong, help: ArgumentHelp("Where to write.", valueName: "directory"))
  var output = "Results/search"

  func run() throws {
    let tool = try BuiltTool()
    try FileManager.default.createDirectory(
      atPath: Self.folder, withIntermediateDirectories: true)
    var rows: [ExchangeRow] = []
    for item in Self.cases {
      let study = "\(Self.folder)/\(item.study)"
      func measure(_ estimator: String, samples: Int, length: Int) throws {
        let formats = item.formats.map { ["--formats", $0.joined(separator: ",")] } ?? []
        _ = try tool.run(
          [
            "measure", RealModels.smolLM2, "--data", RealModels.text, "--all", "--estimator",
            estimator, "--samples", "\(samples)", "--length", "\(length)", "-o", study,
          ] + formats, output: "/dev/null")
      }
      try measure("fisher-channel", samples: 16, length: 256)
      // A pass for every candidate: once is enough, on the larger set of formats.
      if item.formats != nil { try measure("output-delta", samples: 2, length: 48) }
      rows += try item.budgets.map { budget in
        try row(
          budget: budget, study: study, stem: item.formats == nil ? "standard" : "search",
          withQuadratic: item.formats != nil, tool: tool)
      }
    }
    try Data((sortedJSON(rows) + "\n").utf8).write(
      to: URL(fileURLWithPath: "\(output)/exchange.json"), options: .atomic)
    let text = page(rows)
    try Data(text.utf8).write(
      to: URL(fileURLWithPath: "\(output)/exchange.md"), options: .atomic)
    print(text)
  }

  private func row(
    budget: String, study: String, stem: String, withQuadratic: Bool, tool: BuiltTool
  ) throws -> ExchangeRow {
    let search = "\(Self.folder)/\(stem)-\(budget)"
    _ = try tool.run(
      [
        "search", RealModels.smolLM2, "--data", RealModels.text, "--heldout",
        RealModels.heldOutText, "--samples", "16", "--length", "128", "--study", study,
        "--estimator", "fisher-channel", "--budget", "\(budget)bpw", "--strategy", "exchange",
        "--evaluations", "300", "--policy", "\(search)-policy.json", "--json", "-o", search,
      ], output: search + ".json")
    let report: SearchReport = try read(search + ".json")
    return try ExchangeRow(
      formats: stem == "standard" ? "standard" : "and int2-g128", budget: budget, report: report,
      quadratic: withQuadratic
        ? quadraticLoss(budget: budget, study: study, tool: tool) : nil)
  }

  private func quadraticLoss(budget: String, study: String, tool: BuiltTool) throws
    -> VerifiedEntry
  {
    let policy = "\(Self.folder)/quadratic-\(budget).json"
    _ = try tool.run(
      [
        "plan", study, "--estimator", "output-delta", "--optimizer", "quadratic", "--budget",
        "\(budget)bpw", "-o", policy,
      ], output: "/dev/null")
    let proof = "\(Self.folder)/verify-\(budget).json"
    // Exit code 1 is no failure here: whether a uniform format wins is in the report.
    _ = try tool.run(
      [
        "verify", RealModels.smolLM2, policy, "--data", RealModels.heldOutText, "--all",
        "--samples", "16", "--length", "128", "--baselines", "int2-g128", "--json",
      ], output: proof, accepted: [0, 1])
    let report: VerificationReport = try read(proof)
    return report.policy
  }

  private func read<Report: Decodable>(_ path: String) throws -> Report {
    try JSONDecoder().decode(Report.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func page(_ rows: [ExchangeRow]) -> String {
    let cells = rows.map { row in
      [
        row.formats, row.budget, fixed(row.seed, digits: 3), fixed(row.searched, digits: 3),
        interval(row.gain, row.gainInterval), "\(row.evaluations)",
        row.quadratic.map { interval($0.loss, $0.interval) } ?? "",
      ]
    }
    return """
      # `exchange` and `quadratic` on SmolLM2 at few bits

      Made by `bitbudget-bench exchange`; do not edit. SmolLM2-135M (dequantized from Q4_1, permuted), the
      standard formats (int2-g64 to int8-g64), and the same with int2-g128, without which 2.5 bpw leaves no
      choice. `ilp` plans from fisher-channel (16 x 256 tokens) and is where `exchange` starts; at most 300 staged
      evaluations on 16 x 128 tokens. Held-out KL in nats per token on 16 x 128 tokens of another text, with
      95 % bootstrap intervals; the gain is paired by sample. `quadratic` plans from output-delta (2 x 48
      tokens). At these widths nothing is second order, and the network is not usable.

      \(Markdown.table(
        ["formats", "bpw", "ilp", "exchange", "gain", "evaluations", "quadratic"], cells))

      """
  }

  private func interval(_ mean: Double, _ interval: Interval) -> String {
    "\(fixed(mean, digits: 3)) [\(fixed(interval.low, digits: 3)), \(fixed(interval.high, digits: 3))]"
  }
}

/// What was found at one budget, held out.
struct ExchangeRow: Codable {
  /// The formats to choose from.
  var formats: String
  /// Bits per weight.
  var budget: String
  /// The loss of the `ilp` policy.
  var seed: Double
  /// The loss of the policy that the search found.
  var searched: Double
  /// How much less it loses, paired by sample.
  var gain: Double
  /// The gain's 95 % bootstrap interval.
  var gainInterval: Interval
  /// Evaluations that were made.
  var evaluations: Int
  /// The held-out entry of the `quadratic` policy; nil where none was planned.
  var quadratic: VerifiedEntry?

  init(formats: String, budget: String, report: SearchReport, quadratic: VerifiedEntry?) throws {
    guard let found = report.heldOut.first, found.name == "searched",
      let seed = report.heldOut.first(where: { $0.name == "ilp" }), let gain = seed.excess,
      let gainInterval = seed.excessInterval
    else {
      throw UserError(.failed, "the search at \(budget) bpw found nothing but its seed")
    }
    self.formats = formats
    self.budget = budget
    self.seed = seed.loss
    searched = found.loss
    self.gain = gain
    self.gainInterval = gainInterval
    evaluations = report.evaluations
    self.quadratic = quadratic
  }
}
