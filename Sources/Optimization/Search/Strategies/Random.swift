public import Vocabulary

/// Distinct feasible points at random: the baseline that every search has to beat.
public struct RandomSearch: SearchStrategy {
  /// `random`.
  public static let id = "random"
  /// A baseline.
  public static let summary = "distinct points at random (baseline)"
  /// The points do not depend on the objectives.
  public static let isMultiObjective = true
  /// What the user may set.
  public static let options: [String] = []

  private let problem: SearchProblem
  private let pool: CandidatePool
  private var random: SplitMix64
  private var taken: Set<[Int]> = []
  private var left: Int

  /// A search from its beginning.
  public init(_ problem: SearchProblem, settings: SearchSettings) throws {
    try problem.requireWellFormed(for: Self.id)
    self.problem = problem
    pool = try CandidatePool(problem)
    random = SplitMix64(seed: settings.seed)
    left = settings.evaluations
  }

  /// The next points, eight at a time.
  public mutating func ask() throws -> [Proposal] {
    let points = pool.points(without: taken, parents: [], using: &random).prefix(min(8, left))
    taken.formUnion(points)
    left -= points.count
    return points.map { problem.everywhere($0) }
  }

  /// Learns nothing.
  public mutating func tell(_ trials: [Trial]) throws {}
}
