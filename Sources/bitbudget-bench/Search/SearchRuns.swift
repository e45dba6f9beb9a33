import Foundation
import Optimization
import Vocabulary

/// Every evaluation of some searches on one ``SearchTask``, ours or others'.
struct SearchRuns: Codable {
  /// One search from one seed.
  struct Run: Codable {
    /// The search.
    var name: String
    var seed: Int
    /// What it began with.
    var start: SearchStart
    /// The points in the order of their evaluation, a digit for each knob.
    var points: [String]
    /// Their losses, as that side saw them.
    var loss: [Double]
  }

  /// What computed them.
  var versions: [String: String]
  /// The task's name.
  var problem: String
  /// The runs.
  var runs: [Run]

  /// The searches of ours that are compared.
  static let ours: [(name: String, id: String, options: [String: Double])] = [
    ("linas", "linas", [:]),
    ("linas, boosted trees", "linas", ["trees": 2]),
    ("evolution", "evolution", [:]),
    ("random", "random", [:]),
  ]

  /// Runs ours on a task, from every start.
  static func measured(on task: SearchTask, seeds: Int, only names: [String]) throws -> SearchRuns {
    var runs: [Run] = []
    for entrant in ours where names.isEmpty || names.contains(entrant.name) {
      for start in entrant.id == "random" ? [.none] : SearchStart.allCases {
        for seed in 0..<seeds {
          let settings = SearchSettings(
            seed: UInt64(seed), evaluations: task.evaluations, options: entrant.options)
          var search = try SearchStrategies.named(entrant.id).init(
            problem(task, entrant.id, start), settings: settings)
          let (trials, _) = try SearchLoop(evaluations: task.evaluations).run(&search) {
            $0.map { Trial($0, values: [task.loss($0.choices)]) }
          }
          runs.append(
            Run(
              name: entrant.name, seed: seed, start: start,
              points: trials.map { $0.choices.map(String.init).joined() },
              loss: trials.map { $0.values[0] }))
        }
      }
    }
    return SearchRuns(versions: [:], problem: task.name, runs: runs)
  }

  /// The problem as `id` takes it: random search has one objective, which it does not look at.
  private static func problem(
    _ task: SearchTask, _ id: String, _ start: SearchStart
  ) -> SearchProblem {
    var problem = task.problem(start)
    if id == "random" { problem.objectives = [.measured(0)] }
    return problem
  }
}

extension SearchRuns.Run {
  /// Bytes and loss of every point, computed here from the points alone.
  ///
  /// - Throws: `UserError` where a point is none of the task's, or the side that evaluated it saw
  ///   another loss: then it was not the same function.
  func evaluated(_ task: SearchTask) throws -> [(bytes: Int, loss: Double)] {
    guard points.count <= task.evaluations, points.count == loss.count else {
      throw UserError(.failed, "'\(name)' made \(points.count) evaluations of \(task.evaluations)")
    }
    return try zip(points, loss).map { text, seen in
      let point = text.compactMap(\.wholeNumberValue)
      guard point.count == task.bytes.count,
        zip(point, task.bytes).allSatisfy({ $1.indices.contains($0) })
      else { throw UserError(.failed, "'\(name)' evaluated '\(text)', which is no point") }
      let value = task.loss(point)
      guard abs(value - seen) <= 1e-9 * max(abs(value), 1e-12) else {
        throw UserError(.failed, "'\(name)' saw a loss of \(seen) where it is \(value)")
      }
      return (task.size(point), value)
    }
  }
}
