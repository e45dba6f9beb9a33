import Foundation
import TestSupport
import Testing

@Suite struct LayeringTests {
  @Test func everyImportFollowsAnArrow() throws {
    let sources = Fixtures.root.appendingPathComponent("Sources").resolvingSymlinksInPath()
    var checked = 0
    for path in try swiftFiles(in: sources) {
      let parts = path.split(separator: "/").map(String.init)
      let target = parts[0] == "Native" ? parts[1] : parts[0]
      let source = try String(contentsOf: sources.appendingPathComponent(path), encoding: .utf8)
      for violation in Arrows.violations(of: source, in: target) {
        Issue.record("Sources/\(path): \(violation)")
      }
      checked += 1
    }
    #expect(checked > 0)
  }

  @Test func testsSeeThePublicAPI() throws {
    let tests = Fixtures.root.appendingPathComponent("Tests").resolvingSymlinksInPath()
    let attribute = "@" + "testable"
    let paths = try swiftFiles(in: tests)
    #expect(!paths.isEmpty)
    for path in paths {
      let source = try String(contentsOf: tests.appendingPathComponent(path), encoding: .utf8)
      #expect(!source.contains(attribute), "Tests/\(path)")
    }
  }

  @Test func manifestDrawsTheSameArrows() throws {
    let manifest = try String(
      contentsOf: Fixtures.root.appendingPathComponent("Package.swift"), encoding: .utf8)
    let packages: Set<String> = ["ArgumentParser", "GRDB", "SwiftProtobuf", "Yams"]
    let expected = Arrows.allowed.mapValues { $0.subtracting(packages) }
    let drawn = Arrows.drawn(in: manifest)
    for target in Set(expected.keys).union(drawn.keys).sorted() {
      #expect(drawn[target] == expected[target], "\(target)")
    }
  }

  @Test func roomsAreSiblingsAndOnlyNativeSeesC() {
    let wrappers: Set<String> = ["Tensors", "MILP", "BoostedTrees", "GGML", "Images", "Archives"]
    for (target, allowed) in Arrows.allowed {
      if Arrows.rooms.contains(target) {
        #expect(allowed.isDisjoint(with: Arrows.rooms), "\(target)")
        #expect(!allowed.contains("Tuning"), "\(target)")
      }
      if !wrappers.contains(target) {
        let cModules = allowed.intersection([
          "CTorch", "CGLPK", "CXGBoost", "CGGML", "CImages", "CZlib", "CCrypto",
        ])
        #expect(cModules.isEmpty, "\(target)")
      }
    }
  }

  @Test(arguments: [
    ("import Pareto", "Optimization", ["Optimization must not import Pareto"]),
    ("public import Study", "Report", ["Report must not import Study"]),
    ("@preconcurrency import CTorch", "Sensitivity", ["Sensitivity must not import CTorch"]),
    ("  internal import struct Tuning.Session", "Costs", ["Costs must not import Tuning"]),
    ("@_spi(Raw) @preconcurrency public import CGLPK", "Tuning", ["Tuning must not import CGLPK"]),
    (
      "import Foundation", "Vocabulary",
      ["Vocabulary must not import Foundation: it does no I/O"]
    ),
    ("import GRDB", "Tuning", ["Tuning must not import GRDB"]),
    ("import Vocabulary", "Elsewhere", ["no arrows are drawn for Elsewhere"]),
    ("import Vocabulary\npublic import MILP", "Optimization", []),
    ("// import Pareto\nimport Foundation\nlet imported = 1", "Optimization", []),
  ])
  func checkerSeesThrough(source: String, target: String, expected: [String]) {
    #expect(Arrows.violations(of: source, in: target) == expected)
  }

  private func swiftFiles(in directory: URL) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: directory.path)
      .filter { $0.hasSuffix(".swift") }.sorted()
  }
}
