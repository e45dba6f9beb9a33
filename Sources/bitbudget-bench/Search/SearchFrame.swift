import Foundation
import Pareto

/// The box in which points of a ``SearchTask`` are compared, and the best that is known in it.
///
/// Bytes run from 0 at the smallest point to 1 at the largest. The loss, as it is or as a logarithm,
/// runs from 0 at the least that is known to 1 at that of the smallest point. The reference is
/// (1.01, 1.01), which is AMQ's convention, 1.01 times the nadir; nothing is tuned to a result.
struct SearchFrame {
  /// The reference, in both coordinates.
  static let reference = 1.01

  /// Whether the loss counts as its logarithm.
  let isLogarithmic: Bool
  private let bytes: ClosedRange<Double>
  private let loss: ClosedRange<Double>

  /// - Parameter best: The least loss that is known.
  init(_ task: SearchTask, best: Double, isLogarithmic: Bool) {
    self.isLogarithmic = isLogarithmic
    let smallest = task.bytes.map { sizes in
      sizes.indices.min { (sizes[$0], $0) < (sizes[$1], $1) } ?? 0
    }
    let largest = task.bytes.map { sizes in
      sizes.indices.max { (sizes[$0], $0) < (sizes[$1], $1) } ?? 0
    }
    bytes = Double(task.size(smallest))...Double(task.size(largest))
    let low = Self.scaled(best, isLogarithmic)
    loss = low...max(low, Self.scaled(task.loss(smallest), isLogarithmic))
  }

  /// The share of the box that points of bytes and loss dominate.
  func hypervolume(_ points: [(bytes: Int, loss: Double)]) -> Double {
    Pareto.hypervolume(
      points.map { point in
        (
          (Double(point.bytes) - bytes.lowerBound) / (bytes.upperBound - bytes.lowerBound),
          (Self.scaled(point.loss, isLogarithmic) - loss.lowerBound)
            / (loss.upperBound - loss.lowerBound)
        )
      }, reference: (Self.reference, Self.reference))
  }

  private static func scaled(_ loss: Double, _ isLogarithmic: Bool) -> Double {
    isLogarithmic ? log10(max(loss, 1e-12)) : loss
  }
}
