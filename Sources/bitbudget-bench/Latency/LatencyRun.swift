import Foundation
import Tuning
import Vocabulary

/// The runs of the tool that make one model's page, in a work folder.
struct LatencyRun {
  let model: TimedModel
  private let tool: BuiltTool
  private let folder: String
  private let checkout: GitState
  private let load: Double?
  /// The commands, in their order.
  private(set) var children: [Provenance.Child] = []
  /// What they said.
  private(set) var profile: LatencyReport?
  private(set) var additivity: LatencyCheck?
  private(set) var frontier: Frontier?
  private(set) var search: SearchReport?
  private(set) var points: LatencyCheck?

  /// How a page came to be.
  private struct Record: Encodable {
    var commit: String
    var dirty: Bool
    var date: String
    var machine: Machine
    var load: Double?
    var libraries: [String: String]
    var children: [Provenance.Child]
  }

  /// An empty work folder, kernels included.
  init(_ model: TimedModel, tool: BuiltTool) throws {
    self.model = model
    self.tool = tool
    folder = "\(ModelRun.root)/latency-\(model.id)"
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    checkout = try GitState(scratch: folder + "/git.txt")
    load = Machine.load
    setenv("BITBUDGET_DEVICES", folder + "/devices", 1)
  }

  /// Measures, times, compares, draws and searches.
  mutating func make(random: Int, points count: Int, evaluations: Int) throws {
    let study = folder + "/study"
    let formats = ["--formats", TimedModel.formats]
    try run(
      ["measure", model.path] + model.calibration + formats + ["-q", "-o", study],
      to: "measured.txt")
    let timing = ["profile", model.path] + model.input + formats + ["-q", "--json"]
    profile = try decoded(run(timing + ["--study", study], to: "profile.json"))
    additivity = try decoded(
      run(timing + ["--random", "\(random)", "--rounds", "25"], to: "random.json"))
    let device = ["--device", "here"]
    let drawn = try run(
      ["frontier", study, "--axes", "latency,loss"] + device
        + ["--measure", "\(count)", "--model", model.path] + model.heldOut
        + ["-q", "--json", "-o", folder],
      to: "frontier-out.json")
    let frontier: Frontier = try decoded(drawn)
    self.frontier = frontier
    var policies: [String] = []
    for point in frontier.points where point.measured != nil {
      guard let latency = point.latency else { continue }
      let policy = "\(folder)/point-\(policies.count).json"
      // A millionth more: the plan's sum may be rounded otherwise.
      try run(
        ["plan", study] + device + ["--budget", "\(latency * 1.000001)ms", "-q", "-o", policy],
        to: "plan.txt")
      policies.append(policy)
    }
    let found = folder + "/bisection.json"
    search = try decoded(
      run(
        ["search", model.path, "--study", study, "--strategy", "bisection"] + device + model.search
          + ["--budget", model.ceiling, "--evaluations", "\(evaluations)", "--policy", found]
          + ["-q", "--json", "-o", folder + "/search"],
        to: "search.json"))
    policies.append(found)
    points = try decoded(
      run(
        timing + policies.flatMap { ["--policy", $0] } + ["--rounds", "25"], to: "points.json"))
  }

  /// Writes the page, what it was made from, and how.
  func write(to directory: String) throws {
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    let base = "\(directory)/\(model.id)"
    try save(LatencyPage(self).text, to: base + ".md")
    let record = Record(
      commit: checkout.commit, dirty: checkout.dirty,
      date: ISO8601DateFormatter().string(from: Date()), machine: .current, load: load,
      libraries: profile?.libraries ?? [:], children: children)
    try save(sortedJSON(record) + "\n", to: base + "-provenance.json")
    for (file, target) in [
      ("frontier.svg", "-frontier.svg"), ("frontier.csv", "-frontier.csv"),
      ("random.json", "-random.json"), ("points.json", "-points.json"),
      ("profile.json", "-kernels.json"),
    ] {
      let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
      // Work folders are nobody's business.
      try save(text.replacingOccurrences(of: folder + "/", with: ""), to: base + target)
    }
  }

  private func save(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
  }

  @discardableResult
  private mutating func run(_ arguments: [String], to file: String) throws -> String {
    let output = "\(folder)/\(file)"
    FileHandle.standardError.write(Data("\(tool.command(arguments))\n".utf8))
    let child = try tool.run(arguments, output: output)
    children.append(
      .init(
        command: tool.command(arguments), seconds: (child.seconds * 100).rounded() / 100,
        peakMegabytes: child.peakBytes / 1_000_000))
    return output
  }

  private func decoded<Value: Decodable>(_ path: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }
}
