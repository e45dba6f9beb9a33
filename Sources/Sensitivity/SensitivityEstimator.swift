public import Models
internal import Vocabulary

/// Tells how much each group suffers under each format.
///
/// A new estimator is one file in `Estimators/` with a conforming type, and one line in
/// ``Estimators/all``; the command line and the conformance tests pick it up from there.
public protocol SensitivityEstimator: Sendable {
  /// The name used in files and on the command line; never changed once released.
  static var id: String { get }
  /// One clause for `bitbudget list estimators`.
  static var summary: String { get }
  /// Whether calibration data changes the scores; without, one pass over the weights is all.
  static var needsData: Bool { get }
  /// Whether noise can take single samples' scores below zero.
  ///
  /// They are kept, since means of values cut off at zero would be too large; tables hold their means
  /// at zero when they are planned from.
  static var isSigned: Bool { get }
  /// Whether candidates that round a layer's input are scored with it; others look at weights alone.
  static var takesActivations: Bool { get }

  /// An estimator with its usual settings.
  init()

  /// The unit of the scores for a network whose output means `head`.
  func unit(for head: OutputHead) -> String

  /// Scores a few samples: for every group, format and sample one value, zero for "no harm".
  ///
  /// Samples are scored independently of their company: a chunk's scores do not depend on where the
  /// chunks are cut, so that a resumed run ends with the same table.
  /// - Parameters:
  ///   - chunk: The samples.
  ///   - task: The network, its groups and their formats.
  /// - Returns: `[group][format][sample]`, in the task's order.
  func scores(of chunk: SampleChunk, in task: MeasurementTask) throws -> [[[Double]]]

  /// How many samples to score at a time so that the recordings stay within `memory` bytes.
  func samplesPerChunk(_ task: MeasurementTask, sample: SampleChunk, memory: Int) throws -> Int

  /// Work for one sample, in multiply-accumulates of one forward pass: the cost that is told before
  /// the run.
  func forwardPasses(_ task: MeasurementTask) -> Double
}

extension SensitivityEstimator {
  /// Most estimate the network's loss.
  public func unit(for head: OutputHead) -> String { OutputLoss(head: head).unit }
  /// Scores are squares or divergences.
  public static var isSigned: Bool { false }
  /// Most look at weights alone.
  public static var takesActivations: Bool { false }
}

/// Every estimator there is.
public enum Estimators {
  /// In the order in which they are listed.
  public static let all: [any SensitivityEstimator.Type] = [
    FisherChannel.self, FisherOutput.self, ExactKL.self, OutputError.self, WeightError.self,
    OutputDelta.self, Hutchinson.self, HessianError.self, GaussNewtonTrace.self, FisherTrace.self,
    Quadratic.self, SignalToNoise.self, ActivationWeighted.self, Kurtosis.self, Outlier.self,
    ZScoreDistribution.self, WeightKL.self, GradientError.self, GradientErrorAbsolute.self,
    Taylor.self, LayerInputModification.self, BlockImportance.self, TopEigenvalue.self,
    Relevance.self, RelevanceError.self, Interlayer.self, MeasuredPairs.self, Shapley.self,
    ExactKLFrom8Bit.self, ExactLoss.self, OutputErrorRSQ.self, HutchinsonBlocked.self,
  ]

  /// The name of the estimator that is used unless another is asked for.
  ///
  /// It comes nearest to `exact-kl` on real models, at a fraction of its cost (README).
  public static let defaultName = FisherChannel.id

  /// The estimator with a name.
  ///
  /// - Throws: `UserError` with the nearest known name.
  public static func named(_ name: String) throws -> any SensitivityEstimator {
    guard let type = all.first(where: { $0.id == name }) else {
      throw UserError.unknown(name, "estimator", known: all.map { $0.id })
    }
    return type.init()
  }
}
