public import Vocabulary

/// Every feasible point of a small space once, in shuffled order.
public struct GridSearch: SearchStrategy {
  /// `grid`.
  public static let id = "grid"
  /// A baseline, and the whole truth of a small space.
  public static let summary = "every point of a small space, in shuffled order"
  /// The points do not depend on the objectives.
  public static let isMultiObjective = true
  /// What the user may set.
  public static let options: [String] = []

  private let problem: SearchProblem
  private var points: ArraySlice<[Int]>

  /// A search from its beginning.
  ///
  /// - Throws: `UserError` when the space has more than ``CandidatePool/enumerated`` points.
  public init(_ problem: SearchProblem, settings: SearchSettings) throws {
    try problem.requireWellFormed(for: Self.id)
    guard let count = problem.pointCount, count <= CandidatePool.enumerated else {
      throw UserError(
        .usage,
        "\(Self.id) evaluates every point, and the space has more than "
          + "\(CandidatePool.enumerated); take another strategy")
    }
    self.problem = problem
    var random = SplitMix64(seed: settings.seed)
    let all = try CandidatePool(problem).points(without: [], parents: [], using: &random)
    points = all.prefix(settings.evaluations)
  }

  /// The next points, eight at a time.
  public mutating func ask() throws -> [Proposal] {
    defer { points = points.dropFirst(8) }
    return points.prefix(8).map { problem.everywhere($0) }
  }

  /// Learns nothing.
  public mutating func tell(_ trials: [Trial]) throws {}
}
