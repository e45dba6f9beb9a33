internal import Export
internal import Optimization
internal import Quantization
internal import Sensitivity
internal import Vocabulary

/// What there is of each kind, for `bitbudget list`.
public enum Catalogue {
  /// A name with one clause.
  public struct Entry: Codable, Sendable {
    /// The name on the command line.
    public var name: String
    /// One clause.
    public var summary: String
  }

  /// The kinds.
  public static let kinds = [
    "estimators", "optimizers", "strategies", "exporters", "formats", "activations", "runtimes",
    "devices",
  ]

  /// The entries of a kind.
  ///
  /// - Throws: `UserError` with the nearest known kind.
  public static func entries(of kind: String) throws -> [Entry] {
    switch kind {
    case "estimators": Estimators.all.map { Entry(name: $0.id, summary: $0.summary) }
    case "optimizers":
      Optimizers.all.map { Entry(name: type(of: $0).id, summary: type(of: $0).summary) }
        + [Entry(name: QuadraticOptimizer.id, summary: QuadraticOptimizer.summary)]
    case "strategies": SearchStrategies.all.map { Entry(name: $0.id, summary: $0.summary) }
    case "exporters": Exporters.all.map { Entry(name: $0.id, summary: $0.summary) }
    case "runtimes": try RuntimeProfiles.all().map { Entry(name: $0.name, summary: $0.summary) }
    case "devices": try Devices.entries()
    case "activations":
      ActivationFormat.all.map { Entry(name: $0.name, summary: $0.summary) }
    case "formats": Formats.all.map { Entry(name: $0.name, summary: $0.summary) }
    default: throw UserError.unknown(kind, "kind", known: kinds)
    }
  }
}

/// What is used unless something else is asked for.
public enum Defaults {
  /// The estimator.
  public static let estimator = Estimators.defaultName
  /// Uniform formats that a policy has to beat: every integer width, granularity and symmetry.
  public static let baselines = Formats.all.filter { $0 is IntegerFormat }.map(\.name)
}
