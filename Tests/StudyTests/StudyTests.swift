import Foundation
import Study
import Testing
import Vocabulary

@Suite struct StudyTests {
  @Test func headerScoresAndDocumentsComeBack() async throws {
    try await withScratch { scratch in
      let path = scratch.appendingPathComponent("a/study").path
      let study = try Study.create(at: path, header: Samples.header)
      let run = try study.begin(
        Samples.key(seed: .max), samples: 6, unit: "nats/token", candidates: Samples.candidates)
      // Out of order, and in chunks of unequal size.
      try study.append(run, chunk: 4..<6, scores: Samples.scores(4..<6).reversed())
      try study.append(run, chunk: 0..<4, scores: Samples.scores(0..<4))
      try study.finish(run)
      try study.savePolicy(name: "4.5 bpw", json: "{\"a\": 1}", created: "now")
      try study.saveVerification(name: "held-out", json: "[1, 2]", created: "then")

      let again = try Study.open(at: path)
      #expect(again.header == Samples.header)
      let stored = try #require(try again.latestCompleteRun(estimator: "exact-kl"))
      #expect(stored.key == Samples.key(seed: .max))
      #expect(stored.candidates == Samples.candidates)
      #expect(stored.unit == "nats/token")
      let scores = try again.scores(stored)
      for expected in Samples.scores(0..<6) {
        #expect(scores[expected.group][expected.candidate] == expected.values)
      }
      #expect(try again.documents(.policy).map(\.json) == ["{\"a\": 1}"])
      let verification = try #require(try again.documents(.verification).first)
      #expect(verification.name == "held-out" && verification.created == "then")
      #expect(try again.documents(.verification).count == 1)
    }
  }

  @Test func tableHoldsMeansErrorsAndSizes() async throws {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      let run = try study.begin(
        Samples.key(), samples: 3, unit: "nats/sample", candidates: Samples.candidates)
      var scores = Samples.scores(0..<3)
      scores[0].values = [-1, 2, 5]
      try study.append(run, chunk: 0..<3, scores: scores)
      let table = try study.sensitivityTable(try study.finish(run))
      #expect(table.unit == "nats/sample")
      #expect(table.fixedBytes == 40)
      #expect(table.weights == 3000)
      #expect(table.groups.map(\.layers) == Samples.header.groups.map(\.layers))
      let candidate = table.groups[0].candidates[0]
      #expect(candidate.loss == 2)
      // s = 3, √3 samples.
      #expect(abs((candidate.standardError ?? 0) - 3.0.squareRoot()) < 1e-12)
      #expect(table.groups.map { $0.candidates.map(\.bytes) } == [[1100, 2100], [550]])
    }
  }

  @Test func writingAChunkTwiceIsWritingItOnce() async throws {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      let run = try study.begin(
        Samples.key(), samples: 4, unit: "u", candidates: Samples.candidates)
      try study.append(run, chunk: 0..<2, scores: Samples.scores(0..<2, scale: 9))
      try study.append(run, chunk: 0..<2, scores: Samples.scores(0..<2))
      #expect(try study.completedSamples(run) == [0..<2])
      try study.append(run, chunk: 2..<4, scores: Samples.scores(2..<4))
      #expect(try study.completedSamples(run) == [0..<4])
      #expect(try study.scores(run)[1][0] == Samples.scores(0..<4)[2].values)
    }
  }

  @Test func resumedRunEqualsAnUninterruptedOne() async throws {
    try await withScratch { scratch in
      func measure(at name: String, stopAfter: [Int]) throws -> SensitivityTable {
        let path = scratch.appendingPathComponent(name).path
        for limit in stopAfter + [.max] {
          let study = try Study.create(at: path, header: Samples.header)
          let run = try study.begin(
            Samples.key(), samples: 8, unit: "u", candidates: Samples.candidates)
          let done = try study.completedSamples(run)
          let missing = stride(from: 0, to: 8, by: 2).map { $0..<$0 + 2 }
            .filter { chunk in !done.contains { $0.contains(chunk.lowerBound) } }
          for chunk in missing.prefix(limit) {
            try study.append(run, chunk: chunk, scores: Samples.scores(chunk))
          }
          if limit == .max { return try study.sensitivityTable(try study.finish(run)) }
        }
        throw UserError(.failed, "unreachable")
      }
      let whole = try measure(at: "whole", stopAfter: [])
      #expect(try measure(at: "parts", stopAfter: [1, 0, 2]) == whole)
    }
  }

  @Test func partsOfAChunkAreNoChunk() async throws {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      let run = try study.begin(
        Samples.key(), samples: 2, unit: "u", candidates: Samples.candidates)
      try study.append(run, chunk: 0..<2, scores: Samples.scores(0..<2).prefix(2))
      #expect(try study.completedSamples(run).isEmpty)
      #expect(throws: UserError.self) { try study.finish(run) }
      #expect(throws: UserError.self) { try study.scores(run) }
      #expect(try study.latestCompleteRun() == nil)
      try study.append(run, chunk: 0..<2, scores: Samples.scores(0..<2).suffix(1))
      #expect(try study.finish(run).isComplete)
    }
  }

  @Test func aScoreThatIsNoNumberIsRefusedWithItsWholeChunk() async throws {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      let run = try study.begin(
        Samples.key(), samples: 2, unit: "u", candidates: Samples.candidates)
      var scores = Samples.scores(0..<2)
      scores[2].values[1] = .nan
      let error = #expect(throws: UserError.self) {
        try study.append(run, chunk: 0..<2, scores: scores)
      }
      #expect(
        error?.description == "the score of 'layers.2.proj' under int4-g64 is nan on sample 1")
      #expect(try study.completedSamples(run).isEmpty)
    }
  }

  @Test func runsLiveSideBySide() async throws {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      let keys = [Samples.key(), Samples.key("fisher-output"), Samples.key(seed: 2)]
      for (scale, key) in keys.enumerated() {
        let run = try study.begin(key, samples: 2, unit: "u", candidates: Samples.candidates)
        try study.append(
          run, chunk: 0..<2, scores: Samples.scores(0..<2, scale: Double(scale + 1)))
        if scale < 2 { try study.finish(run) }
      }
      #expect(try study.runs().map(\.key) == keys)
      #expect(try study.runs().map(\.isComplete) == [true, true, false])
      #expect(try study.latestCompleteRun(estimator: "exact-kl")?.key == keys[0])
      #expect(try study.latestCompleteRun()?.key == keys[1])
      #expect(try study.latestCompleteRun(estimator: "output-error") == nil)
      for (scale, run) in try study.runs().enumerated() {
        let expected = Samples.scores(0..<2, scale: Double(scale + 1))[1].values
        #expect(try study.scores(run)[0][1] == expected)
      }
      var other = Samples.candidates
      other[1][0].format = "int3-g64"
      #expect(throws: UserError.self) {
        try study.begin(keys[0], samples: 2, unit: "u", candidates: other)
      }
    }
  }

  @Test func aRunCanBeCutShortAndTakenUpAgain() async throws {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      func begin() throws -> Run {
        try study.begin(Samples.key(), samples: 6, unit: "u", candidates: Samples.candidates)
      }
      let run = try begin()
      try study.append(run, chunk: 0..<4, scores: Samples.scores(0..<4))
      let short = try study.finish(run, samples: 4)
      #expect(try study.latestCompleteRun() == short)
      #expect(try study.scores(short)[0][0].count == 4)

      let more = try begin()
      #expect(!more.isComplete && more.id == run.id)
      #expect(try study.completedSamples(more) == [0..<4])
      try study.append(more, chunk: 4..<6, scores: Samples.scores(4..<6))
      #expect(try study.scores(try study.finish(more))[0][0].count == 6)
    }
  }

  @Test func anotherModelIsRefused() async throws {
    try await withScratch { scratch in
      _ = try Study.create(at: scratch.path, header: Samples.header)
      var other = Samples.header
      other.model.digest = "sha256:ff00"
      var error = #expect(throws: UserError.self) {
        try Study.create(at: scratch.path, header: other)
      }
      #expect(error?.description.contains("is of another model") == true)
      other = Samples.header
      other.groups.removeLast()
      error = #expect(throws: UserError.self) {
        try Study.create(at: scratch.path, header: other)
      }
      #expect(error?.description.contains("other groups") == true)

      var later = Samples.header
      later.created = "2027-01-01T00:00:00Z"
      #expect(try Study.create(at: scratch.path, header: later).header == Samples.header)
    }
  }
}
