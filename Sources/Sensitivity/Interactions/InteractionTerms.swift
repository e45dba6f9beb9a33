public import Vocabulary

/// Losses of every candidate alone and what chosen pairs of candidates add to them, by sample.
///
///     single(g, a)      = mean over samples of the losses
///     cross(g, a, h, b) = mean over samples of the pair's terms; 0 for pairs that are not there
///
/// Rows are candidates, group after group. Memory: `8 · rows · samples + 4 · pairs · samples` bytes.
public struct InteractionTerms: MeasuredInteractions, Equatable {
  /// Rows of two different groups, the earlier first.
  public struct Pair: Hashable, Comparable, Sendable {
    /// The row of the earlier group's candidate.
    public var first: Int
    /// The row of the later group's candidate.
    public var second: Int

    /// Two rows, the earlier first.
    public init(_ first: Int, _ second: Int) { (self.first, self.second) = (first, second) }

    /// By the first row, then by the second.
    public static func < (a: Pair, b: Pair) -> Bool { (a.first, a.second) < (b.first, b.second) }
  }

  /// The number of candidates of every group.
  public let candidateCounts: [Int]
  /// The number of samples.
  public let samples: Int
  /// The pairs that have terms, rising.
  public let pairs: [Pair]
  /// `[row][sample]`.
  private let singles: [Double]
  /// `[pair][sample]`.
  private let crosses: [Float]

  /// Terms of some samples.
  ///
  /// - Parameters:
  ///   - candidateCounts: The number of candidates of every group.
  ///   - samples: The number of samples, at least one.
  ///   - pairs: Rising, each of two different groups.
  ///   - singles: `[row][sample]` one after another.
  ///   - crosses: `[pair][sample]` one after another.
  public init(
    candidateCounts: [Int], samples: Int, pairs: [Pair], singles: [Double], crosses: [Float]
  ) {
    guard Self.areFit(pairs, candidateCounts), samples > 0 else {
      fatalError("terms need samples, candidates and rising pairs of groups")
    }
    guard singles.count == candidateCounts.reduce(0, +) * samples,
      crosses.count == pairs.count * samples
    else {
      fatalError(
        "terms of \(candidateCounts) candidates and \(pairs.count) pairs on \(samples) samples, "
          + "got \(singles.count) losses and \(crosses.count) terms")
    }
    self.candidateCounts = candidateCounts
    self.samples = samples
    self.pairs = pairs
    self.singles = singles
    self.crosses = crosses
  }

  /// Every pair of candidates of two different groups, rising.
  public static func allPairs(_ candidateCounts: [Int]) -> [Pair] {
    let groups = Self.groups(candidateCounts)
    return groups.indices.flatMap { i in
      groups.indices.dropFirst(i + 1).compactMap { groups[i] == groups[$0] ? nil : Pair(i, $0) }
    }
  }

  /// The losses of every candidate alone, `[group][candidate][sample]`.
  public var scores: [[[Double]]] {
    var row = 0
    return candidateCounts.map { count in
      (0..<count).map { _ in
        defer { row += 1 }
        return Array(singles[row * samples..<(row + 1) * samples])
      }
    }
  }

  /// What a pair adds in every sample; nil when it has no terms.
  ///
  /// - Complexity: O(log pairs).
  public func terms(of pair: Pair) -> [Float]? {
    var (low, high) = (0, pairs.count)
    while low < high {
      let middle = (low + high) / 2
      if pairs[middle] < pair { low = middle + 1 } else { high = middle }
    }
    guard low < pairs.count, pairs[low] == pair else { return nil }
    return Array(crosses[low * samples..<(low + 1) * samples])
  }

  /// The means over the samples, written out.
  public func matrix() -> InteractionMatrix {
    var starts = [0]
    for count in candidateCounts { starts.append(starts[starts.count - 1] + count) }
    let rows = starts[candidateCounts.count]
    var means = [Double](repeating: 0, count: rows * rows)
    for (k, pair) in pairs.enumerated() {
      means[pair.first * rows + pair.second] =
        SampleMean(
          crosses[k * samples..<(k + 1) * samples].lazy.map(Double.init)
        ).mean
    }
    return InteractionMatrix(singles: scores.map { $0.map { SampleMean($0).mean } }) { g, a, h, b in
      means[(starts[g] + a) * rows + starts[h] + b]
    }
  }

  /// The first samples only.
  ///
  /// - Parameter count: At least one; more than there are leaves all.
  public func prefix(_ count: Int) -> InteractionTerms {
    guard count > 0 else { fatalError("at least one sample, got \(count)") }
    guard count < samples else { return self }
    return InteractionTerms(
      candidateCounts: candidateCounts, samples: count, pairs: pairs,
      singles: stride(from: 0, to: singles.count, by: samples).flatMap {
        singles[$0..<$0 + count]
      },
      crosses: stride(from: 0, to: crosses.count, by: samples).flatMap {
        crosses[$0..<$0 + count]
      })
  }

  /// Terms of the same candidates on several samples after another.
  ///
  /// A pair that only some parts have is zero in the others.
  /// - Throws: `UserError` when they differ in candidates, or when there are none.
  public static func joined(_ parts: [InteractionTerms]) throws -> InteractionTerms {
    guard let first = parts.first else {
      throw UserError(.failed, "there are no interaction terms to join")
    }
    guard parts.count > 1 else { return first }
    guard parts.allSatisfy({ $0.candidateCounts == first.candidateCounts }) else {
      throw UserError(.failed, "interaction terms of different candidates")
    }
    let isSame = parts.allSatisfy { $0.pairs == first.pairs }
    let pairs = isSame ? first.pairs : Set(parts.flatMap(\.pairs)).sorted()
    let samples = parts.reduce(0) { $0 + $1.samples }
    var singles: [Double] = []
    for row in 0..<first.candidateCounts.reduce(0, +) {
      for part in parts {
        singles += part.singles[row * part.samples..<(row + 1) * part.samples]
      }
    }
    var crosses: [Float] = []
    crosses.reserveCapacity(pairs.count * samples)
    var next = [Int](repeating: 0, count: parts.count)
    for pair in pairs {
      for (k, part) in parts.enumerated() {
        let place = next[k]
        if place < part.pairs.count, part.pairs[place] == pair {
          crosses += part.crosses[place * part.samples..<(place + 1) * part.samples]
          next[k] += 1
        } else {
          crosses += repeatElement(0, count: part.samples)
        }
      }
    }
    return InteractionTerms(
      candidateCounts: first.candidateCounts, samples: samples, pairs: pairs, singles: singles,
      crosses: crosses)
  }

  /// The group of every row.
  private static func groups(_ candidateCounts: [Int]) -> [Int] {
    candidateCounts.enumerated().flatMap { [Int](repeating: $0, count: $1) }
  }

  private static func areFit(_ pairs: [Pair], _ candidateCounts: [Int]) -> Bool {
    guard candidateCounts.allSatisfy({ $0 > 0 }) else { return false }
    let groups = groups(candidateCounts)
    return pairs.allSatisfy {
      groups.indices.contains($0.first) && groups.indices.contains($0.second)
        && groups[$0.first] < groups[$0.second]
    } && zip(pairs, pairs.dropFirst()).allSatisfy { $0 < $1 }
  }
}

// MARK: As bytes

extension InteractionTerms {
  /// "BBIT", then the version.
  private static let mark: [UInt8] = [0x42, 0x42, 0x49, 0x54, 1, 0, 0, 0]

  /// Everything as bytes: a mark, the sizes and pairs as 32-bit integers, the losses as doubles,
  /// the terms as singles, all little-endian.
  public var encoded: [UInt8] {
    var writer = InteractionWriter(
      mark: Self.mark,
      capacity: 12 + 4 * candidateCounts.count + 8 * pairs.count + 8 * singles.count
        + 4 * crosses.count)
    writer.append(sizes: [samples, candidateCounts.count, pairs.count] + candidateCounts)
    for pair in pairs { writer.append(sizes: [pair.first, pair.second]) }
    writer.append(losses: singles)
    writer.append(terms: crosses)
    return writer.bytes
  }

  /// Reads what ``encoded`` wrote; nil for anything else.
  ///
  /// No length in it is trusted.
  public init?(encoded bytes: [UInt8]) {
    guard var reader = InteractionReader(bytes, mark: Self.mark), let samples = reader.size(),
      let groups = reader.size(), let pairCount = reader.size(), samples > 0,
      let counts = reader.counts(groups)
    else { return nil }
    // Checked before anything is made of them: every row and pair has bytes of its own.
    let (losses, tooManyLosses) = counts.reduce(0, +).multipliedReportingOverflow(by: samples)
    let (terms, tooManyTerms) = pairCount.multipliedReportingOverflow(by: samples)
    let left = reader.left
    guard !tooManyLosses, !tooManyTerms, losses <= left / 8, terms <= left / 4,
      pairCount <= left / 8, 8 * pairCount + 8 * losses + 4 * terms == left
    else { return nil }
    var pairs: [Pair] = []
    for _ in 0..<pairCount {
      guard let first = reader.size(), let second = reader.size() else { return nil }
      pairs.append(Pair(first, second))
    }
    guard Self.areFit(pairs, counts), let singles = reader.losses(losses),
      let crosses = reader.terms(terms)
    else { return nil }
    self.init(
      candidateCounts: counts, samples: samples, pairs: pairs, singles: singles, crosses: crosses)
  }
}
