import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// Interactions as they are kept in a study: bytes of chunks, read back under their estimator's name.
@Suite struct StoredInteractionsTests {
  private static func terms(_ samples: Int, seed: UInt64, without: Int = 0) -> InteractionTerms {
    let counts = [2, 1, 3]
    var generator = SplitMix64(seed: seed)
    let pairs = Array(InteractionTerms.allPairs(counts).dropFirst(without))
    return InteractionTerms(
      candidateCounts: counts, samples: samples, pairs: pairs,
      singles: (0..<6 * samples).map { _ in generator.uniform() },
      crosses: (0..<pairs.count * samples).map { _ in Float(generator.uniform() - 0.5) })
  }

  @Test func pairsAreOfDifferentGroupsAndTermsTheirMeans() {
    let terms = Self.terms(3, seed: 1)
    #expect(terms.pairs.count == 2 + 6 + 3)
    #expect(terms.pairs.allSatisfy { !($0.first < 2 && $0.second < 2) && $0.first < 3 })
    #expect(terms.terms(of: .init(0, 1)) == nil)
    let model = terms.matrix()
    let values = terms.terms(of: .init(1, 4)) ?? []
    #expect(values.count == 3)
    let mean = values.reduce(0) { $0 + Double($1) } / 3
    #expect(abs(model.cross(0, 1, 2, 1) - mean) < 1e-12)
    #expect(model.cross(2, 1, 0, 1) == model.cross(0, 1, 2, 1))
    #expect(abs(model.single(2, 0) - terms.scores[2][0].reduce(0, +) / 3) < 1e-12)
  }

  @Test func joinsAreTheSamplesInOrderAndAbsentPairsAreZero() throws {
    let (a, b) = (Self.terms(2, seed: 1), Self.terms(3, seed: 2, without: 4))
    let joined = try InteractionTerms.joined([a, b])
    #expect(joined.samples == 5)
    #expect(joined.pairs == a.pairs)
    for (k, pair) in a.pairs.enumerated() {
      let late = k < 4 ? [0, 0, 0] : b.terms(of: pair) ?? []
      #expect(joined.terms(of: pair) == (a.terms(of: pair) ?? []) + late)
    }
    #expect(joined.scores[1][0] == a.scores[1][0] + b.scores[1][0])
    #expect(joined.prefix(2) == a)
    #expect(joined.prefix(9) == joined)
    #expect(throws: UserError.self) { try InteractionTerms.joined([]) }
    let other = InteractionTerms(
      candidateCounts: [6], samples: 1, pairs: [], singles: [1, 2, 3, 4, 5, 6], crosses: [])
    #expect(throws: UserError.self) { try InteractionTerms.joined([a, other]) }
  }

  @Test func bytesComeBackAndNothingElseIsRead() {
    let terms = Self.terms(2, seed: 3, without: 3)
    let bytes = terms.encoded
    #expect(InteractionTerms(encoded: bytes) == terms)
    for length in bytes.indices {
      #expect(InteractionTerms(encoded: Array(bytes[..<length])) == nil)
    }
    #expect(InteractionTerms(encoded: bytes + [0]) == nil)
    var read = 0
    for place in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[place] ^= 1 << bit
        // Numbers may change unseen; sizes, pairs and what is no number may not.
        guard let other = InteractionTerms(encoded: damaged) else { continue }
        read += 1
        #expect(other.candidateCounts.reduce(0, +) == 6)
        #expect(other.scores.joined().joined().allSatisfy { $0.isFinite })
        #expect(other.encoded == damaged)
      }
    }
    #expect(read > 0)
    // Sizes of four billion, with nothing behind.
    let huge = Array(bytes[..<8]) + [UInt8](repeating: 0xFF, count: 24)
    #expect(InteractionTerms(encoded: huge) == nil)
    let sketches = OutputSketches(
      candidateCounts: [1], samples: 1, dimension: 1, singles: [1], sketches: [1])
    #expect(InteractionTerms(encoded: sketches.encoded) == nil)
    #expect(OutputSketches(encoded: bytes) == nil)
  }

  private func task(_ graph: Graph) throws -> MeasurementTask {
    let groups = try graph.layers.enumerated().map { index, layer in
      MeasuredGroup(
        name: layer.layer.name, layers: [index],
        formats: try Formats.candidates(
          for: layer.layer.shape, from: ["int2-g64", "int4-channel"]))
    }
    return MeasurementTask(executor: Executor(graph), groups: groups, seed: 7, workers: 1)
  }

  private func measured(_ id: String, _ chunk: SampleChunk, _ task: MeasurementTask) throws
    -> any MeasuredInteractions
  {
    func interactions(_ type: (some InteractionEstimator).Type) throws -> any MeasuredInteractions {
      try type.init().interactions(of: chunk, in: task)
    }
    let type = try #require(InteractionEstimators.all.first { $0.id == id })
    return try interactions(type)
  }

  @Test(arguments: InteractionEstimators.ids)
  func everyEstimatorsChunksAreReadBack(id: String) throws {
    for (graph, samples) in ToyNetworks.all() {
      let task = try task(graph)
      let counts = task.groups.map(\.formats.count)
      let whole = try measured(id, SampleChunk(first: 0, samples: samples), task)
      let chunks = try [0..<1, 1..<samples.count].map { range in
        let part = try measured(
          id, SampleChunk(first: range.lowerBound, samples: Array(samples[range])), task)
        #expect(part.scores.joined().allSatisfy { $0.count == range.count })
        return (samples: range.count, bytes: part.encoded)
      }
      func read(_ chunks: [(samples: Int, bytes: [UInt8])], _ count: Int) throws
        -> InteractionMatrix?
      {
        try InteractionEstimators.matrix(
          measuredBy: id, chunks: chunks, candidateCounts: counts, samples: count)
      }
      let model = try #require(try read(chunks, samples.count))
      let expected = whole.matrix()
      for g in counts.indices {
        for a in 0..<counts[g] {
          let single = expected.single(g, a)
          #expect(abs(model.single(g, a) - single) <= 1e-4 * single + 1e-6)
          for h in counts.indices where h != g {
            for b in 0..<counts[h] {
              let scale = (single * expected.single(h, b)).squareRoot()
              let difference = model.cross(g, a, h, b) - expected.cross(g, a, h, b)
              #expect(abs(difference) <= 1e-3 * scale + 1e-5)
            }
          }
        }
      }
      // Chunks may reach beyond a run's samples, and one whole chunk is enough for its own.
      #expect(try read(chunks, 1) == read([chunks[0]], 1))
      #expect(try read(chunks, 2) != model)

      for (damaged, index) in [
        ([chunks[0], (chunks[1].samples, Array(chunks[1].bytes.dropLast()))], 1),
        ([(1, [0] + chunks[0].bytes.dropFirst()), chunks[1]], 0),
        ([chunks[0], (chunks[1].samples + 1, chunks[1].bytes)], 1),
      ] {
        #expect(throws: DamagedInteractions(chunk: index)) { try read(damaged, samples.count) }
      }
      #expect(throws: DamagedInteractions(chunk: 0)) {
        try InteractionEstimators.matrix(
          measuredBy: id, chunks: chunks, candidateCounts: counts + [1], samples: 2)
      }
    }
  }

  @Test func anEstimatorsBytesAreNoOthersAndMostHaveNone() throws {
    let terms = Self.terms(2, seed: 4)
    #expect(throws: DamagedInteractions(chunk: 0)) {
      try InteractionEstimators.matrix(
        measuredBy: "output-delta", chunks: [(2, terms.encoded)],
        candidateCounts: terms.candidateCounts, samples: 2)
    }
    for id in ["interlayer", "pairs"] {
      #expect(
        try InteractionEstimators.matrix(
          measuredBy: id, chunks: [(2, terms.encoded)], candidateCounts: terms.candidateCounts,
          samples: 2) == terms.matrix())
    }
    #expect(
      try InteractionEstimators.matrix(
        measuredBy: "exact-kl", chunks: [(2, terms.encoded)],
        candidateCounts: terms.candidateCounts, samples: 2) == nil)
  }
}
