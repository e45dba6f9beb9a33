internal import Tensors
internal import Vocabulary

/// A grid sampled at other places, axis by axis; inputs x, scales?, sizes?.
///
/// Scales and sizes have an entry per axis of x or, when `axes` is given, per axis named there.
struct Resample: Operation {
  /// Where in the old grid (of `old` places) the place `k` of the new one (of `new`) lies.
  enum Coordinates: String, Sendable {
    case halfPixel = "half_pixel"
    case torchHalfPixel = "pytorch_half_pixel"
    case alignedCorners = "align_corners"
    case asymmetric

    func source(_ k: Int, scale: Double, old: Int, new: Int) -> Double {
      switch self {
      case .asymmetric: Double(k) / scale
      case .halfPixel: (Double(k) + 0.5) / scale - 0.5
      case .torchHalfPixel: new > 1 ? (Double(k) + 0.5) / scale - 0.5 : 0
      case .alignedCorners: new > 1 ? Double(k) * Double(old - 1) / Double(new - 1) : 0
      }
    }
  }

  /// What is taken between places.
  enum Interpolation: Sendable, Equatable {
    case linear
    case nearest(Rounding)
  }

  /// Which neighbour is nearest.
  enum Rounding: String, Sendable {
    case halfDown = "round_prefer_floor"
    case halfUp = "round_prefer_ceil"
    case floor
    case ceil

    func callAsFunction(_ x: Double) -> Double {
      switch self {
      case .halfDown: (x - 0.5).rounded(.up)
      case .halfUp: (x + 0.5).rounded(.down)
      case .floor: x.rounded(.down)
      case .ceil: x.rounded(.up)
      }
    }
  }

  var coordinates: Coordinates
  var interpolation: Interpolation
  var axes: [Int]?

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    var x = try inputs.required(0)
    let axes = try checkedAxes(axes ?? Array(0..<x.rank), rank: x.rank)
    let old = axes.map { x.shape[$0] }
    let (scales, sizes) = try plan(old, inputs)
    guard old.allSatisfy({ $0 > 0 }) else {
      throw UserError(.failed, "the empty shape \(x.shape) cannot be resized")
    }
    var shape = x.shape
    for (k, axis) in axes.enumerated() { shape[axis] = sizes[k] }
    try checkedElementCount(shape)
    for (k, axis) in axes.enumerated() where sizes[k] != old[k] || scales[k] != 1 {
      x = try resampled(x, axis: axis, to: sizes[k], scale: scales[k])
    }
    return [x]
  }

  private func plan(_ old: [Int], _ inputs: [Tensor?]) throws -> (scales: [Double], sizes: [Int]) {
    if let sizes = try inputs.optional(2)?.integers(), sizes.count == old.count {
      return (zip(sizes, old).map { Double($0) / Double($1) }, sizes)
    }
    let scales = try inputs.optional(1)?.doubles() ?? []
    let sizes = zip(old, scales).map { (Double($0) * $1).rounded(.down) }
    guard scales.count == old.count, sizes.allSatisfy({ $0 >= 1 && $0 < 1e9 }) else {
      throw UserError(.failed, "\(old.count) axes cannot be resized by \(scales)")
    }
    return (scales, sizes.map { Int($0) })
  }

  private func resampled(_ x: Tensor, axis: Int, to new: Int, scale: Double) throws -> Tensor {
    let old = x.shape[axis]
    let places = (0..<new).map { coordinates.source($0, scale: scale, old: old, new: new) }
    func entries(_ round: (Double) -> Double) throws -> Tensor {
      let indices = places.map { Int64(min(max(0, round($0)), Double(old - 1))) }
      return try call(
        "aten::index_select", [.tensor(x), .int(axis), .tensor(Tensor(indices, shape: [new]))])
    }
    if case .nearest(let rounding) = interpolation { return try entries { rounding($0) } }
    var shape = x.shape.map { _ in 1 }
    shape[axis] = new
    let weight = Tensor(places.map { Float($0 - $0.rounded(.down)) }, shape: shape)
    let below = try entries { $0.rounded(.down) }
    let above = try entries { $0.rounded(.down) + 1 }
    return try below + (above - below) * weight
  }
}
