public import Vocabulary

/// Integers of 2 to 8 bits times a 16-bit scale, with or without a 16-bit offset.
///
/// Asymmetric: `value = q · scale + offset`, `q` in `0 ... 2ᵇ − 1`, `offset = half(min)`,
/// `scale = half((max − min) / (2ᵇ − 1))`. Symmetric: `value = q · scale`, `q` in
/// `−2ᵇ⁻¹ ... 2ᵇ⁻¹ − 1`, `scale = half(max|w| / (2ᵇ⁻¹ − 1))`. All of it in single precision, one rounding
/// an operation; `q` is rounded half to even and then held in its range. Where the scale is zero every
/// weight becomes the offset (or zero). A code has no sign of zero, so a zero comes out as +0.
///
/// Stored as codes, each row padded to a whole byte, with an IEEE half for every scale and offset.
public struct IntegerFormat: NumberFormat, Hashable {
  /// Which weights share a scale.
  public enum Granularity: Hashable, Sendable {
    /// So many neighbours of a row.
    case group(Int)
    /// A row: an output channel.
    case channel
    /// All.
    case tensor
  }

  /// Whether zero is the middle of the codes.
  public enum Symmetry: String, Hashable, Sendable, CaseIterable {
    /// A scale and an offset: the codes span from the smallest weight to the largest.
    case asymmetric = "asym"
    /// A scale only.
    case symmetric = "sym"

    /// What a name without a suffix means.
    ///
    /// A narrow code spends much of its few steps where a lopsided group has no weights, which an
    /// offset mends. At 5 bits and more its 16 bits per group buy less than they cost.
    public static func standard(bits: Int) -> Symmetry { bits <= 4 ? .asymmetric : .symmetric }
  }

  /// The widths that there are.
  public static let widths = 2...8
  /// The granularities that there are, fine to coarse.
  public static let granularities: [Granularity] = [
    .group(32), .group(64), .group(128), .channel, .tensor,
  ]

  /// Bits of a code.
  public let bits: Int
  /// Which weights share a scale.
  public let granularity: Granularity
  /// Whether there are offsets.
  public let symmetry: Symmetry

  /// A format of ``widths`` bits and a positive group size, in the width's standard symmetry unless one
  /// is given.
  public init(bits: Int, _ granularity: Granularity, _ symmetry: Symmetry? = nil) {
    guard Self.widths.contains(bits) else { fatalError("integers have 2 to 8 bits, got \(bits)") }
    if case .group(let size) = granularity, size < 1 { fatalError("a group size of \(size)") }
    self.bits = bits
    self.granularity = granularity
    self.symmetry = symmetry ?? .standard(bits: bits)
  }

  /// The canonical name: `int4-g64`, with the symmetry only where it is not the width's standard.
  public var name: String {
    symmetry == .standard(bits: bits) ? stem : explicitName
  }

  /// The name with its symmetry: `int4-g64-asym`.
  public var explicitName: String { "\(stem)-\(symmetry.rawValue)" }

  private var stem: String {
    switch granularity {
    case .group(let size): "int\(bits)-g\(size)"
    case .channel: "int\(bits)-channel"
    case .tensor: "int\(bits)-tensor"
    }
  }

  /// One line for people.
  public var summary: String {
    let scales = symmetry == .asymmetric ? "a scale and an offset" : "a scale"
    return switch granularity {
    case .group(let size): "\(bits)-bit integers, \(scales) per \(size) weights"
    case .channel: "\(bits)-bit integers, \(scales) per output channel"
    case .tensor: "\(bits)-bit integers, \(scales) per tensor"
    }
  }

  /// Bits of a code.
  public var nominalBits: Int { bits }

  /// The same integers with a scale per output channel, for rows that groups do not divide.
  public var fallback: (any NumberFormat)? {
    guard case .group = granularity else { return nil }
    return IntegerFormat(bits: bits, .channel, symmetry)
  }

  /// Groups must divide the rows.
  public func refusal(of shape: WeightShape) -> String? {
    if let refusal = refusalOfEmptiness(shape) { return refusal }
    guard case .group(let size) = granularity, shape.columns % size != 0 else { return nil }
    return "its rows of \(shape.columns) weights are not a multiple of the group size \(size)"
  }

  /// `rows · ⌈columns · bits / 8⌉`, and 2 bytes for every scale and every offset.
  public func bytes(of shape: WeightShape) -> Int {
    let codes = shape.rows * ((shape.columns * bits + 7) / 8)
    let scales = shape.count / max(1, groupLength(in: shape))
    return codes + 2 * scales * (symmetry == .asymmetric ? 2 : 1)
  }

  /// The number of neighbours in row-major order that share a scale.
  func groupLength(in shape: WeightShape) -> Int {
    switch granularity {
    case .group(let size): size
    case .channel: shape.columns
    case .tensor: shape.count
    }
  }

  /// What the weights become as integers times their groups' scales.
  public func roundTrip(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableBufferPointer<Float>
  ) throws {
    require(weights, shape, result)
    guard let source = weights.baseAddress, let target = result.baseAddress else { return }
    let length = groupLength(in: shape)
    let groups = shape.count / length
    // Several groups' grids first, then their weights: the processor works on neighbours at once instead
    // of waiting for each group's division to end.
    try withUnsafeTemporaryAllocation(of: IntegerGrid.self, capacity: 16) { grids in
      for first in stride(from: 0, to: groups, by: grids.count) {
        let batch = first..<min(first + grids.count, groups)
        for group in batch {
          guard let range = WeightRange(of: source + group * length, count: length) else {
            throw notFinite
          }
          guard let grid = grid(over: range) else { throw tooLarge(range) }
          grids.initializeElement(at: group - first, to: grid)
        }
        for group in batch {
          let start = group * length
          grids[group - first].roundTrip(source + start, count: length, into: target + start)
        }
      }
    }
  }

  /// The grid of a group with the given range; nil where halves cannot hold it.
  @inline(__always)
  func grid(over range: WeightRange) -> IntegerGrid? {
    let grid =
      switch symmetry {
      case .asymmetric:
        IntegerGrid(
          scale: nearestHalf((range.high - range.low) / Float((1 << bits) - 1)),
          offset: nearestHalf(range.low), lowest: 0, highest: Float((1 << bits) - 1))
      case .symmetric:
        IntegerGrid(
          scale: nearestHalf(max(-range.low, range.high) / Float((1 << (bits - 1)) - 1)),
          offset: 0, lowest: -Float(1 << (bits - 1)), highest: Float((1 << (bits - 1)) - 1))
      }
    return grid.scale.isFinite && grid.offset.isFinite ? grid : nil
  }
}
