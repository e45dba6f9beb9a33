internal import Quantization

extension Setting {
  /// The catalogue's formats as settings, in the catalogue's order.
  static let catalogue: [Setting] = Formats.all.compactMap { try? Setting(of: $0) }

  /// The catalogue's format that is most like this one among those that `accepted` lets through.
  ///
  /// A bit weighs more than the symmetry, and the symmetry more than the group's next size; another
  /// family weighs more than a bit. Of equals the wider one, then the first in the catalogue. Where the
  /// input is rounded too, another weight's format for the same input is tried first, then another input's
  /// for the same weight, then weights alone.
  func nearest(where accepted: (Setting) -> Bool) -> Setting? {
    func closest(_ settings: [Setting]) -> Setting? {
      settings.filter(accepted).min {
        (distance(to: $0), -$0.bits) < (distance(to: $1), -$1.bits)
      }
    }
    guard let input else { return closest(Self.catalogue) }
    return closest(Self.catalogue.map { $0.with(input: input) })
      ?? closest(ActivationFormat.all.map { with(input: $0) }) ?? closest(Self.catalogue)
  }

  private func distance(to other: Setting) -> Double {
    var distance = 4 * Double(abs(bits - other.bits))
    if family != other.family { distance += isFull || other.isFull ? 100 : 6 }
    if isSymmetric != other.isSymmetric { distance += 1 }
    distance += abs(fineness - other.fineness) / 2
    guard let input, let otherInput = other.input else { return distance }
    return distance + input.distance(to: otherInput)
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

extension ActivationFormat {
  /// Bits weigh most, then what a code is, then which numbers share a scale and when it is found.
  fileprivate func distance(to other: ActivationFormat) -> Double {
    var distance = 4 * Double(abs(nominalBits - other.nominalBits))
    if granularity != other.granularity { distance += 2 }
    if isDynamic != other.isDynamic { distance += 2 }
    switch (element, other.element) {
    case (.integer(_, let scheme), .integer(_, let otherScheme)):
      if scheme != otherScheme { distance += 1 }
    case (.float8(let kind), .float8(let otherKind)):
      if kind != otherKind { distance += 1 }
    case (.integer, .float8), (.float8, .integer): distance += 6
    }
    return distance
  }
}
