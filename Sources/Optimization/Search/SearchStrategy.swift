public import Vocabulary

/// A way to find good points of a ``SearchProblem`` with few real evaluations: ask-tell.
///
/// A strategy is a state machine that depends on nothing but its problem, its settings, its seed and
/// the trials it is told, in their order. So a search is resumed by telling it its stored trials again,
/// and ends as the uninterrupted one does.
///
/// A new strategy is one file in `Strategies/` and one line in ``SearchStrategies/all``.
public protocol SearchStrategy: SendableMetatype {
  /// The name on the command line.
  static var id: String { get }
  /// One line for `list`.
  static var summary: String { get }
  /// Whether several objectives are understood; others get one.
  static var isMultiObjective: Bool { get }
  /// Names of the settings that it reads from ``SearchSettings/options``.
  static var options: [String] { get }

  /// A search from its beginning.
  ///
  /// - Throws: `UserError` when the problem lacks what the strategy needs, or is not its kind.
  init(_ problem: SearchProblem, settings: SearchSettings) throws

  /// The points to evaluate next, together or in any order; none when the search is over.
  mutating func ask() throws -> [Proposal]

  /// The evaluations of what ``ask()`` gave, all of them and in its order.
  mutating func tell(_ trials: [Trial]) throws
}

/// What every strategy is told.
public struct SearchSettings: Sendable, Codable, Hashable {
  /// Decides everything random.
  public var seed: UInt64
  /// The evaluations that the search may take: strategies with a schedule (cooling, rounds) fit it in.
  public var evaluations: Int
  /// Settings of single strategies by name, such as `population`; see each strategy.
  public var options: [String: Double]

  /// A seed, a number of evaluations and options.
  public init(seed: UInt64, evaluations: Int, options: [String: Double] = [:]) {
    self.seed = seed
    self.evaluations = evaluations
    self.options = options
  }
}

/// The strategies there are.
public enum SearchStrategies {
  /// Every strategy, the default first.
  public static let all: [any SearchStrategy.Type] = [
    ExchangeSearch.self,
    BisectionSearch.self,
    BanditSearch.self,
    BoostedSearch.self,
    LinasSearch.self,
    EvolutionarySearch.self,
    AnnealingSearch.self,
    GeneticSearch.self,
    RandomSearch.self,
    GridSearch.self,
  ]

  /// The strategy of that name.
  ///
  /// - Throws: `UserError` with the nearest known name.
  public static func named(_ id: String) throws -> any SearchStrategy.Type {
    guard let strategy = all.first(where: { $0.id == id }) else {
      throw UserError.unknown(id, "search strategy", known: all.map { $0.id })
    }
    return strategy
  }
}
