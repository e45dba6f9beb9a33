internal import Tensors
internal import Vocabulary

/// The largest element or the mean of every window; x `[n, c, ...]`, one to three axes.
struct Pool: Operation {
  /// What a window gives.
  enum Kind: String, Sendable { case maximum = "max", mean = "avg" }

  var kind: Kind
  var kernel: [Int]
  var stride: [Int]
  var dilation: [Int]
  var padding: Convolution.Padding
  /// Whether a last window that is not whole counts.
  var roundsUp: Bool
  /// Whether a mean is over the border's zeros too.
  var countsPadding: Bool

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let axes = kernel.count
    guard x.rank == axes + 2 else {
      throw UserError(.failed, "a window of \(axes) axes does not fit the shape \(x.shape)")
    }
    let sizes = Array(x.shape.dropFirst(2))
    let (begin, end) = padding.amounts(
      sizes: sizes, kernel: kernel, stride: stride, dilation: dilation)
    if begin == end, zip(begin, kernel).allSatisfy({ $0 <= $1 / 2 }) {
      return [try windows(x, padding: begin, includingBorder: countsPadding)]
    }
    // ATen's own borders are even and at most half a window.
    guard !roundsUp || padding == .sameUpper || padding == .sameLower else {
      throw UserError(.failed, "pooling with both ceil_mode and uneven pads is not supported")
    }
    try checkedElementCount(
      Array(x.shape.prefix(2)) + sizes.indices.map { sizes[$0] + begin[$0] + end[$0] })
    let none = begin.map { _ in 0 }
    let border = kind == .maximum ? -Double.infinity : 0
    let result = try windows(
      x.padded(begin: begin, end: end, value: border), padding: none, includingBorder: true)
    guard kind == .mean, !countsPadding else { return [result] }
    let ones = try call("aten::ones", [.ints([1, 1] + sizes)])
    let share = try windows(
      ones.padded(begin: begin, end: end), padding: none, includingBorder: true)
    return [try result / share]
  }

  private func windows(_ x: Tensor, padding: [Int], includingBorder: Bool) throws -> Tensor {
    let name = "aten::\(kind.rawValue)_pool\(kernel.count)d"
    let shared: [Argument] = [.tensor(x), .ints(kernel), .ints(stride), .ints(padding)]
    let ceiling = Argument.bool(
      roundsUp && self.padding != .sameUpper && self.padding != .sameLower)
    return switch kind {
    case .maximum: try call(name, shared + [.ints(dilation), ceiling])
    case .mean: try call(name, shared + [ceiling, .bool(includingBorder)])
    }
  }
}

/// The largest element or the mean of all axes but the first two, which keep size one.
struct GlobalPool: Operation {
  var kind: Pool.Kind

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    guard x.rank > 2 else {
      throw UserError(.failed, "a tensor of the shape \(x.shape) has no axes to pool over")
    }
    let axes = Array(2..<x.rank)
    return [
      kind == .mean
        ? try x.mean(axes, keep: true)
        : try call("aten::amax", [.tensor(x), .ints(axes), .bool(true)])
    ]
  }
}
