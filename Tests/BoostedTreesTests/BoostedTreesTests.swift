import BoostedTrees
import Testing

@Suite struct BoostedTreesTests {
  static let steps: [[Float]] = [[0], [1], [2], [3]]
  static let stump = BoostedTrees.Settings(rounds: 1, depth: 1, learningRate: 1)

  /// systems.md 17, row 22: leaves ∓1/3 of residuals ∓1/2 ∓1/2 with λ = 1, around 1/2.
  @Test func aStumpHoldsItsKnownLeaves() throws {
    let trees = try BoostedTrees(
      fitting: Self.steps, targets: [0, 0, 1, 1], settings: Self.stump)
    let sixth: Float = 1 / 6
    for (x, expected) in [(-5, sixth), (0, sixth), (1.4, sixth), (1.6, 1 - sixth), (9, 1 - sixth)] {
      let predicted = try trees.predict([[Float(x)]])[0]
      #expect(abs(predicted - expected) < 1e-6, "at \(x)")
    }
  }

  @Test func aStumpWithoutPenaltyIsExact() throws {
    var settings = Self.stump
    settings.penalty = 0
    let trees = try BoostedTrees(fitting: Self.steps, targets: [0, 0, 1, 1], settings: settings)
    let predicted = try trees.predict(Self.steps)
    for (value, expected) in zip(predicted, [0, 0, 1, 1] as [Float]) {
      #expect(abs(value - expected) < 1e-6)
    }
  }

  @Test func missingValuesGoToTheSideThatTheyResemble() throws {
    var settings = Self.stump
    settings.penalty = 0
    let features: [[Float]] = [[0], [1], [2], [3], [.nan], [.nan]]
    for missing: Float in [0, 1] {
      let trees = try BoostedTrees(
        fitting: features, targets: [0, 0, 1, 1, missing, missing], settings: settings)
      let predicted = try trees.predict([[.nan], [0], [3]])
      for (value, expected) in zip(predicted, [missing, 0, 1]) {
        #expect(abs(value - expected) < 1e-6)
      }
    }
  }

  @Test func marginsAreWhereTreesStart() throws {
    var settings = Self.stump
    settings.penalty = 0
    let targets: [Float] = [10, 20, 31, 41]
    let margins: [Float] = [10, 20, 30, 40]
    let trees = try BoostedTrees(
      fitting: Self.steps, targets: targets, margins: margins, settings: settings)
    let predicted = try trees.predict(Self.steps, margins: margins)
    for (value, expected) in zip(predicted, targets) { #expect(abs(value - expected) < 1e-5) }
    // Elsewhere only the margin differs: the trees hold the difference alone.
    #expect(try abs(trees.predict([[3]], margins: [0])[0] - 1) < 1e-5)
  }

  @Test func theSeedDecidesWhatIsDrawn() throws {
    let features = (0..<60).map { i in (0..<6).map { Float((i * 7 + $0 * 13) % 17) } }
    let targets = features.map { $0[0] * $0[1] - $0[2] }
    func predictions(seed: UInt64) throws -> [Float] {
      var settings = BoostedTrees.Settings(rounds: 20, depth: 3, learningRate: 0.3, seed: seed)
      settings.rowFraction = 0.5
      settings.columnFraction = 0.5
      return try BoostedTrees(fitting: features, targets: targets, settings: settings)
        .predict(features)
    }
    let first = try predictions(seed: 1)
    #expect(try predictions(seed: 2) != first)
    #expect(try predictions(seed: 1) == first)
  }

  @Test func boostingFitsAnInteraction() throws {
    let features = (0..<64).map { [Float($0 % 8), Float($0 / 8)] }
    let targets = features.map { ($0[0] < 4) == ($0[1] < 3) ? Float(1) : -1 }
    let trees = try BoostedTrees(
      fitting: features, targets: targets,
      settings: .init(rounds: 60, depth: 3, learningRate: 0.3))
    let predicted = try trees.predict(features)
    #expect(zip(predicted, targets).allSatisfy { abs($0 - $1) < 0.05 })
  }

  @Test func badInputIsRefusedWithAReason() throws {
    func reason(
      _ features: [[Float]], _ targets: [Float], margins: [Float]? = nil,
      _ settings: BoostedTrees.Settings = BoostedTreesTests.stump
    ) -> String {
      do {
        _ = try BoostedTrees(
          fitting: features, targets: targets, margins: margins, settings: settings)
        return "nothing was thrown"
      } catch { return "\(error)" }
    }
    #expect(reason([], []).contains("no features"))
    #expect(reason([[]], [0]).contains("no features"))
    #expect(reason([[1], [1, 2]], [0, 0]).contains("do not all have 1"))
    #expect(reason([[1]], [0, 0]).contains("1 rows but 2 targets"))
    #expect(reason([[1]], [.nan]).contains("not finite"))
    #expect(reason([[1]], [0], margins: []).contains("margins"))
    #expect(reason([[1]], [0], .init(rounds: 0, depth: 1, learningRate: 1)).contains("rounds"))
    // These are XGBoost's own: the sentence, without clock, file and stack.
    let depth = reason([[1]], [0], .init(rounds: 1, depth: -1, learningRate: 1))
    #expect(depth.contains("max_depth") && !depth.contains("Stack trace"))
    let infinity = reason([[.infinity]], [0])
    #expect(infinity.contains("inf") && !infinity.hasPrefix("["))
    let trees = try BoostedTrees(fitting: [[1, 2], [2, 1]], targets: [0, 1])
    #expect(throws: BoostedTreesError.self) { try trees.predict([[1]]) }
    #expect(try trees.predict([]).isEmpty)
  }
}
