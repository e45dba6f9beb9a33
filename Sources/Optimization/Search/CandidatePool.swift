import Vocabulary

/// The feasible points that a search may propose next.
///
/// A small space is enumerated once; of a larger one each pool holds random points and mutations of
/// good ones.
struct CandidatePool {
  /// Spaces of at most so many points are enumerated.
  static let enumerated = 4_096
  /// Random points of a pool of a larger space, and as many mutations.
  static let drawn = 512

  private let problem: SearchProblem
  private let everything: [[Int]]?

  /// The points of a space.
  ///
  /// - Throws: `UserError` when it is known that no point keeps the bounds.
  init(_ problem: SearchProblem) throws {
    self.problem = problem
    guard let count = problem.pointCount, count <= Self.enumerated else {
      _ = try FeasibleStart(problem).cheapest(for: "the search")
      everything = nil
      return
    }
    var all: [[Int]] = []
    var point = [Int](repeating: 0, count: problem.knobs.count)
    for _ in 0..<count {
      if problem.isFeasible(point) { all.append(point) }
      for knob in point.indices.reversed() {
        point[knob] += 1
        if point[knob] < problem.knobs[knob].choices.count { break }
        point[knob] = 0
      }
    }
    guard !all.isEmpty else {
      throw UserError(.infeasible, "no point of the search space keeps every bound")
    }
    everything = all
  }

  /// Distinct feasible points in random order, without those of `taken`.
  ///
  /// - Parameter parents: Good points whose mutations are worth a look, in a space too large to
  ///   enumerate.
  func points(
    without taken: Set<[Int]>, parents: [[Int]], using generator: inout SplitMix64
  ) -> [[Int]] {
    if let everything {
      return everything.filter { !taken.contains($0) }.shuffled(using: &generator)
    }
    var seen = taken
    var points: [[Int]] = []
    for _ in 0..<Self.drawn {
      let random = problem.knobs.map { Int.random(in: $0.choices.indices, using: &generator) }
      if let point = repaired(random, using: &generator), seen.insert(point).inserted {
        points.append(point)
      }
      guard let parent = parents.randomElement(using: &generator) else { continue }
      if let point = repaired(mutated(parent, using: &generator), using: &generator),
        seen.insert(point).inserted
      {
        points.append(point)
      }
    }
    return points.shuffled(using: &generator)
  }

  /// How different two points are: 1 for each unordered knob that differs, and of an ordered one the
  /// part of its range that lies between.
  func distance(_ a: [Int], _ b: [Int]) -> Double {
    var sum = 0.0
    for (k, knob) in problem.knobs.enumerated() where a[k] != b[k] {
      sum += knob.isOrdered ? Double(abs(a[k] - b[k])) / Double(knob.choices.count - 1) : 1
    }
    return sum
  }

  /// One to three knobs changed, ordered ones mostly by a step.
  private func mutated(_ parent: [Int], using generator: inout SplitMix64) -> [Int] {
    var point = parent
    for _ in 0..<Int.random(in: 1...3, using: &generator) {
      guard let k = point.indices.randomElement(using: &generator) else { break }
      let choices = problem.knobs[k].choices.indices
      if problem.knobs[k].isOrdered, generator.uniform() < 0.7 {
        let step = Bool.random(using: &generator) ? 1 : -1
        point[k] = min(max(point[k] + step, choices.lowerBound), choices.upperBound - 1)
      } else {
        point[k] = Int.random(in: choices, using: &generator)
      }
    }
    return point
  }

  /// A feasible point near `point`: knobs in random order move to the choice that breaks the bounds
  /// least, until none is broken; nil when that is not enough.
  func repaired(_ point: [Int], using generator: inout SplitMix64) -> [Int]? {
    var point = point
    var violation = problem.violation(point)
    for k in point.indices.shuffled(using: &generator) where violation > 0 {
      var best = point[k]
      for choice in problem.knobs[k].choices.indices {
        var other = point
        other[k] = choice
        let left = problem.violation(other)
        if left < violation {
          violation = left
          best = choice
        }
      }
      point[k] = best
    }
    return problem.isFeasible(point) ? point : nil
  }
}
