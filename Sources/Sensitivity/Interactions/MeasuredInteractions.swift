public import Vocabulary

/// What an interaction estimator knows of some samples: kept chunk by chunk, joined for planning.
public protocol MeasuredInteractions: Sendable {
  /// The number of candidates of every group.
  var candidateCounts: [Int] { get }
  /// The number of samples.
  var samples: Int { get }
  /// The losses of every candidate alone, `[group][candidate][sample]`.
  var scores: [[[Double]]] { get }

  /// The first samples only; more than there are leaves all.
  func prefix(_ count: Int) -> Self

  /// The same candidates on the samples of several parts, one after another.
  ///
  /// - Throws: `UserError` when the parts do not fit together, or when there are none.
  static func joined(_ parts: [Self]) throws -> Self

  /// The means over the samples, written out.
  func matrix() -> InteractionMatrix

  /// Everything as bytes, with a mark of their own in front.
  var encoded: [UInt8] { get }

  /// Reads what ``encoded`` wrote; nil for anything else, another kind's bytes among it.
  init?(encoded bytes: [UInt8])
}

extension OutputSketches: MeasuredInteractions {}

/// Stored bytes of interactions are not what their estimator wrote for these samples.
public struct DamagedInteractions: Error, Hashable {
  /// Index of the first damaged chunk.
  public var chunk: Int

  /// Damage of the chunk with this index.
  public init(chunk: Int) { self.chunk = chunk }
}

extension InteractionEstimators {
  /// What an estimator's stored chunks say together; nil when it measures no interactions.
  ///
  /// - Parameters:
  ///   - id: The estimator that measured them.
  ///   - chunks: Number of samples and bytes of each, in the samples' order.
  ///   - candidateCounts: The number of candidates that every group must have.
  ///   - samples: How many samples count; what chunks have beyond is left out.
  /// - Throws: ``DamagedInteractions``, or `UserError` when chunks do not fit together.
  public static func matrix(
    measuredBy id: String, chunks: [(samples: Int, bytes: [UInt8])], candidateCounts: [Int],
    samples: Int
  ) throws -> InteractionMatrix? {
    guard let type = all.first(where: { $0.id == id }) else { return nil }
    return try matrix(type, chunks, candidateCounts, samples)
  }

  private static func matrix<E: InteractionEstimator>(
    _: E.Type, _ chunks: [(samples: Int, bytes: [UInt8])], _ candidateCounts: [Int],
    _ samples: Int
  ) throws -> InteractionMatrix {
    var left = samples
    var parts: [E.Interactions] = []
    for (index, chunk) in chunks.enumerated() where left > 0 {
      guard let part = E.Interactions(encoded: chunk.bytes), part.samples == chunk.samples,
        part.candidateCounts == candidateCounts
      else { throw DamagedInteractions(chunk: index) }
      parts.append(part.prefix(left))
      left -= min(left, part.samples)
    }
    // Terms are long to add up sample by sample; optimizers ask for every pair many times.
    return try E.Interactions.joined(parts).matrix()
  }
}
