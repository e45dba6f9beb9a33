import BoostedTrees
import Foundation
import Vocabulary

/// Predicts one measured value of points from the whole history of a search.
///
/// Positive values are predicted as logarithms, since losses span decades. Which form and strength of
/// ``ChoiceEffects`` is used is what the data supports: the one with the smallest left-out error, looked
/// for again whenever the history has grown by two fifths.
struct ValuePredictor {
  /// Whether boosted trees take part.
  enum Trees: Int {
    case none
    /// Where their cross-validated error is smaller.
    case whereBetter
    /// Alone.
    case only
  }

  /// Whether ``predict(_:)`` tells the logarithm of the value.
  private(set) var isLogarithmic = false
  private let trees: Trees
  private let levels: ChoiceLevels
  private let prior: [[Double]]?
  private let encoding: KnobEncoding
  private let knobs: [Int]
  private var beliefs: ChoiceEffects.Beliefs?
  private var usesTrees: Bool
  private var chosenAt = 0
  private var chosenLogarithmic = false

  /// A predictor that knows nothing yet.
  init(_ problem: SearchProblem, levels: ChoiceLevels, trees: Trees) {
    self.trees = trees
    self.levels = levels
    prior = problem.prior
    encoding = KnobEncoding(problem)
    knobs = problem.knobs.map { $0.choices.count }
    usesTrees = trees == .only
  }

  /// A model of values at points.
  struct Fitted {
    fileprivate var effects: ChoiceEffects?
    fileprivate var trees: BoostedTrees?
    fileprivate let encoding: KnobEncoding

    /// Whether one point costs little, so that single knobs can be tried one by one.
    var isCheap: Bool { trees == nil }

    /// The values of points.
    func predict(_ points: [[Int]]) throws -> [Double] {
      if let trees {
        return try ValuePredictor.told {
          try trees.predict(points.map(encoding.row)).map(Double.init)
        }
      }
      return points.map { effects?.predict($0) ?? 0 }
    }

    /// The value of one point.
    func predict(_ point: [Int]) throws -> Double { try predict([point])[0] }
  }

  /// Fits to everything that was measured; a value that is not finite counts as the worst.
  mutating func fitted(_ points: [[Int]], values: [Double]) throws -> Fitted {
    let points = points.suffix(ChoiceEffects.mostTrials).map { $0 }
    let values = values.suffix(ChoiceEffects.mostTrials).map { $0 }
    let finite = values.filter(\.isFinite)
    let worst = finite.max() ?? 0
    isLogarithmic = !finite.isEmpty && finite.allSatisfy { $0 > 0 }
    let targets = values.map { value in
      let known = value.isFinite ? value : worst
      return isLogarithmic ? log(known) : known
    }
    if chosenAt == 0 || isLogarithmic != chosenLogarithmic || points.count * 5 >= chosenAt * 7 {
      try choose(points, targets)
    }
    var fitted = Fitted(encoding: encoding)
    if usesTrees {
      fitted.trees = try grown(points, targets)
    } else if let beliefs {
      fitted.effects = effects(points, targets, beliefs, scores: false)
    }
    return fitted
  }

  /// Settles what the next fits are made with.
  private mutating func choose(_ points: [[Int]], _ targets: [Double]) throws {
    chosenAt = points.count
    chosenLogarithmic = isLogarithmic
    guard trees != .only else { return }
    var least = Double.infinity
    beliefs = nil
    for candidate in candidates {
      let error = effects(points, targets, candidate, scores: true).leftOut
      if error < least || beliefs == nil { (least, beliefs) = (error, candidate) }
    }
    usesTrees = trees == .whereBetter ? try treesError(points, targets) < least : false
  }

  /// What may be believed.
  private var candidates: [ChoiceEffects.Beliefs] {
    var all: [ChoiceEffects.Beliefs] = []
    func add(
      _ form: ChoiceEffects.Form, deviation: [Double], knob: Double, pair: [Double],
      noise: [Double], prior: Bool = false
    ) {
      for deviation in deviation {
        for pair in pair {
          for noise in noise {
            all.append(
              .init(
                form: form, deviation: deviation, knob: knob, pair: pair, noise: noise,
                usesPrior: prior))
          }
        }
      }
    }
    if isLogarithmic {
      if prior != nil {
        add(
          .logSum, deviation: [0.02, 0.3], knob: 0.05, pair: [0, 0.3], noise: [0.02], prior: true)
      }
      add(.logSum, deviation: [0.15, 0.6], knob: 1.5, pair: [0, 0.3], noise: [0.05, 0.2])
    }
    add(.sum, deviation: [0.3, 1], knob: 0.5, pair: [0, 1], noise: [0.1])
    return all
  }

  private func effects(
    _ points: [[Int]], _ targets: [Double], _ beliefs: ChoiceEffects.Beliefs, scores: Bool
  ) -> ChoiceEffects {
    ChoiceEffects(
      points, values: targets, levels: levels, start: start(beliefs), beliefs: beliefs,
      scores: scores)
  }

  /// The logarithms of the predicted losses, or zeros.
  private func start(_ beliefs: ChoiceEffects.Beliefs) -> [[Double]] {
    guard beliefs.usesPrior, let prior else {
      return knobs.map { Array(repeating: 0, count: $0) }
    }
    let floor = max((prior.joined().max() ?? 0) * 1e-9, 1e-30)
    return prior.map { $0.map { log(max($0, floor)) } }
  }

  private func grown(_ points: [[Int]], _ targets: [Double]) throws -> BoostedTrees {
    var settings = BoostedTrees.Settings(rounds: 120, depth: 3, learningRate: 0.1)
    settings.baseScore = targets.reduce(0, +) / Double(targets.count)
    return try Self.told {
      try BoostedTrees(
        fitting: points.map(encoding.row), targets: targets.map { Float($0) }, settings: settings)
    }
  }

  /// The mean square of the errors of five-fold cross-validation.
  private func treesError(_ points: [[Int]], _ targets: [Double]) throws -> Double {
    guard points.count >= 10 else { return .infinity }
    var sum = 0.0
    for fold in 0..<5 {
      let inside = points.indices.filter { $0 % 5 != fold }
      let outside = points.indices.filter { $0 % 5 == fold }
      let model = Fitted(
        trees: try grown(inside.map { points[$0] }, inside.map { targets[$0] }),
        encoding: encoding)
      for (i, value) in zip(outside, try model.predict(outside.map { points[$0] })) {
        sum += (value - targets[i]) * (value - targets[i])
      }
    }
    return sum / Double(points.count)
  }

  /// A failure of the library is told as every other of the tool.
  private static func told<T>(_ work: () throws -> T) throws -> T {
    do {
      return try work()
    } catch let error as BoostedTreesError {
      throw UserError(.failed, error.description)
    }
  }
}
