import Foundation
import Tuning
import Vocabulary

/// The runs of the tool that make one model's results, in a work folder.
///
/// Nothing in `Results/` changes before all of them have succeeded.
struct ModelRun {
  let model: StudiedModel
  let tool: BuiltTool
  /// Relative to the checkout, so that the commands can be typed again.
  let folder: String
  private(set) var children: [Provenance.Child] = []

  /// An empty work folder for a model.
  init(_ model: StudiedModel, tool: BuiltTool) throws {
    self.model = model
    self.tool = tool
    folder = ".build/results/\(model.id)"
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
  }

  /// Measures, plans, proves and draws.
  mutating func run() throws {
    let study = folder + "/study"
    try run(
      ["measure", model.path] + model.calibration + ["--json", "-o", study], to: "measurement.json")
    for budget in StudiedModel.budgets {
      let policy = folder + "/" + ModelResults.policyFile(budget)
      try run(["plan", study, "--budget", "\(budget)bpw", "-o", policy], to: "plan.txt")
      // Exit code 1 is also the answer that a uniform format won: then the report is there and says so.
      let report = ModelResults.verificationFile(budget)
      try run(
        ["verify", model.path, policy] + model.heldOut + ["--json", "-o", policy], to: report,
        accepted: [0, 1])
      guard let found: VerificationReport = try? decoded(report), !found.entries.isEmpty else {
        throw UserError(.failed, "no report from: \(children.last?.command ?? "verify")")
      }
    }
    try run(
      ["frontier", study, "--measure", "8", "--model", model.path] + model.heldOut
        + ["-o", folder], to: "frontier.txt")
  }

  /// What `measure` reported.
  func measurement() throws -> MeasurementReport { try decoded("measurement.json") }

  private mutating func run(
    _ arguments: [String], to output: String, accepted: Set<Int32> = [0]
  ) throws {
    FileHandle.standardError.write(Data("\(tool.command(arguments))\n".utf8))
    let child = try tool.run(arguments, output: folder + "/" + output, accepted: accepted)
    children.append(
      Provenance.Child(
        command: tool.command(arguments), seconds: (child.seconds * 1000).rounded() / 1000,
        peakMegabytes: child.peakBytes / 1_000_000))
  }

  private func decoded<Value: Decodable>(_ name: String) throws -> Value {
    try JSONDecoder().decode(
      Value.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
  }
}
