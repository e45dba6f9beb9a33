import Testing
import Vocabulary

/// Sketches as a model of whole policies, and as bytes.
@Suite struct OutputSketchesTests {
  private func random(_ counts: [Int], samples: Int, dimension: Int, seed: UInt64)
    -> OutputSketches
  {
    var generator = SplitMix64(seed: seed)
    let rows = counts.reduce(0, +)
    return OutputSketches(
      candidateCounts: counts, samples: samples, dimension: dimension,
      singles: (0..<rows * samples).map { _ in generator.uniform() },
      sketches: (0..<rows * samples * dimension).map { _ in Float(generator.uniform() - 0.5) })
  }

  /// The definition: `½ ‖Σ s‖²` less the sketched singles plus the exact ones, sample by sample.
  @Test func theLossIsThatOfTheSumOfSketches() {
    // Two groups, two samples of two numbers; exact singles that differ from the sketched.
    let sketches = OutputSketches(
      candidateCounts: [2, 1], samples: 2, dimension: 2, singles: [3, 5, 7, 9, 1, 2],
      sketches: [1, 0, 0, 1, 2, 0, 0, 2, 1, 1, 0, -1])
    #expect(sketches.single(0, 0) == 4)
    #expect(sketches.single(0, 1) == 8)
    #expect(sketches.single(1, 0) == 1.5)
    // ⟨(1,0),(1,1)⟩ = 1 and ⟨(0,1),(0,−1)⟩ = −1.
    #expect(sketches.cross(0, 0, 1, 0) == 0)
    // 2 and −2.
    #expect(sketches.cross(1, 0, 0, 1) == 0)
    #expect(sketches.loss(of: [0, 0]) == 5.5)
    #expect(sketches.prefix(1).loss(of: [1, 0]) == 7 + 1 + 2)
    #expect(sketches.scores == [[[3, 5], [7, 9]], [[1, 2]]])
  }

  @Test func lossesAreSumsOfTermsAndChangesAreDifferences() {
    let sketches = random([3, 1, 4, 2, 5], samples: 3, dimension: 21, seed: 1)
    var generator = SplitMix64(seed: 2)
    var evaluation = sketches.evaluation(of: [0, 0, 0, 0, 0])
    let gram = sketches.gram()
    let starts = [0, 3, 4, 8, 10]
    for _ in 0..<500 {
      let group = Int(generator.next() % 5)
      let candidate = Int(generator.next() % UInt64(sketches.candidateCounts[group]))
      let predicted = evaluation.loss + evaluation.change(of: group, to: candidate)
      evaluation.set(group, to: candidate)
      let choices = evaluation.choices
      #expect(choices[group] == candidate)
      #expect(abs(evaluation.loss - predicted) < 1e-12)
      #expect(abs(evaluation.loss - sketches.loss(of: choices)) < 1e-12)
      var (terms, quadratic) = (0.0, 0.0)
      for g in 0..<5 {
        terms += sketches.single(g, choices[g])
        for h in 0..<g { terms += sketches.cross(g, choices[g], h, choices[h]) }
        for h in 0..<5 { quadratic += 0.5 * gram[starts[g] + choices[g]][starts[h] + choices[h]] }
      }
      #expect(abs(evaluation.loss - terms) < 1e-10)
      #expect(abs(evaluation.loss - quadratic) < 1e-5)
    }
  }

  @Test func theGramHasNoTermsWithinAGroup() {
    let sketches = random([2, 3], samples: 2, dimension: 1500, seed: 3)
    let gram = sketches.gram()
    for (r, q) in [(0, 1), (2, 3), (3, 4), (4, 2)] { #expect(gram[r][q] == 0) }
    for r in 0..<5 { for q in 0..<5 { #expect(gram[r][q] == gram[q][r]) } }
    #expect(abs(gram[1][3] - sketches.cross(0, 1, 1, 1)) < 1e-4)
  }

  @Test func joinsAreTheSamplesInOrder() throws {
    let parts = [1, 4, 2].map { random([2, 3], samples: $0, dimension: 5, seed: UInt64($0)) }
    let joined = try OutputSketches.joined(parts)
    #expect(joined.samples == 7)
    #expect(joined.prefix(1) == parts[0])
    let mean = zip(parts, [1.0, 4, 2]).reduce(0) { $0 + $1.0.loss(of: [1, 2]) * $1.1 } / 7
    #expect(abs(joined.loss(of: [1, 2]) - mean) < 1e-12)
    let other = random([2, 3], samples: 1, dimension: 6, seed: 9)
    #expect(throws: UserError.self) { try OutputSketches.joined([parts[0], other]) }
    #expect(throws: UserError.self) { try OutputSketches.joined([]) }
  }

  @Test func bytesComeBackAndNothingElseIsRead() {
    let sketches = random([2, 1, 3], samples: 3, dimension: 4, seed: 4)
    let bytes = sketches.encoded
    #expect(OutputSketches(encoded: bytes) == sketches)
    for length in bytes.indices { #expect(OutputSketches(encoded: Array(bytes[..<length])) == nil) }
    #expect(OutputSketches(encoded: bytes + [0]) == nil)
    // Every damaged size says something that the length contradicts; sizes may not overflow either.
    for place in 0..<8 + 4 * 6 {
      for value: UInt8 in [0, 1, 2, 3, 0x7F, 0xFF] where bytes[place] != value {
        var damaged = bytes
        damaged[place] = value
        if let read = OutputSketches(encoded: damaged) {
          #expect(read.candidateCounts.reduce(0, +) * read.samples > 0)
          #expect(read != sketches)
        }
      }
    }
    var huge = bytes
    for place in 8..<32 { huge[place] = 0xFF }
    #expect(OutputSketches(encoded: huge) == nil)
    var infinite = bytes
    infinite.replaceSubrange(bytes.count - 4..<bytes.count, with: [0, 0, 0x80, 0x7F])
    #expect(OutputSketches(encoded: infinite) == nil)
  }
}
