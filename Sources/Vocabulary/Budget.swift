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
  /// Bytes in memory while the model runs.
  case resident
  /// Millijoules.
  case energy
  /// Average bits of the codes alone, scales and offsets left out, over the quantizable weights.
  case bits
  /// Predicted loss increase, in the table's unit: "the smallest policy that loses at most this".
  case loss
  /// Share of the answers that change, from 0 to 1: what an accuracy can at most drop by. It is
  /// measured, never predicted.
  case changes
}

/// A bound on one cost, such as `90MB`, `4.5bpw`, `12ms`, `3mJ`, `0.02nats`, `1%` (of
/// the answers), `bops=4.2e9`.
public struct Budget: Hashable, Codable, Sendable, CustomStringConvertible {
  /// What is bounded.
  public var kind: CostKind
  /// The bound, in bytes, bits per weight, milliseconds, millijoules, BOPs or nats.
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
        "'\(text)' is not a budget; write for example 4.5bpw, 90MB, 1.5GiB, 12ms, 0.02nats or 1%")
    }
    self = budget
    if parts.count == 2 {
      guard let kind = CostKind(rawValue: parts[0]) else {
        throw UserError.unknown(parts[0], "cost", known: CostKind.allCases.map(\.rawValue))
      }
      let isMeant = kind == budget.kind || (kind == .resident && budget.kind == .bytes)
      guard isMeant || Double(value) != nil else {
        throw UserError(.usage, "'\(value)' is no bound on \(kind.rawValue)")
      }
      self = Budget(kind, isMeant ? budget.limit : Double(value) ?? budget.limit)
    }
    guard limit.isFinite, limit > 0 else {
      throw UserError(.usage, "a budget must be a positive number, and '\(text)' is not")
    }
  }

  private static func read(_ text: String) -> Budget? {
    let units: [(String, CostKind)] = [
      ("bpw", .bpw), ("ms", .latency), ("mj", .energy), ("nats", .loss), ("bops", .bops),
    ]
    if text.hasSuffix("%") { return Double(text.dropLast()).map { Budget(.changes, $0 / 100) } }
    for (suffix, kind) in units where text.lowercased().hasSuffix(suffix) {
      return Double(text.dropLast(suffix.count)).map { Budget(kind, $0) }
    }
    return ByteCount(parsing: text).map { Budget(.bytes, Double($0.bytes)) }
  }

  /// As it is written on the command line.
  public var description: String {
    switch kind {
    case .bytes: "\(ByteCount(Int(min(limit, 9e18))))"
    case .resident: "\(ByteCount(Int(min(limit, 9e18)))) in memory"
    case .energy: "\(limit) mJ"
    case .bits: "\(limit) bits"
    case .bpw: "\(limit) bpw"
    case .latency: "\(limit) ms"
    case .bops: "\(limit) BOPs"
    case .loss: "\(limit) nats"
    case .changes: "\(significant(100 * limit)) % changed answers"
    }
  }
}
