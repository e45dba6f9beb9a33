import Foundation
public import Vocabulary

/// One of the JSON files that travel: versioned by `schema`, keys sorted, stable to the byte.
public protocol NeutralFile {
  /// What the file holds.
  associatedtype Value: Codable & Sendable
  /// The schema and version that this tool writes, e.g. `bitbudget.policy/1`.
  static var schema: String { get }
  /// What a person calls it, e.g. "policy".
  static var noun: String { get }
  /// Throws `UserError` when a value that decodes still makes no sense.
  static func validate(_ value: Value) throws
}

extension NeutralFile {
  /// The value as the file's text: two-space indent, sorted keys, a newline at the end.
  ///
  /// - Throws: `UserError` when a number in it is not finite.
  public static func text(_ value: Value) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
    } catch {
      throw UserError(
        .failed, "the \(noun) cannot be written: it holds a number that is not finite")
    }
  }

  /// Reads the file's text.
  ///
  /// - Parameter name: What the text is called in errors, usually a path.
  /// - Throws: `UserError` when the text is not this kind of file, has another version, or makes no
  ///   sense.
  public static func value(of text: String, name: String) throws -> Value {
    let data = Data(text.utf8)
    let found: String
    do {
      found = try JSONDecoder().decode(Header.self, from: data).schema
    } catch DecodingError.keyNotFound, DecodingError.typeMismatch, DecodingError.valueNotFound {
      throw UserError(.failed, "'\(name)' is not a \(noun): it has no \"schema\": \"\(schema)\"")
    } catch {
      throw UserError(.failed, "'\(name)' is not a \(noun): it is not JSON")
    }
    guard found == schema else {
      let family = schema.split(separator: "/")[0]
      throw UserError(
        .failed,
        found.hasPrefix("\(family)/")
          ? "'\(name)' is of version \(found), and this tool reads \(schema)"
          : "'\(name)' is not a \(noun): its schema is \(found)")
    }
    do {
      let value = try JSONDecoder().decode(Value.self, from: data)
      try validate(value)
      return value
    } catch let error as DecodingError {
      throw UserError(.failed, "'\(name)' is not a valid \(noun): \(sentence(for: error))")
    } catch let error as UserError {
      throw UserError(error.kind, "'\(name)' is not a valid \(noun): \(error.description)")
    }
  }

  /// Reads the file at `path`.
  ///
  /// - Throws: `UserError` as ``value(of:name:)``, and when there is no such file.
  public static func read(_ path: String) throws -> Value {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw UserError(.failed, "the \(noun) '\(path)' cannot be read")
    }
    return try value(of: String(decoding: data, as: UTF8.self), name: path)
  }

  /// Writes the file at `path`, whole or not at all.
  public static func write(_ value: Value, to path: String) throws {
    try AtomicFile.write(try text(value), to: path)
  }
}

/// The neutral policy, `bitbudget.policy/1`.
public enum PolicyFile: NeutralFile {
  /// The schema of the file.
  public static let schema = Policy.schema
  /// What it is called.
  public static let noun = "policy"

  /// Refuses sizes below zero and layers that are named twice.
  public static func validate(_ policy: Policy) throws {
    try requireSize(policy.bytes, "bytes")
    try requireSize(policy.model.weights, "model.weights")
    try requireSum(policy.layers.map(\.bytes), "the layers' bytes")
    try requireDistinct(policy.layers.map(\.name), "layer")
    for layer in policy.layers where layer.group < 0 {
      throw UserError(.failed, "the group of '\(layer.name)' is \(layer.group)")
    }
    for layer in policy.layers where layer.weight.isEmpty {
      throw UserError(.failed, "'\(layer.name)' has no format")
    }
  }
}

/// The frontier, `bitbudget.frontier/1`.
public enum FrontierFile: NeutralFile {
  /// The schema of the file.
  public static let schema = Frontier.schema
  /// What it is called.
  public static let noun = "frontier"

  /// Refuses points out of order and indices that point nowhere.
  public static func validate(_ frontier: Frontier) throws {
    guard frontier.formats.count == frontier.groups.count else {
      throw UserError(
        .failed, "\(frontier.groups.count) groups have \(frontier.formats.count) formats")
    }
    for (index, point) in frontier.points.enumerated() {
      try requireSize(point.bytes, "the bytes of point \(index)")
      guard point.choices.count == frontier.groups.count,
        zip(point.choices, frontier.formats).allSatisfy({ $1.indices.contains($0) })
      else { throw UserError(.failed, "point \(index) does not choose a format for every group") }
    }
    guard frontier.axes == ["bytes", "loss"] else { return try validateSurface(frontier) }
    for (index, pair) in zip(frontier.points, frontier.points.dropFirst()).enumerated() {
      guard pair.0.bytes < pair.1.bytes, pair.0.loss > pair.1.loss else {
        throw UserError(.failed, "point \(index + 1) is no trade for point \(index)")
      }
    }
    if let knee = frontier.knee, !frontier.points.indices.contains(knee) {
      throw UserError(.failed, "there is no point \(knee), the knee")
    }
  }
}

extension FrontierFile {
  /// Refuses points that do not know an axis, and points that another one dominates.
  private static func validateSurface(_ frontier: Frontier) throws {
    let values = try frontier.points.enumerated().map { index, point in
      try frontier.axes.map { axis in
        guard let value = point.value(on: axis) else {
          throw UserError(.failed, "point \(index) has no \(axis)")
        }
        return value
      }
    }
    guard try nondominated(values).count == values.count else {
      throw UserError(.failed, "some of its points are no trades for others")
    }
  }
}

/// A sensitivity table, `bitbudget.table/1`: measured here or brought from elsewhere.
public enum TableFile: NeutralFile {
  /// The schema of the file.
  public static let schema = SensitivityTable.schema
  /// What it is called.
  public static let noun = "sensitivity table"

  /// Refuses groups with nothing to choose, names that are there twice and sizes that overflow.
  public static func validate(_ table: SensitivityTable) throws {
    guard !table.groups.isEmpty else { throw UserError(.failed, "it has no groups") }
    try requireDistinct(table.groups.map(\.name), "group")
    for group in table.groups {
      guard !group.candidates.isEmpty else {
        throw UserError(.failed, "group '\(group.name)' has no candidates")
      }
      try requireDistinct(group.candidates.map(\.name), "format of '\(group.name)'")
      if let weights = group.weights { try requireSize(weights, "the weights of '\(group.name)'") }
      for candidate in group.candidates {
        try requireSize(candidate.bytes, "the bytes of '\(group.name)'")
      }
    }
    if let fixedBytes = table.fixedBytes { try requireSize(fixedBytes, "fixedBytes") }
    let largest = table.groups.map { $0.candidates.map(\.bytes).max() ?? 0 }
    try requireSum(largest + [table.fixedBytes ?? 0], "the groups' bytes")
    try requireSum(table.groups.map { $0.weights ?? 0 }, "the groups' weights")
    let names = Set(table.groups.map(\.name))
    for name in (table.ties ?? []).joined() where !names.contains(name) {
      throw UserError(.failed, "there is no group '\(name)' to tie")
    }
  }
}

private struct Header: Decodable {
  var schema: String
}

private func requireSize(_ value: Int, _ what: String) throws {
  guard value >= 0 else { throw UserError(.failed, "\(what) must not be negative, got \(value)") }
}

private func requireSum(_ values: [Int], _ what: String) throws {
  var sum = 0
  for value in values {
    try requireSize(value, what)
    let (next, overflow) = sum.addingReportingOverflow(value)
    guard !overflow, next < 1 << 60 else {
      throw UserError(.failed, "\(what) are beyond all measure")
    }
    sum = next
  }
}

private func requireDistinct(_ names: [String], _ noun: String) throws {
  var seen: Set<String> = []
  for name in names where !seen.insert(name).inserted {
    throw UserError(.failed, "the \(noun) '\(name)' is there twice")
  }
}

private func sentence(for error: DecodingError) -> String {
  func place(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
    let keys = context.codingPath + (last.map { [$0] } ?? [])
    let path = keys.map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }.joined()
    return path.hasPrefix(".") ? String(path.dropFirst()) : path
  }
  return switch error {
  case .keyNotFound(let key, let context): "'\(place(context, key))' is missing"
  case .typeMismatch(_, let context): "'\(place(context))' has the wrong type"
  case .valueNotFound(_, let context): "'\(place(context))' is null"
  case .dataCorrupted(let context) where context.codingPath.isEmpty: "it is not JSON"
  case .dataCorrupted(let context): "'\(place(context))' has an unknown value"
  @unknown default: "it cannot be read"
  }
}
