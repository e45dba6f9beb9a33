import Foundation
import Tuning
import Vocabulary

/// The runs of the tool that make one model's results, in a work folder.
///
/// Nothing in `Results/` changes before all of them have succeeded.
struct ModelRun {
  /// Where the work folders are.
  static let root = ".build/results"

  let model: StudiedModel
  let tool: BuiltTool
  /// Relative to the checkout, so that the commands can be typed again.
  let folder: String
  /// The checkout when the runs began.
  let checkout: GitState
  private(set) var children: [Provenance.Child] = []

  /// An empty work folder for a model.
  init(_ model: StudiedModel, tool: BuiltTool) throws {
    self.model = model
    self.tool = tool
    folder = "\(Self.root)/\(model.id)"
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    checkout = try GitState(scratch: folder + "/git.txt")
  }

  /// Measures, plans, proves and draws.
  mutating func run() throws {
    let study = folder + "/study"
    try run(
      ["measure", model.path] + model.calibration + ["--json", "-o", study], to: "measurement.json")
    for budget in StudiedModel.budgets {
      let policy = folder + "/" + ModelResults.policyFile(budget)
      try run(["plan", study, "--budget", "\(budget)bpw", "-o", policy], to: "plan.txt")
      try verify(policy, to: ModelResults.verificationFile(budget))
    }
    try run(
      ["frontier", study, "--measure", "8", "--model", model.path] + model.heldOut
        + ["-o", folder], to: "frontier.txt")
  }

  /// Exit code 1 means a failure or that a uniform format won: in the latter case the report says so.
  private mutating func verify(_ policy: String, to report: String) throws {
    let code = try run(
      ["verify", model.path, policy] + model.heldOut + ["--json", "-o", policy], to: report,
      accepted: [0, 1])
    let found: VerificationReport? = try? decoded(report)
    guard let found, (code == 1) == (found.verdict == .uniform) else {
      throw UserError(.failed, "exit code \(code) of: \(children.last?.command ?? "verify")")
    }
  }

  /// What `measure` reported.
  func measurement() throws -> MeasurementReport { try decoded("measurement.json") }

  @discardableResult
  private mutating func run(
    _ arguments: [String], to output: String, accepted: Set<Int32> = [0]
  ) throws -> Int32 {
    let command = "\(tool.command(arguments)) > \(folder)/\(output)"
    FileHandle.standardError.write(Data("\(command)\n".utf8))
    let child = try tool.run(arguments, output: folder + "/" + output, accepted: accepted)
    children.append(
      Provenance.Child(
        command: command, seconds: (child.seconds * 1000).rounded() / 1000,
        peakMegabytes: child.peakBytes / 1_000_000))
    return child.code
  }

  private func decoded<Value: Decodable>(_ name: String) throws -> Value {
    try JSONDecoder().decode(
      Value.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
  }
}
