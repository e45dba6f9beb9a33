import Foundation
import Study
import Testing
import Vocabulary

@Suite struct SearchTests {
  static let problem = SearchProblem(
    knobs: [
      .init(name: "a", choices: ["int4-g64", "int8-g64"], isOrdered: true),
      .init(name: "b, \"quoted\"", choices: ["x", "y", "z"], isOrdered: false),
    ],
    costs: [.init(kind: .bytes, values: [[1, 2], [3, 4, 5]], fixed: 7, limit: 12)],
    objectives: [.cost(0), .measured(0)], prior: [[0.5, 0.25], [3, 2, 1]],
    seeds: [[0, 2], [1, 1]],
    samples: 4)

  static let trials = [
    Trial(Proposal([1, 2], samples: 0..<4), values: [0.25], perSample: [0.1, 0.2, 0.3, 0.4]),
    Trial(Proposal([0, 0], samples: 1..<3), values: [-0.0, 3e-300], perSample: [1, .pi]),
    Trial(Proposal([1, 2], samples: 0..<1), values: [7]),
  ]

  @Test func trialsComeBackInTheirOrder() async throws {
    try await withScratch { scratch in
      let path = scratch.path
      let study = try Study.create(at: path, header: Samples.header)
      let search = try study.beginSearch(
        "sha256:1", strategy: "random", problem: Self.problem, created: "now")
      let other = try study.beginSearch(
        "sha256:2", strategy: "random", problem: Self.problem, created: "then")
      for trial in Self.trials {
        try study.append(trial, to: search)
        // Another process sees every trial at once.
        #expect(try Study.open(at: path).trials(of: search).last == trial)
      }
      try study.append(Self.trials[2], to: other)

      let again = try Study.open(at: path)
      #expect(try again.searches() == [search, other])
      #expect(try again.trials(of: search) == Self.trials)
      #expect(try again.trials(of: other) == [Self.trials[2]])
      #expect(try again.problem(of: search) == Self.problem)
      // The same key goes on, with its own beginning.
      let same = try again.beginSearch(
        "sha256:1", strategy: "random", problem: Self.problem, created: "later")
      #expect(same == search)
    }
  }

  @Test func aKeyBelongsToOneSpace() async throws {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      _ = try study.beginSearch("k", strategy: "random", problem: Self.problem, created: "now")
      var wider = Self.problem
      wider.samples = 5
      #expect(throws: UserError.self) {
        try study.beginSearch("k", strategy: "random", problem: wider, created: "now")
      }
      #expect(throws: UserError.self) {
        try study.beginSearch("k", strategy: "grid", problem: Self.problem, created: "now")
      }
    }
  }

  @Test func whatIsNoNumberIsNotKept() async throws {
    try await withScratch { scratch in
      let study = try Study.create(at: scratch.path, header: Samples.header)
      let search = try study.beginSearch(
        "k", strategy: "random", problem: Self.problem, created: "now")
      for value in [Double.nan, .infinity] {
        #expect(throws: UserError.self) {
          try study.append(
            Trial(Proposal([0, 0], samples: 0..<4), values: [value]), to: search)
        }
      }
      #expect(try study.trials(of: search).isEmpty)
    }
  }

  /// The bytes of a stored trial changed to ones that do not fit its space: one clear sentence.
  @Test(arguments: [
    ("1,2", "1,7"), ("1,2", "1,x"), ("1,2", "1:2"), ("int4-g64", "int4-g\"4"),
    (#""samples":4"#, #""samples":0"#), (#""samples":4"#, #""samples":3"#),
    (#"[3,4,5]"#, #"[3,4]  "#),
  ])
  func damagedRowsAreASentence(old: String, new: String) async throws {
    try await withScratch { scratch in
      do {
        let study = try Study.create(at: scratch.path, header: Samples.header)
        let search = try study.beginSearch(
          "k", strategy: "random", problem: Self.problem, created: "now")
        for trial in Self.trials { try study.append(trial, to: search) }
      }
      let file = scratch.appendingPathComponent(Study.fileName)
      var data = try Data(contentsOf: file)
      let before = data
      while let place = data.range(of: Data(old.utf8)) {
        data.replaceSubrange(place, with: Data(new.utf8))
      }
      #expect(data != before && data.count == before.count)
      try data.write(to: file)
      let study = try Study.open(at: scratch.path)
      let error = #expect(throws: UserError.self) {
        for search in try study.searches() { _ = try study.trials(of: search) }
      }
      #expect(error?.description.contains("damaged") == true)
    }
  }
}
