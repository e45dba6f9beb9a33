import Foundation
import Vocabulary

/// A straight map from values to pixels.
struct LinearScale {
  var domain: ClosedRange<Double>
  var pixels: (from: Double, to: Double)

  func callAsFunction(_ value: Double) -> Double {
    let share = (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
    return pixels.from + share * (pixels.to - pixels.from)
  }

  /// Round values within the domain: multiples of 1, 2 or 5 times a power of ten.
  func ticks(atMost count: Int) -> (values: [Double], decimals: Int) {
    let rough = (domain.upperBound - domain.lowerBound) / Double(max(1, count))
    var exponent = Int(log10(rough).rounded(.down))
    var multiple = [1.0, 2, 5].first { $0 * power(exponent) >= rough * (1 - 1e-9) }
    if multiple == nil { (exponent, multiple) = (exponent + 1, 1) }
    let step = (multiple ?? 1) * power(exponent)
    let first = Int((domain.lowerBound / step - 1e-9).rounded(.up))
    let last = Int((domain.upperBound / step + 1e-9).rounded(.down))
    let values = first <= last ? (first...last).map { Double($0) * step } : []
    return (values, max(0, -exponent))
  }
}

/// A map from positive values to pixels by their logarithm; what is not above ``floor`` lies on it.
struct LogScale {
  var domain: ClosedRange<Double>
  var pixels: (from: Double, to: Double)

  /// The smallest value that has a place of its own.
  var floor: Double { domain.lowerBound }

  func callAsFunction(_ value: Double) -> Double {
    let low = log10(domain.lowerBound)
    let high = log10(domain.upperBound)
    let clamped = value > floor ? min(value, domain.upperBound) : floor
    return pixels.from + (log10(clamped) - low) / (high - low) * (pixels.to - pixels.from)
  }

  /// Powers of ten within the domain.
  var decades: [Int] {
    let first = Int((log10(domain.lowerBound) - 1e-9).rounded(.up))
    let last = Int((log10(domain.upperBound) + 1e-9).rounded(.down))
    return first <= last ? Array(first...last) : []
  }

  /// The multiples 2 to 9 of powers of ten within the domain.
  var minors: [(multiple: Int, exponent: Int)] {
    let first = Int(log10(domain.lowerBound).rounded(.down))
    let last = Int(log10(domain.upperBound).rounded(.down))
    return (first...last).flatMap { exponent in
      (2...9).map { (multiple: $0, exponent: exponent) }
    }
    .filter { domain.contains(Double($0.multiple) * power($0.exponent)) }
  }
}

/// What both plots have to find out of a frontier before they draw.
struct PlotDomain {
  /// The cost that the loss is drawn against.
  var axis: CostAxis
  /// From the smallest to the largest cost, with some air.
  var costs: ClosedRange<Double>
  /// From below the smallest to above the largest positive loss.
  var losses: ClosedRange<Double>
  /// How many losses lie below the axis.
  var below: Int
  /// Bits per weight are `slope · bytes + intercept`; nil when the points do not tell, or the axis is not
  /// the size.
  var bitsPerWeight: (slope: Double, intercept: Double)?

  init(_ frontier: Frontier) {
    let axis = CostAxis(frontier)
    self.axis = axis
    let places =
      frontier.points.compactMap { point in axis.value(point).map { (cost: $0, bpw: point.bpw) } }
      + frontier.baselines.compactMap { baseline in
        axis.value(baseline).map { (cost: $0, bpw: baseline.bpw) }
      }
    let smallest = places.map(\.cost).min() ?? 0
    let largest = places.map(\.cost).max() ?? 1
    let least = axis.isSize ? 1 : 1e-9
    let air = largest > smallest ? 0.04 * (largest - smallest) : max(least, 0.1 * largest)
    costs = max(0, smallest - air)...(largest + air)

    let losses =
      (frontier.points.flatMap { [$0.loss, $0.measured ?? .nan] }
      + frontier.baselines.flatMap { [$0.loss, $0.measured ?? .nan] }).filter { !$0.isNaN }
    let top = losses.filter { $0 > 0 && $0.isFinite }.max() ?? 1
    // Ten decades are more than a page can show or a measurement can mean.
    let positive = losses.filter { $0 >= top * 1e-10 && $0.isFinite }
    let bottom = positive.min() ?? 0.1
    below = losses.count { $0 < bottom }
    let decades = log10(top / bottom)
    let room = max(0.12, 0.06 * decades)
    self.losses = (bottom / pow(10, below > 0 ? 2 * room : room))...(top * pow(10, room))

    if axis.name == "bytes", let low = places.min(by: { $0.cost < $1.cost }),
      let high = places.max(by: { $0.cost < $1.cost }), high.cost > low.cost,
      high.bpw > low.bpw
    {
      let slope = (high.bpw - low.bpw) / (high.cost - low.cost)
      bitsPerWeight = (slope, low.bpw - slope * low.cost)
    }
  }
}
