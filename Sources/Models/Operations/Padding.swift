internal import Tensors
internal import Vocabulary

extension Convolution.Padding {
  /// Zeros before and after each axis for an input of the given sizes.
  func amounts(sizes: [Int], kernel: [Int], stride: [Int], dilation: [Int])
    -> (begin: [Int], end: [Int])
  {
    if case .explicit(let begin, let end) = self { return (begin, end) }
    let totals = sizes.indices.map { axis in
      let results = (sizes[axis] + stride[axis] - 1) / stride[axis]
      let span = (kernel[axis] - 1) * dilation[axis] + 1
      return max(0, (results - 1) * stride[axis] + span - sizes[axis])
    }
    let small = totals.map { $0 / 2 }
    let large = zip(totals, small).map { $0 - $1 }
    return self == .sameUpper ? (small, large) : (large, small)
  }
}

extension Tensor {
  /// `value` put before and after the last `begin.count` axes; negative amounts cut off.
  func padded(begin: [Int], end: [Int], value: Double = 0) throws -> Tensor {
    // ATen lists the last axis first, before and after.
    let amounts = zip(begin, end).reversed().flatMap { [$0, $1] }
    return try call(
      "aten::constant_pad_nd", [.tensor(self), .ints(Array(amounts)), .double(value)])
  }
}

/// A border around a tensor; inputs x, pads (all begins, then all ends), value?, axes?.
struct Pad: Operation {
  /// What the border holds.
  enum Mode: String, Sendable {
    case constant
    case reflect
    case edge
  }

  var mode: Mode

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let pads = try inputs.required(1).integers()
    let axes = try checkedAxes(
      inputs.optional(3)?.integers() ?? Array(0..<x.rank), rank: x.rank)
    guard pads.count == 2 * axes.count, pads.allSatisfy({ abs($0.clamped) < 1 << 30 }) else {
      throw UserError(.failed, "the pads \(pads) do not fit the shape \(x.shape)")
    }
    var begin = x.shape.map { _ in 0 }
    var end = begin
    for (k, axis) in axes.enumerated() {
      begin[axis] = pads[k]
      end[axis] = pads[k + axes.count]
    }
    try checkedElementCount(x.shape.indices.map { x.shape[$0] + begin[$0] + end[$0] })
    guard mode != .constant else {
      let value = try inputs.optional(2)?.item() ?? 0
      return [try x.padded(begin: begin, end: end, value: value)]
    }
    // ATen's own reflection is bound to certain numbers of axes and to fractions.
    return [
      try axes.reduce(x) { x, axis in
        guard begin[axis] != 0 || end[axis] != 0 else { return x }
        return try bordered(x, axis: axis, begin: begin[axis], end: end[axis])
      }
    ]
  }

  private func bordered(_ x: Tensor, axis: Int, begin: Int, end: Int) throws -> Tensor {
    let size = x.shape[axis]
    guard size > 0 else { throw UserError(.failed, "an empty axis has nothing to repeat") }
    let period = max(1, 2 * (size - 1))
    let sources = (-begin..<max(-begin, size + end)).map { place -> Int64 in
      if mode == .edge { return Int64(min(max(0, place), size - 1)) }
      let phase = (place % period + period) % period
      return Int64(min(phase, period - phase))
    }
    return try call(
      "aten::index_select",
      [.tensor(x), .int(axis), .tensor(Tensor(sources, shape: [sources.count]))])
  }
}

extension Int {
  /// Itself, but never the one value that has no absolute value.
  fileprivate var clamped: Int { Swift.max(self, -Int.max) }
}
