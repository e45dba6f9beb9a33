internal import Quantization

extension Setting {
  /// The catalogue's formats as settings, in the catalogue's order.
  static let catalogue: [Setting] = Formats.all.compactMap { try? Setting(of: $0) }

  /// The catalogue's format that is most like this one among those that `accepted` lets through.
  ///
  /// A bit weighs more than the symmetry, and the symmetry more than the group's next size; another
  /// family weighs more than a bit. Of equals the wider one, then the first in the catalogue.
  func nearest(where accepted: (Setting) -> Bool) -> Setting? {
    Self.catalogue.filter(accepted).min {
      (distance(to: $0), -$0.bits) < (distance(to: $1), -$1.bits)
    }
  }

  private func distance(to other: Setting) -> Double {
    var distance = 4 * Double(abs(bits - other.bits))
    if family != other.family { distance += isFull || other.isFull ? 100 : 6 }
    if isSymmetric != other.isSymmetric { distance += 1 }
    return distance + abs(fineness - other.fineness) / 2
  }

  /// The logarithm of the number of weights to a scale, with channels and tensors of usual sizes.
  private var fineness: Double {
    switch granularity {
    case .group(let size): Double(Int.bitWidth - size.leadingZeroBitCount)
    case .channel: 12
    case .tensor, .unscaled: 22
    }
  }
}
