/// What a budget bounds.
public enum CostKind: String, Codable, Sendable, CaseIterable {
  /// Bytes of the written model: weights, scales, zero points and the tensors left alone.
  case bytes
  /// Bits per weight: 8 · bytes / weights, over the quantizable layers.
  case bpw
  /// Milliseconds.
  case latency
  /// Multiply-accumulates times weight bits times activation bits.
  case bops
  /// Predicted loss increase, in the table's unit: "the smallest policy that loses at most this".
  case loss
}

/// A bound on one cost, such as `90MB`, `4.5bpw`, `12ms`, `0.02nats`, `bops=4.2e9`.
public struct Budget: Hashable, Codable, Sendable, CustomStringConvertible {
  /// What is bounded.
  public var kind: CostKind
  /// The bound, in bytes, bits per weight, milliseconds, BOPs or nats.
  public var limit: Double

  /// A bound of `limit` on `kind`.
  public init(_ kind: CostKind, _ limit: Double) {
    self.kind = kind
    self.limit = limit
  }

  /// Reads a budget as it is written on the command line.
  ///
  /// - Throws: `UserError` of kind usage when the text is not a budget.
  public init(parsing text: String) throws {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    let value = parts.last ?? ""
    guard let budget = Budget.read(value) else {
      throw UserError(
        .usage,
        "'\(text)' is not a budget; write for example 4.5bpw, 90MB, 1.5GiB, 12ms or 0.02nats")
    }
    self = budget
    if parts.count == 2 {
      guard let kind = CostKind(rawValue: parts[0]) else {
        throw UserError.unknown(parts[0], "cost", known: CostKind.allCases.map(\.rawValue))
      }
      guard kind == budget.kind || Double(value) != nil else {
        throw UserError(.usage, "'\(value)' is no bound on \(kind.rawValue)")
      }
      self = Budget(kind, kind == budget.kind ? budget.limit : Double(value) ?? budget.limit)
    }
    guard limit.isFinite, limit > 0 else {
      throw UserError(.usage, "a budget must be a positive number, and '\(text)' is not")
    }
  }

  private static func read(_ text: String) -> Budget? {
    let units: [(String, CostKind)] = [
      ("bpw", .bpw), ("ms", .latency), ("nats", .loss), ("bops", .bops),
    ]
    for (suffix, kind) in units where text.lowercased().hasSuffix(suffix) {
      return Double(text.dropLast(suffix.count)).map { Budget(kind, $0) }
    }
    return ByteCount(parsing: text).map { Budget(.bytes, Double($0.bytes)) }
  }

  /// As it is written on the command line.
  public var description: String {
    switch kind {
    case .bytes: "\(ByteCount(Int(limit)))"
    case .bpw: "\(limit) bpw"
    case .latency: "\(limit) ms"
    case .bops: "\(limit) BOPs"
    case .loss: "\(limit) nats"
    }
  }
}
