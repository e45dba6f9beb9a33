internal import Tensors
internal import Vocabulary

/// Some axes folded into one number each: those that input 1 names, or all.
struct Reduce: Operation {
  /// How elements are put together.
  enum Kind: Sendable { case mean, sum, largest, smallest, product, absoluteSum, norm }

  var kind: Kind
  /// Whether the axes stay, with size one.
  var keepsAxes: Bool
  /// Whether no axes means none instead of all.
  var emptyMeansNone = false

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    var axes = try checkedAxes(inputs.optional(1)?.integers() ?? [], rank: x.rank)
    if axes.isEmpty {
      if emptyMeansNone { return [x] }
      axes = Array(0..<x.rank)
    }
    guard !axes.isEmpty else { return [x] }
    let result = try reduced(x, axes)
    return [try x.dtype.map(result.converted(to:)) ?? result]
  }

  private func reduced(_ x: Tensor, _ axes: [Int]) throws -> Tensor {
    switch kind {
    case .mean: return try x.mean(axes, keep: keepsAxes)
    case .sum: return try x.sum(axes, keep: keepsAxes)
    case .largest: return try call("aten::amax", [.tensor(x), .ints(axes), .bool(keepsAxes)])
    case .smallest: return try call("aten::amin", [.tensor(x), .ints(axes), .bool(keepsAxes)])
    case .absoluteSum: return try call("aten::abs", x).sum(axes, keep: keepsAxes)
    case .norm: return try call("aten::sqrt", (x * x).sum(axes, keep: keepsAxes))
    case .product:
      return try axes.sorted(by: >).reduce(x) { x, axis in
        try call("aten::prod.dim_int", [.tensor(x), .int(axis), .bool(keepsAxes)])
      }
    }
  }
}

/// The index of the largest (or smallest) element along an axis; the first one of equals.
struct ArgumentOfExtreme: Operation {
  var smallest: Bool
  var axis: Int
  var keepsAxis: Bool

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    [
      try call(
        smallest ? "aten::argmin" : "aten::argmax",
        [.tensor(inputs.required(0)), .int(axis), .bool(keepsAxis)])
    ]
  }
}

/// Running sums along the axis that input 1 holds.
struct CumulativeSum: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let axis = try checkedAxis(inputs.required(1).integers().first ?? 0, rank: x.rank)
    let sums = try call("aten::cumsum", [.tensor(x), .int(axis)])
    return [try x.dtype.map(sums.converted(to:)) ?? sums]
  }
}
