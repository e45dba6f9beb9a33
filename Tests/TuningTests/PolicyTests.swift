import Foundation
import TestSupport
import Testing
import Tuning
import Vocabulary

/// Planning from a table that somebody brings: no model, no data.
@Suite struct PlanningFromATable {
  /// The table of DESIGN.md's example, as a file.
  private func file(_ losses: [[Double]]) throws -> URL {
    let groups = losses.enumerated().map { index, losses in
      GroupSensitivity(
        name: "layer\(index)", layers: ["layer\(index)"], weights: 1000,
        candidates: zip(["int2-channel", "int4-channel", "int8-channel"], losses).enumerated().map {
          Candidate(format: $0.element.0, loss: $0.element.1, bytes: 250 << $0.offset)
        })
    }
    let table = SensitivityTable(unit: "nats/sample", groups: groups, fixedBytes: 100)
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "table-\(UUID().uuidString).json")
    try JSONEncoder().encode(table).write(to: url)
    return url
  }

  private func options(_ budget: String, pins: [String] = []) throws -> PlanningOptions {
    PlanningOptions(
      budgets: [try Budget(parsing: budget)], estimator: nil, optimizer: "ilp",
      pins: try pins.map(Pin.init(parsing:)), raw: false, timeLimit: 5)
  }

  @Test func theFragileLayerGetsTheBits() throws {
    let url = try file([[1, 0.5, 0.1], [100, 50, 1]])
    defer { try? FileManager.default.removeItem(at: url) }
    let source = try PlanningSource(url.path, estimator: nil, raw: false)
    let policy = try source.plan(options("1350"))
    #expect(policy.layers.map(\.weight) == ["int2-channel", "int8-channel"])
    #expect(policy.bytes == 1350)
    #expect(policy.bpw == 5)
    #expect(policy.predicted.gap == 0)
    #expect(policy.budget.allSatisfy { $0.used <= $0.limit })
  }

  @Test func pinsAreKept() throws {
    let url = try file([[1, 0.5, 0.1], [100, 50, 1]])
    defer { try? FileManager.default.removeItem(at: url) }
    let source = try PlanningSource(url.path, estimator: nil, raw: false)
    let policy = try source.plan(options("1350", pins: ["*1=int4-channel"]))
    #expect(policy.layers.map(\.weight) == ["int4-channel", "int4-channel"])
    #expect(policy.layers.map(\.pinned) == [false, true])
    #expect(throws: UserError.self) {
      try source.plan(options("1350", pins: ["nothing=int4-channel"]))
    }
    #expect(throws: UserError.self) { try source.plan(options("1350", pins: ["*=int5-channel"])) }
  }

  @Test func infeasibleSaysTheSmallest() throws {
    let url = try file([[1, 0.5, 0.1]])
    defer { try? FileManager.default.removeItem(at: url) }
    let source = try PlanningSource(url.path, estimator: nil, raw: false)
    let error = #expect(throws: UserError.self) { try source.plan(options("300")) }
    #expect(error?.kind == .infeasible)
    #expect(error?.description.contains("350") == true)
  }

  @Test func theSmallestPolicyUnderALoss() throws {
    let url = try file([[1, 0.5, 0.1], [100, 50, 1]])
    defer { try? FileManager.default.removeItem(at: url) }
    let source = try PlanningSource(url.path, estimator: nil, raw: false)
    let policy = try source.plan(options("1.6nats"))
    #expect(policy.layers.map(\.weight) == ["int4-channel", "int8-channel"])
    #expect(policy.predicted.loss <= 1.6)
  }

  @Test func theFrontierHoldsItsInvariant() throws {
    let url = try file([[1, 0.5, 0.1], [100, 50, 1], [3, 2, 1.5]])
    defer { try? FileManager.default.removeItem(at: url) }
    let frontier = try PlanningSource(url.path, estimator: nil, raw: false).frontier(points: 100)
    for (a, b) in zip(frontier.points, frontier.points.dropFirst()) {
      #expect(a.bytes < b.bytes && a.loss > b.loss)
    }
    #expect(frontier.baselines.count == 3)
  }
}
