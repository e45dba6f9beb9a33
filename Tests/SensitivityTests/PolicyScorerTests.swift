import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

@Suite struct PolicyScorerTests {
  private static let formats = ["int2-channel", "int4-channel", "int8-channel"]

  private func groups(_ graph: Graph) throws -> [MeasuredGroup] {
    try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(for: layer.layer.shape, from: Self.formats))
    }
  }

  /// Every combination of formats, shuffled, some of them twice.
  private func policies(_ groups: [MeasuredGroup], seed: UInt64) -> [[Int]] {
    var all: [[Int]] = [[]]
    for group in groups { all = all.flatMap { p in group.formats.indices.map { p + [$0] } } }
    var generator = SplitMix64(seed: seed)
    all.shuffle(using: &generator)
    return Array(all.prefix(20)) + all.prefix(3)
  }

  private func scores(
    _ scorer: PolicyScorer, _ policies: [[Int]], _ range: Range<Int>
  ) throws -> [[Double]] {
    var losses = policies.map { _ in [Double]() }
    var told: [Int] = []
    try scorer.score(policies, on: range) {
      told.append($0)
      losses[$0] = $1
    }
    #expect(told.sorted() == Array(policies.indices))
    return losses
  }

  /// The oracle: every policy run from the start, by itself.
  ///
  /// Whatever may be kept: nothing (1 byte), a little, or everything.
  @Test(arguments: [1, 20_000, 1 << 30])
  func lossesAreThoseOfThePolicyEvaluator(memory: Int) throws {
    for (graph, samples) in ToyNetworks.all() {
      let executor = Executor(graph)
      let groups = try groups(graph)
      let policies = policies(groups, seed: 5)
      let scorer = PolicyScorer(
        executor: executor, groups: groups, samples: samples, workers: 2, memory: memory)
      let oracle = try PolicyEvaluator(executor: executor, workers: 1).evaluate(
        policies.map { policy in zip(groups, policy).map { $0.formats[$1] } }, on: samples,
        memory: 1 << 30)
      for range in [0..<samples.count, 1..<samples.count - 1, 2..<3] {
        let losses = try scores(scorer, policies, range)
        for (mine, theirs) in zip(losses, oracle) {
          #expect(mine.count == range.count)
          for (a, b) in zip(mine, theirs[range]) {
            // Batches of other sizes take other paths through BLAS, as in EstimatorConformance.
            #expect(abs(a - b.loss) <= 1e-4 * b.loss + 1e-6)
          }
        }
      }
    }
  }

  /// What makes a resumed search end as the uninterrupted one: no company changes a bit.
  @Test func companyChangesNothing() throws {
    for (graph, samples) in ToyNetworks.all() {
      let groups = try groups(graph)
      let policies = policies(groups, seed: 6)
      func scorer(_ memory: Int) -> PolicyScorer {
        PolicyScorer(
          executor: Executor(graph), groups: groups, samples: samples, workers: 2, memory: memory)
      }
      let together = try scores(scorer(1 << 30), policies, 0..<samples.count)
      let narrow = try scores(scorer(1), policies, 0..<samples.count)
      let single = scorer(1 << 30)
      for (k, policy) in policies.enumerated() {
        let alone = try scores(single, [policy], 0..<samples.count)[0]
        #expect(alone == together[k])
        #expect(alone == narrow[k])
      }
    }
  }

  /// Two layers of three formats: the first is run once for each of its formats, everything else for
  /// each policy, and nothing for a policy that was there.
  @Test func sharedPrefixesAreRunOnce() throws {
    let (graph, samples) = ToyNetworks.all()[0]
    let groups = try groups(graph)
    let all = (0..<3).flatMap { a in (0..<3).map { [a, $0] } }
    let scorer = PolicyScorer(
      executor: Executor(graph), groups: groups, samples: samples, workers: 1, memory: 1 << 30)
    _ = try scores(scorer, (all + all).reversed(), 0..<samples.count)
    let head = graph.layers[1].uses[0]
    let nodes = graph.nodes.count
    #expect(scorer.work.nodes == 3 * head + 9 * (nodes - head))
    #expect(scorer.work.nodesWithoutSharing == 18 * nodes)
    #expect(scorer.work.roundTrips == 6)
    #expect(scorer.work.references == 1)
    _ = try scores(scorer, all, 0..<samples.count)
    #expect(scorer.work.roundTrips == 6)
    #expect(scorer.work.references == 1)
  }

  @Test func whatFinishedThrowsEndsTheWork() throws {
    struct Enough: Error {}
    let (graph, samples) = ToyNetworks.all()[0]
    let scorer = PolicyScorer(
      executor: Executor(graph), groups: try groups(graph), samples: samples, workers: 1,
      memory: 1 << 30)
    var count = 0
    #expect(throws: Enough.self) {
      try scorer.score([[0, 0], [1, 1], [2, 2]], on: 0..<samples.count) { _, _ in
        count += 1
        if count == 2 { throw Enough() }
      }
    }
    #expect(count == 2)
  }
}
