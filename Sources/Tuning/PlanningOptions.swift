internal import Foundation
internal import Optimization
public import Vocabulary

/// A format for the groups whose name a pattern matches.
public struct Pin: Sendable {
  /// `*` stands for any run of characters, `?` for one.
  public var glob: String
  /// The format's name.
  public var format: String

  /// Reads `GLOB=FORMAT`.
  public init(parsing text: String) throws {
    guard let equals = text.lastIndex(of: "="), equals != text.startIndex,
      text.index(after: equals) != text.endIndex
    else { throw UserError(.usage, "a pin is written GLOB=FORMAT, and '\(text)' is not") }
    glob = String(text[..<equals])
    format = String(text[text.index(after: equals)...])
  }
}

/// How to choose.
public struct PlanningOptions: Sendable {
  /// The limits.
  public var budgets: [Budget]
  /// What is minimised; nil for the bytes when the loss is bounded, else the loss.
  public var objective: CostKind?
  /// Whose scores; nil for the newest complete measurement.
  public var estimator: String?
  /// The optimizer's name.
  public var optimizer: String
  /// Fixed formats.
  public var pins: [Pin]
  /// Formats that may not be taken.
  public var exclusions: [Pin] = []
  /// Patterns: the groups that one of them matches take one format.
  public var ties: [String] = []
  /// Whether the groups of a block take one format: those whose names agree up to the first number.
  public var tiesBlocks = false
  /// The most formats that the policy may have; nil for any number.
  public var formatLimit: Int?
  /// The runtime that has to load the policy, or a profile's file; nil for any.
  public var runtime: String?
  /// Whether losses are taken as they are.
  public var raw: Bool
  /// Seconds for the optimizer.
  public var timeLimit: Double

  /// Limits, scores, optimizer and pins.
  public init(
    budgets: [Budget], estimator: String?, optimizer: String, pins: [Pin], raw: Bool,
    timeLimit: Double
  ) {
    self.budgets = budgets
    self.estimator = estimator
    self.optimizer = optimizer
    self.pins = pins
    self.raw = raw
    self.timeLimit = timeLimit
  }
}

extension PlanningSource {
  /// The format of every group that a pin matches, by the group's index.
  ///
  /// - Throws: `UserError` when a pin matches nothing, or names what is no candidate.
  func pinned(_ pins: [Pin]) throws -> [Int: String] {
    var formats: [Int: String] = [:]
    for pin in pins {
      for k in try matching(pin.glob, "pin") {
        try require(pin.format, of: k)
        formats[k] = pin.format
      }
    }
    return formats
  }

  /// The formats that every group must not take, by the group's index.
  ///
  /// - Throws: `UserError` when a pattern matches nothing, or the format is a candidate of none.
  func excluded(_ exclusions: [Pin]) throws -> [Int: [String]] {
    var formats: [Int: [String]] = [:]
    for exclusion in exclusions {
      let groups = try matching(exclusion.glob, "exclusion")
      let having = groups.filter { k in
        table.groups[k].candidates.contains { $0.answers(to: exclusion.format) }
      }
      if having.isEmpty { try require(exclusion.format, of: groups[0]) }
      for k in having { formats[k, default: []].append(exclusion.format) }
    }
    return formats
  }

  /// The table with the ties that were asked for besides its own.
  ///
  /// - Throws: `UserError` when a pattern matches nothing.
  func tied(_ options: PlanningOptions) throws -> SensitivityTable {
    var table = table
    var ties = try options.ties.map { glob in
      try matching(glob, "tie").map { table.groups[$0].name }
    }
    if options.tiesBlocks {
      var blocks: [String: Int] = [:]
      var members: [[String]] = []
      for group in table.groups {
        guard let block = Self.block(of: group.name) else { continue }
        if let known = blocks[block] {
          members[known].append(group.name)
        } else {
          blocks[block] = members.count
          members.append([group.name])
        }
      }
      ties += members
    }
    if !ties.isEmpty { table.ties = (table.ties ?? []) + ties }
    return table
  }

  /// A name up to its first number that stands alone: `model.layers.0` of `model.layers.0.mlp.up`.
  private static func block(of name: String) -> String? {
    var end = name.startIndex
    for part in name.split(whereSeparator: { "./_".contains($0) }) {
      end = part.endIndex
      if part.allSatisfy(\.isNumber) { return String(name[..<end]) }
    }
    return nil
  }

  private func matching(_ glob: String, _ noun: String) throws -> [Int] {
    let matching = table.groups.indices.filter { k in
      fnmatch(glob, table.groups[k].name, 0) == 0
        || table.groups[k].layers.contains { fnmatch(glob, $0, 0) == 0 }
    }
    guard !matching.isEmpty else {
      throw UserError(
        .usage,
        "no layer matches the \(noun) '\(glob)'"
          + (nearest(to: glob, in: table.groups.map(\.name)).map { "; did you mean '\($0)'?" }
            ?? ""))
    }
    return matching
  }

  private func require(_ format: String, of group: Int) throws {
    let candidates = table.groups[group].candidates
    guard candidates.contains(where: { $0.answers(to: format) }) else {
      throw UserError.unknown(
        format, "candidate of '\(table.groups[group].name)'", known: candidates.map(\.name))
    }
  }
}
