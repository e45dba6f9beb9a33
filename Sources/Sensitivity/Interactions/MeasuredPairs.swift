internal import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

/// What pairs of groups lose together, measured: `KL(i, j) − KL(i) − KL(j)`.
///
/// Two groups are quantized, everything else stays as it is. Pairs grow with the square of the
/// number of candidates, so at most `limit` of them are measured in each sample: all where there
/// are no more, else those with the largest products of their two losses in this sample, since to
/// second order a cross term is at most `2 √(KL(i) KL(j))`. The others count as zero there. Terms
/// are raw: they may be negative, and nothing is clipped (systems.md 14.5).
/// Cost: `exact-kl` and about a third of a forward pass for each pair (what comes before the first
/// of the two groups is run once, what lies between them once for each of its formats). Samples
/// that are run together share the runs of all pairs that any of them chose.
///
/// Reference: Deng et al., "Mixed-precision quantization with cross-layer dependencies" (CLADO),
/// arXiv 2307.05657.
public struct MeasuredPairs: InteractionEstimator {
  /// `pairs`.
  public static let id = "pairs"
  /// One clause.
  public static let summary =
    "measured KL of pairs of groups (CLADO), at most 1000 a sample: cross terms; very slow"
  /// Data decides.
  public static let needsData = true

  /// The most pairs that are measured in a sample.
  public var limit: Int

  /// 1000 pairs.
  public init() { limit = 1000 }

  /// At most `limit` pairs in each sample.
  public init(limit: Int) {
    guard limit >= 0 else { fatalError("a number of pairs, got \(limit)") }
    self.limit = limit
  }

  /// Losses of every candidate and terms of the chosen pairs.
  ///
  /// - Throws: `UserError` when a group never ran.
  public func interactions(of chunk: SampleChunk, in task: MeasurementTask) throws
    -> InteractionTerms
  {
    try task.checkThatAllRan()
    let counts = task.groups.map(\.formats.count)
    let rows = task.groups.enumerated().flatMap { g, group in
      group.formats.indices.map { (group: g, candidate: $0) }
    }
    let all = InteractionTerms.allPairs(counts)
    // One more candidate for every group: itself, unchanged.
    let unchanged = try Formats.named("fp32")
    let scorer = PolicyScorer(
      executor: task.executor,
      groups: task.groups.map {
        MeasuredGroup(name: $0.name, layers: $0.layers, formats: $0.formats + [unchanged])
      },
      samples: chunk.samples, workers: task.workers,
      memory: task.memory / 2)
    func losses(_ policies: [[Int]], share: Double) throws -> [[Double]] {
      var losses = policies.map { _ in [Double]() }
      try scorer.score(policies, on: chunk.samples.indices) {
        losses[$0] = $1
        task.advanced(share / Double(policies.count))
      }
      return losses
    }
    func policy(_ chosen: [Int]) -> [Int] {
      var policy = counts
      for row in chosen { policy[rows[row].group] = rows[row].candidate }
      return policy
    }
    let work = Double(rows.count) / 2 + Double(min(limit, all.count)) / 3
    let share = Double(rows.count) / 2 / max(1, work)
    let singles = try losses(rows.indices.map { policy([$0]) }, share: share)

    let chosen = chunk.samples.indices.map { k in Set(choice(all, singles.map { $0[k] })) }
    let pairs = chosen.reduce(into: Set()) { $0.formUnion($1) }.sorted()
    let together = try losses(pairs.map { policy([$0.first, $0.second]) }, share: 1 - share)
    return InteractionTerms(
      candidateCounts: counts, samples: chunk.samples.count, pairs: pairs,
      singles: singles.flatMap { $0 },
      crosses: zip(pairs, together).flatMap { pair, losses in
        losses.enumerated().map { k, loss in
          chosen[k].contains(pair)
            ? Float(loss - singles[pair.first][k] - singles[pair.second][k]) : 0
        }
      })
  }

  /// The pairs that may matter most, given the losses of one sample by row.
  private func choice(_ all: [InteractionTerms.Pair], _ losses: [Double])
    -> [InteractionTerms.Pair]
  {
    guard all.count > limit else { return all }
    let bounds = all.map { losses[$0.first] * losses[$0.second] }
    let order = all.indices.sorted { bounds[$0] == bounds[$1] ? $0 < $1 : bounds[$0] > bounds[$1] }
    return order.prefix(limit).map { all[$0] }
  }

  /// One batch for each worker: nothing is kept between samples.
  public func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) -> Int {
    task.sweptTogether
  }

  /// Half a pass for each candidate, a third for each pair.
  public func forwardPasses(_ task: MeasurementTask) -> Double {
    let counts = task.groups.map { Double($0.formats.count) }
    let rows = counts.reduce(0, +)
    let pairs = (rows * rows - counts.reduce(0) { $0 + $1 * $1 }) / 2
    return 1.5 + rows / 2 + min(Double(limit), pairs) / 3
  }
}

extension MeasurementTask {
  /// Refuses groups that no node uses.
  func checkThatAllRan() throws {
    let used = Set(groupsByFirstUse().map(\.group))
    for (index, group) in groups.enumerated() where !used.contains(index) {
      throw UserError(.failed, "the group '\(group.name)' never ran")
    }
  }
}
