import ArgumentParser
import Foundation
import Vocabulary

/// `bitbudget-bench trust`.
struct TrustCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trust",
    abstract: "Compares the estimators on real models and writes the tables of trust.",
    discussion: """
      Models: \(TrustedModel.all.map(\.id).joined(separator: ", ")); those that are not in .fixtures are left \
      out (`make vit` makes the vision transformer).
      Example: bitbudget-bench trust --only minilm
      """)

  @Option(help: ArgumentHelp("This model alone; may be repeated.", valueName: "model"))
  var only: [String] = []

  @Option(name: .shortAndLong, help: ArgumentHelp("Where to write.", valueName: "directory"))
  var output = "Results/trust"

  /// How a table came to be.
  private struct Record: Encodable {
    var commit: String
    var dirty: Bool
    var date: String
    var machine: Machine
    var children: [Provenance.Child]
  }

  func run() throws {
    if let stranger = only.first(where: { name in !TrustedModel.all.contains { $0.id == name } }) {
      throw UserError.unknown(stranger, "model", known: TrustedModel.all.map(\.id))
    }
    let tool = try BuiltTool()
    for model in TrustedModel.all where only.isEmpty || only.contains(model.id) {
      guard FileManager.default.fileExists(atPath: model.path) else {
        print("\(model.id): '\(model.path)' is not there, left out")
        continue
      }
      try make(model, tool)
    }
  }

  private func make(_ model: TrustedModel, _ tool: BuiltTool) throws {
    let work = "\(ModelRun.root)/trust-\(model.id)"
    try? FileManager.default.removeItem(atPath: work)
    for directory in [work, output] {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true)
    }
    let checkout = try GitState(scratch: work + "/git.txt")
    var children: [Provenance.Child] = []
    func run(_ arguments: [String], to file: String) throws {
      let child = try tool.run(arguments, output: file)
      children.append(
        .init(
          command: tool.command(arguments), seconds: (child.seconds * 100).rounded() / 100,
          peakMegabytes: child.peakBytes / 1_000_000))
    }
    // One process each, so that each one's memory is its own.
    for estimator in model.estimators {
      try run(
        ["measure", model.path] + model.calibration
          + ["--formats", TrustedModel.formats, "--estimator", estimator, "-q", "-o", work],
        to: work + "/measured.txt")
    }
    let trust = ["trust", model.path, work] + model.proof + ["-q"]
    try run(trust + ["--json"], to: work + "/trust.json")
    try run(trust + ["--markdown"], to: work + "/trust.md")
    let table = try String(contentsOfFile: work + "/trust.md", encoding: .utf8)
    let page = """
      # Which estimator to trust: \(model.id)

      Made by `bitbudget-bench trust`; do not edit.

      \(table)
      Measured with \(model.estimators.count) estimators:

      \(Markdown.table(
        ["command", "seconds", "peak MB"],
        children.map { ["`\($0.command)`", fixed($0.seconds, digits: 1), "\($0.peakMegabytes)"] }))

      """
    try Data(page.utf8).write(
      to: URL(fileURLWithPath: "\(output)/\(model.id).md"), options: .atomic)
    let json = try Data(contentsOf: URL(fileURLWithPath: work + "/trust.json"))
    try json.write(to: URL(fileURLWithPath: "\(output)/\(model.id).json"), options: .atomic)
    let record = Record(
      commit: checkout.commit, dirty: checkout.dirty,
      date: ISO8601DateFormatter().string(from: Date()), machine: .current, children: children)
    try Data((sortedJSON(record) + "\n").utf8).write(
      to: URL(fileURLWithPath: "\(output)/\(model.id)-provenance.json"), options: .atomic)
    print("\(output)/\(model.id).md: \(duration(children.reduce(0) { $0 + $1.seconds }))")
  }
}

/// A model that estimators are compared on.
struct TrustedModel: Sendable {
  /// The page's name in `Results/trust`.
  var id: String
  /// Where it is.
  var path: String
  /// Options that give `measure` its data.
  var calibration: [String]
  /// Options that give `trust` other data, and its budgets.
  var proof: [String]
  /// Those that are compared.
  var estimators: [String]

  /// The candidates of every layer.
  static let formats = "int2-g64,int3-g64,int4-g64,int8-g64"

  /// Those that cost no more than some tens of passes a sample.
  static let quick = [
    "exact-kl", "fisher-channel", "fisher-output", "gauss-newton-trace", "fisher-trace", "taylor",
    "gradient-error", "gradient-error-absolute", "lrp", "lrp-error", "block-importance", "lim",
    "zd", "outlier", "kurtosis", "weight-kl", "activation-weighted", "output-error",
    "output-error-rsq", "weight-error",
  ]

  /// Those that run the network for every candidate, or differentiate twice.
  static let slow = [
    "output-delta", "sqnr", "exact-loss", "exact-kl-from-8bit", "quadratic", "interlayer",
    "hutchinson", "hessian-error",
  ]

  /// Those that only small networks are worth.
  static let verySlow = ["hutchinson-blocked", "top-eigenvalue", "shapley", "pairs"]

  /// The models, quick ones first.
  static let all = [
    TrustedModel(
      id: "minilm", path: RealModels.miniLM,
      calibration: ["--data", RealModels.sentences, "--samples", "32", "--all"],
      proof: [
        "--data", RealModels.sentences, "--heldout", RealModels.documents, "--samples", "32",
      ],
      estimators: quick + slow + verySlow),
    TrustedModel(
      id: "vit", path: ".fixtures/vit/model.onnx",
      calibration: ["--data", ".fixtures/vit/calibration.npz", "--samples", "64", "--all"],
      proof: [
        "--data", ".fixtures/vit/calibration.npz", "--heldout", ".fixtures/vit/heldout.npz",
        "--samples", "1000",
      ],
      estimators: quick + slow + verySlow),
    TrustedModel(
      id: "efficientnet-lite0", path: RealModels.efficientNet,
      calibration: ["--data", RealModels.photos, "--samples", "8", "--all"],
      proof: [
        "--data", RealModels.photos, "--heldout", RealModels.heldOutPhotos, "--samples", "24",
      ],
      estimators: quick + slow),
    TrustedModel(
      id: "smollm2", path: RealModels.smolLM2,
      calibration: ["--data", RealModels.text, "--samples", "2", "--length", "48", "--all"],
      proof: [
        "--data", RealModels.text, "--heldout", RealModels.heldOutText, "--samples", "8",
        "--length",
        "48",
      ],
      estimators: quick + ["output-delta"]),
  ]
}
