import Foundation
import Study
import TestSupport
import Testing
import Vocabulary

/// What interaction estimators keep in a study.
@Suite struct InteractionTests {
  static func sketches(_ samples: Range<Int>) -> OutputSketches {
    var generator = SplitMix64(seed: UInt64(samples.lowerBound))
    return OutputSketches(
      candidateCounts: Samples.candidates.map(\.count), samples: samples.count, dimension: 4,
      singles: (0..<3 * samples.count).map { _ in generator.uniform() },
      sketches: (0..<12 * samples.count).map { _ in Float(generator.uniform()) })
  }

  static func chunk(_ samples: Range<Int>) -> InteractionChunk {
    InteractionChunk(samples: samples, data: Data(sketches(samples).encoded))
  }

  static func run(in study: Study, samples: Int = 10) throws -> Run {
    try study.begin(
      Samples.key("output-delta"), samples: samples, unit: "u", candidates: Samples.candidates)
  }

  @Test func chunksComeBackInTheSamplesOrder() async throws {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      let run = try Self.run(in: study)
      for samples in [4..<8, 0..<4, 8..<10] {
        try study.append(run, interactions: Self.chunk(samples))
      }
      let again = try Study.open(at: scratch.path)
      let chunks = try again.interactions(run)
      #expect(chunks == [0..<4, 4..<8, 8..<10].map(Self.chunk))
      #expect(OutputSketches(encoded: [UInt8](chunks[1].data)) == Self.sketches(4..<8))
      // Another run has none of them.
      let other = try again.begin(
        Samples.key(seed: 9), samples: 10, unit: "u", candidates: Samples.candidates)
      #expect(throws: UserError.self) { try again.interactions(other) }
    }
  }

  @Test func aChunkThatIsWrittenAgainReplacesTheFirst() async throws {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      let run = try Self.run(in: study)
      // Killed before its scores were written, and resumed with smaller chunks.
      for samples in [0..<4, 4..<8, 4..<6, 6..<8, 8..<10] {
        try study.append(run, interactions: Self.chunk(samples))
      }
      #expect(
        try study.interactions(run).map(\.samples) == [0..<4, 4..<6, 6..<8, 8..<10])
    }
  }

  @Test func aRunThatWasCutShortReadsWhatItNeeds() async throws {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      var run = try Self.run(in: study)
      try study.append(run, interactions: Self.chunk(0..<4))
      try study.append(run, interactions: Self.chunk(4..<8))
      let error = #expect(throws: UserError.self) { try study.interactions(run) }
      #expect(error?.description.contains("8 of 10 samples") == true)
      run = try Self.run(in: study, samples: 3)
      #expect(try study.interactions(run).map(\.samples) == [0..<4])
    }
  }

  @Test func gapsAndDamageAreErrors() async throws {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      let run = try Self.run(in: study)
      try study.append(run, interactions: Self.chunk(0..<4))
      try study.append(run, interactions: Self.chunk(6..<10))
      #expect(throws: UserError.self) { try study.interactions(run) }
    }
    try await withScratch { scratch in
      do {
        let study = try Study.create(at: scratch.path, header: Samples.header)
        try study.append(Self.run(in: study), interactions: Self.chunk(0..<10))
      }
      let file = scratch.appendingPathComponent(Study.fileName)
      let intact = try Data(contentsOf: file)
      var generator = SplitMix64(seed: 5)
      var failures = 0
      for _ in 0..<200 {
        var data = intact
        for _ in 0..<40 {
          let place = Int(generator.next() % UInt64(data.count))
          data[place] = UInt8(truncatingIfNeeded: generator.next())
        }
        try data.write(to: file)
        do {
          let study = try Study.open(at: scratch.path)
          for run in try study.runs() {
            for chunk in try study.interactions(run) {
              if OutputSketches(encoded: [UInt8](chunk.data)) == nil { failures += 1 }
            }
          }
        } catch is UserError { failures += 1 }
      }
      // No crash, nothing but a sentence; most of the damage lies in what is not read.
      #expect(failures > 0)
    }
  }
}
