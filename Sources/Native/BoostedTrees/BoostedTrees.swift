import CXGBoost

/// Gradient-boosted regression trees with squared error, by XGBoost.
///
/// Each round adds a tree that is fitted to what the rounds before it left over. The result depends on
/// the arguments alone: one thread, exact splits, and a seed for the rows and columns that are drawn.
/// A value that is NaN is missing: every split learns to which side missing values go.
///
/// Source: Chen and Guestrin, "XGBoost: a scalable tree boosting system", KDD 2016.
public final class BoostedTrees {
  /// How trees are grown.
  public struct Settings: Sendable, Hashable {
    /// The number of trees, at least one.
    public var rounds = 100
    /// The most splits between a root and a leaf; 1 makes stumps.
    public var depth = 4
    /// By what each tree is multiplied, in (0, 1].
    public var learningRate = 0.1
    /// The L2 penalty λ: a leaf of n rows whose residuals sum to S holds S / (n + λ).
    public var penalty = 1.0
    /// The fewest rows of a leaf.
    public var leafRows = 1
    /// The part of the rows that each tree sees, in (0, 1].
    public var rowFraction = 1.0
    /// The part of the columns that each tree sees, in (0, 1].
    public var columnFraction = 1.0
    /// What every prediction starts from where no margin is given.
    public var baseScore = 0.5
    /// Decides which rows and columns are drawn.
    public var seed: UInt64 = 0

    /// The defaults.
    public init() {}

    /// The settings that are most often chosen.
    public init(rounds: Int, depth: Int, learningRate: Double, seed: UInt64 = 0) {
      self.rounds = rounds
      self.depth = depth
      self.learningRate = learningRate
      self.seed = seed
    }

    /// XGBoost's names of them.
    var parameters: [(name: String, value: String)] {
      [
        ("objective", "reg:squarederror"), ("tree_method", "exact"), ("verbosity", "0"),
        ("nthread", "1"), ("seed", String(seed & 0x7fff_ffff)), ("seed_per_iteration", "1"),
        ("max_depth", String(depth)), ("eta", String(learningRate)), ("lambda", String(penalty)),
        ("min_child_weight", String(leafRows)), ("subsample", String(rowFraction)),
        ("colsample_bytree", String(columnFraction)), ("base_score", String(baseScore)),
      ]
    }
  }

  /// The number of values of a row.
  public let columns: Int
  private let model: OpaquePointer

  /// Trees fitted to `targets`.
  ///
  /// To start from another model (trees of another network's trials), give its predictions as
  /// `margins`, and again to ``predict(_:margins:)``: the trees then learn only the difference.
  ///
  /// - Parameters:
  ///   - features: `[row][column]`, NaN where a value is missing.
  ///   - targets: One finite number a row.
  ///   - margins: What each row's prediction starts from, in place of ``Settings/baseScore``.
  /// - Throws: `BoostedTreesError` with XGBoost's reason.
  /// - Complexity: O(rounds · depth · rows · columns · log rows).
  public init(
    fitting features: [[Float]], targets: [Float], margins: [Float]? = nil,
    settings: Settings = Settings()
  ) throws {
    let columns = try Self.width(of: features)
    guard targets.count == features.count else {
      throw BoostedTreesError("there are \(features.count) rows but \(targets.count) targets")
    }
    guard targets.allSatisfy(\.isFinite) else {
      throw BoostedTreesError("a target is not finite")
    }
    guard let rounds = Int32(exactly: settings.rounds), rounds > 0 else {
      throw BoostedTreesError("the rounds must be at least one, not \(settings.rounds)")
    }
    try Self.check(margins, rows: features.count)
    let parameters = settings.parameters.map { (copy($0.name), copy($0.value)) }
    defer {
      for (name, value) in parameters {
        name.deallocate()
        value.deallocate()
      }
    }
    let table = parameters.map { cxgboost_parameter(name: $0.0, value: $0.1) }
    var error = cxgboost_error()
    let fitted = withMargins(margins) { margins in
      cxgboost_fit(
        features.flatMap { $0 }, Int64(features.count), Int64(columns), targets, margins, table,
        Int32(table.count), rounds, &error)
    }
    guard let fitted else { throw BoostedTreesError(error) }
    self.columns = columns
    model = fitted
  }

  deinit { cxgboost_free(model) }

  /// One prediction for each row.
  ///
  /// - Parameters:
  ///   - features: `[row][column]` with the columns of the fit, NaN where a value is missing.
  ///   - margins: What each row's prediction starts from, where the fit had margins.
  /// - Throws: `BoostedTreesError` with XGBoost's reason.
  public func predict(_ features: [[Float]], margins: [Float]? = nil) throws -> [Float] {
    guard !features.isEmpty else { return [] }
    let width = try Self.width(of: features)
    guard width == columns else {
      throw BoostedTreesError(
        "the rows have \(width) values, but the trees were fitted to \(columns)")
    }
    try Self.check(margins, rows: features.count)
    var error = cxgboost_error()
    var predictions = [Float](repeating: 0, count: features.count)
    let status = withMargins(margins) { margins in
      cxgboost_predict(
        model, features.flatMap { $0 }, Int64(features.count), Int64(columns), margins,
        &predictions, &error)
    }
    guard status == 0 else { throw BoostedTreesError(error) }
    return predictions
  }

  private static func width(of features: [[Float]]) throws -> Int {
    guard let width = features.first?.count, width > 0 else {
      throw BoostedTreesError("there are no features")
    }
    guard features.allSatisfy({ $0.count == width }) else {
      throw BoostedTreesError("the rows do not all have \(width) values")
    }
    return width
  }

  private static func check(_ margins: [Float]?, rows: Int) throws {
    guard let margins else { return }
    guard margins.count == rows, margins.allSatisfy(\.isFinite) else {
      throw BoostedTreesError("margins must be one finite number for each of the \(rows) rows")
    }
  }
}

/// Why trees could not be fitted or asked.
public struct BoostedTreesError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One clear sentence.
  public var description: String

  init(_ description: String) { self.description = description }

  init(_ error: cxgboost_error) {
    description = withUnsafeBytes(of: error.text) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

private func withMargins<Result>(
  _ margins: [Float]?, _ body: (UnsafePointer<Float>?) -> Result
) -> Result {
  guard let margins else { return body(nil) }
  return margins.withUnsafeBufferPointer { body($0.baseAddress) }
}

/// A C string that outlives the call; the caller frees it.
private func copy(_ text: String) -> UnsafePointer<CChar> {
  let bytes = text.utf8CString
  let copied = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
  _ = copied.initialize(from: bytes)
  return UnsafePointer(copied.baseAddress ?? UnsafeMutablePointer.allocate(capacity: 1))
}
