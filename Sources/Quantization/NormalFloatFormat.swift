internal import Foundation
public import Vocabulary

/// The 4-bit numbers of QLoRA: quantiles of a bell, a 32-bit scale per 64 weights.
///
/// With `m = max|w|` over 64 neighbours, `value = grid[nearest(w · (1 / m))] · m` in single precision,
/// middles to the lower number. Double quantization (`-dq256`) stores the `m` of 256 groups in 8 bits
/// each: less their mean over the tensor, relative to the largest of the 256, by a grid whose steps
/// grow with the distance from zero.
///
/// Rounded as the `bitsandbytes` package does on a processor (its mean is summed in another order).
/// Source: Dettmers et al., "QLoRA", 2023; Dettmers et al., "8-bit optimizers via block-wise
/// quantization", 2022.
public struct NormalFloatFormat: NumberFormat, Hashable {
  /// With and without double quantization.
  public static let all = [
    NormalFloatFormat(doubleQuantization: false), NormalFloatFormat(doubleQuantization: true),
  ]
  /// Weights that share a scale.
  public static let group = 64
  /// Scales that are stored together.
  public static let scaleGroup = 256

  /// Whether the scales are stored in 8 bits.
  public let doubleQuantization: Bool

  /// `nf4-g64` or `nf4-g64-dq256`.
  public var name: String { doubleQuantization ? "nf4-g64-dq256" : "nf4-g64" }

  /// One line for people.
  public var summary: String {
    doubleQuantization
      ? "4-bit quantiles of a bell, an 8-bit scale per 64 weights"
      : "4-bit quantiles of a bell, a 32-bit scale per 64 weights"
  }

  /// 4.
  public var nominalBits: Int { 4 }

  /// Halves, for rows that groups do not divide.
  public var fallback: (any NumberFormat)? { FloatFormat.fp16 }

  /// Groups must divide the rows.
  public func refusal(of shape: WeightShape) -> String? {
    if let refusal = refusalOfEmptiness(shape) { return refusal }
    guard shape.columns % Self.group != 0 else { return nil }
    return "its rows of \(shape.columns) weights are not a multiple of the group size 64"
  }

  /// Half a byte a weight and 4 bytes a scale; with double quantization a byte a scale, 4 bytes for each
  /// 256 of them, and 4 for their mean.
  public func bytes(of shape: WeightShape) -> Int {
    let scales = shape.count / Self.group
    guard doubleQuantization else { return shape.count / 2 + 4 * scales }
    let groups = (scales + Self.scaleGroup - 1) / Self.scaleGroup
    return shape.count / 2 + scales + 4 * groups + 4
  }

  /// What the weights become.
  public func roundTrip(
    _ weights: UnsafeBufferPointer<Float>, shape: WeightShape,
    into result: UnsafeMutableBufferPointer<Float>
  ) throws {
    require(weights, shape, result)
    guard let source = weights.baseAddress, let target = result.baseAddress else { return }
    let group = Self.group
    let reaches = try stride(from: 0, to: shape.count, by: group).map { start in
      guard let range = WeightRange(of: source + start, count: group) else { throw notFinite }
      return max(-range.low, range.high)
    }
    let scales = doubleQuantization ? Self.stored(reaches) : reaches
    let grid = Self.normal
    for (index, reach) in reaches.enumerated() {
      let inverse = 1 / max(reach, 1e-38)
      for start in stride(from: index * group, to: (index + 1) * group, by: 8) {
        let scaled = lanes(source + start) * inverse
        var value = SIMD8(repeating: grid.numbers[0])
        for k in grid.middles.indices {
          value.replace(with: grid.numbers[k + 1], where: scaled .> grid.middles[k])
        }
        store(value * scales[index], target + start)
      }
    }
  }

  /// Scales as 8 bits hold them.
  private static func stored(_ scales: [Float]) -> [Float] {
    let mean = Float(scales.reduce(0.0) { $0 + Double($1) } / Double(max(1, scales.count)))
    var result = scales
    for start in stride(from: 0, to: scales.count, by: scaleGroup) {
      let members = start..<min(start + scaleGroup, scales.count)
      let reach = members.reduce(Float(0)) { max($0, abs(scales[$1] - mean)) }
      let floor = max(reach, 1e-38)
      for k in members {
        let offset = scales[k] - mean
        let scaled = members.count == scaleGroup ? offset * (1 / floor) : offset / floor
        result[k] = dynamic.nearest(scaled) * reach + mean
      }
    }
    return result
  }

  /// Rising numbers, and the middles between neighbours.
  private struct Grid: Sendable {
    var numbers: [Float]
    var middles: [Float]

    init(_ numbers: [Float]) {
      self.numbers = numbers
      middles = zip(numbers, numbers.dropFirst()).map { ($0 + $1) / 2 }
    }

    /// The nearest number, the lower one of two.
    func nearest(_ value: Float) -> Float {
      var low = 0
      var high = middles.count
      while low < high {
        let middle = (low + high) / 2
        if middles[middle] < value { low = middle + 1 } else { high = middle }
      }
      return numbers[low]
    }
  }

  /// Eight quantiles of the normal distribution above zero, seven below, and zero, up to 1.
  private static let normal: Grid = {
    func quantiles(_ count: Int) -> [Float] {
      evenly(0.9677083, 0.5, count + 1).dropLast().map { Float(normalQuantile(Double($0))) }
    }
    let numbers = (quantiles(8) + [0] + quantiles(7).map { -$0 }).sorted()
    let largest = numbers[15]
    return Grid(numbers.map { $0 / largest })
  }()

  /// For each power of ten from 1e-6 to 1 twice as many numbers as for the one before, with both signs;
  /// zero and one.
  private static let dynamic: Grid = {
    var numbers: [Float] = [0, 1]
    for power in 0..<7 {
      let ends = evenly(0.1, 1, (1 << power) + 1)
      let scale = Float(pow(10, Double(power - 6)))
      for middle in zip(ends, ends.dropFirst()).map({ ($0 + $1) / 2 }) {
        numbers += [scale * middle, -scale * middle]
      }
    }
    return Grid(numbers.sorted())
  }()
}

/// Evenly spaced singles from `first` to `last`, counted from the nearer end.
private func evenly(_ first: Float, _ last: Float, _ count: Int) -> [Float] {
  let step = (last - first) / Float(count - 1)
  return (0..<count).map { k in
    k < count / 2 ? first + step * Float(k) : last - step * Float(count - 1 - k)
  }
}

/// The number that a normal variable stays below with the given probability, by Newton's method.
private func normalQuantile(_ probability: Double) -> Double {
  var x = 0.0
  for _ in 0..<60 {
    let below = 0.5 * erfc(-x / 2.0.squareRoot())
    let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    let step = (below - probability) / density
    x -= max(-1, min(1, step))
    if abs(step) < 1e-15 { break }
  }
  return x
}
