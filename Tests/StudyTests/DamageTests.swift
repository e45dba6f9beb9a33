import Foundation
import Study
import TestSupport
import Testing
import Vocabulary

#if canImport(Glibc)
  import Glibc
#endif

@Suite struct DamageTests {
  /// A study with a few finished runs, as the bytes of its database.
  static func database() async throws -> Data {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      for seed in 1...3 as ClosedRange<UInt64> {
        let run = try study.begin(
          Samples.key(seed: seed), samples: 40, unit: "u", candidates: Samples.candidates)
        for start in stride(from: 0, to: 40, by: 2) {
          try study.append(
            run, chunk: start..<start + 2, scores: Samples.scores(start..<start + 2))
        }
        try study.finish(run)
      }
      return try Data(contentsOf: scratch.appendingPathComponent(Study.fileName))
    }
  }

  static func readEverything(at path: String) throws {
    let study = try Study.open(at: path)
    for run in try study.runs() { _ = try study.sensitivityTable(run) }
    for kind in StudyDocument.Kind.allCases { _ = try study.documents(kind) }
  }

  @Test func placesWithoutAStudyAreToldApart() async throws {
    try await withScratch { scratch in
      func message(_ work: () throws -> Void) -> String {
        do { try work() } catch let error as UserError { return error.description } catch {
          return "not a UserError: \(error)"
        }
        return "no error"
      }
      let file = scratch.appendingPathComponent(Study.fileName)
      let path = scratch.path
      #expect(
        message { _ = try Study.open(at: "\(path)/none") } == "there is no study at '\(path)/none'")
      #expect(message { _ = try Study.open(at: path) }.contains("holds no study.sqlite"))
      try Data("this is no database, and long enough to be sure of it".utf8).write(to: file)
      #expect(message { _ = try Study.open(at: path) }.contains("is no SQLite database"))
      #expect(
        message { _ = try Study.create(at: path, header: Samples.header) }
          .contains("is no SQLite database"))
      #expect(
        message { _ = try Study.create(at: file.path, header: Samples.header) }
          .contains("is a file"))
      // An empty file is what a kill before the first write leaves: a study may begin there.
      try Data().write(to: file)
      #expect(message { _ = try Study.open(at: path) }.contains("not a study"))
      _ = try Study.create(at: path, header: Samples.header)
      #expect(try Study.open(at: path).runs().isEmpty)

      let journal = scratch.appendingPathComponent("\(Study.fileName)-journal")
      try Data("x".utf8).write(to: journal)
      try Study.remove(at: path)
      #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
      try Study.remove(at: path)
    }
  }

  @Test func newerAndForeignDatabasesAreRefused() async throws {
    let whole = try await DamageTests.database()
    try await withScratch { scratch in
      let file = scratch.appendingPathComponent(Study.fileName)
      // The name of the migration that made the tables, as a later version would name its own.
      var newer = whole
      while let place = newer.range(of: Data("1 header, runs".utf8)) {
        newer.replaceSubrange(place, with: Data("9 header, runs".utf8))
      }
      #expect(newer != whole)
      try newer.write(to: file)
      var error = #expect(throws: UserError.self) { try Study.open(at: scratch.path) }
      #expect(error?.description.contains("newer version of bitbudget") == true)

      // SQLite keeps the application's mark at byte 68.
      var foreign = whole
      foreign.replaceSubrange(68..<72, with: [0, 0, 0, 1])
      try foreign.write(to: file)
      error = #expect(throws: UserError.self) { try Study.open(at: scratch.path) }
      #expect(error?.description.contains("written by another program") == true)
      error = #expect(throws: UserError.self) {
        try Study.create(at: scratch.path, header: Samples.header)
      }
      #expect(error?.description.contains("written by another program") == true)
      #expect(try Data(contentsOf: file) == foreign)
    }
  }

  @Test func aTruncatedDatabaseIsAnError() async throws {
    let whole = try await DamageTests.database()
    try await withScratch { scratch in
      for share in [0.01, 0.2, 0.5, 0.9] {
        try whole.prefix(Int(share * Double(whole.count)))
          .write(to: scratch.appendingPathComponent(Study.fileName))
        #expect(throws: UserError.self) { try DamageTests.readEverything(at: scratch.path) }
      }
    }
  }

  @Test(arguments: 0..<4)
  func changedBytesAreAnErrorOrHarmless(part: Int) async throws {
    let whole = try await DamageTests.database()
    try await withScratch { scratch in
      let file = scratch.appendingPathComponent(Study.fileName)
      var refused = 0
      for trial in 0..<100 {
        var generator = SplitMix64(seed: 11, job: 1000 * part + trial)
        var bytes = whole
        for _ in 0..<8 {
          bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(
            truncatingIfNeeded: generator.next())
        }
        try bytes.write(to: file)
        do {
          try DamageTests.readEverything(at: scratch.path)
        } catch let error as UserError {
          refused += 1
          #expect(!error.description.contains("\n"))
        }
        try? FileManager.default.removeItem(atPath: file.path + "-journal")
      }
      #expect(refused > 0)
    }
  }

  /// Scores that kill their own process when the last of them is asked for: within the transaction,
  /// after more than SQLite's cache has gone to the file.
  struct DeadlyScores: Sequence {
    var scores: [CandidateScores]

    func makeIterator() -> some IteratorProtocol<CandidateScores> {
      var index = 0
      return AnyIterator {
        if index == scores.count - 1 { kill(getpid(), SIGKILL) }
        defer { index += 1 }
        return index < scores.count ? scores[index] : nil
      }
    }
  }

  @Test func aKilledProcessLeavesTheFinishedChunks() async throws {
    try await withScratch { scratch in
      let path = scratch.path
      let chunk = 150_000
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = path as String, chunk = chunk as Int] in
        let study = try Study.create(at: path, header: Samples.header)
        let run = try study.begin(
          Samples.key(), samples: 2 * chunk, unit: "u", candidates: Samples.candidates)
        try study.append(run, chunk: 0..<chunk, scores: Samples.scores(0..<chunk))
        try study.append(
          run, chunk: chunk..<2 * chunk,
          scores: DeadlyScores(scores: Samples.scores(chunk..<2 * chunk)))
      }
      // The half-written chunk is on disk, with the journal that takes it back.
      let journal = scratch.appendingPathComponent("\(Study.fileName)-journal").path
      #expect(FileManager.default.fileExists(atPath: journal))

      // A copy of the directory is as good as the original.
      let copy = scratch.appendingPathComponent("copy")
      try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
      for name in [Study.fileName, "\(Study.fileName)-journal"] {
        try FileManager.default.copyItem(
          at: scratch.appendingPathComponent(name), to: copy.appendingPathComponent(name))
      }
      for place in [path, copy.path] {
        let study = try Study.create(at: place, header: Samples.header)
        let run = try study.begin(
          Samples.key(), samples: 2 * chunk, unit: "u", candidates: Samples.candidates)
        #expect(try study.completedSamples(run) == [0..<chunk])
        try study.append(
          run, chunk: chunk..<2 * chunk, scores: Samples.scores(chunk..<2 * chunk))
        let scores = try study.scores(try study.finish(run))
        #expect(scores[1][0] == Samples.scores(0..<2 * chunk)[2].values)
      }
    }
  }
}
