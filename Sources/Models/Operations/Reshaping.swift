internal import Tensors
internal import Vocabulary

/// The same elements in the shape that input 1 holds: -1 is what is left, 0 the size in x.
struct Reshape: Operation {
  /// Whether 0 means an empty axis instead.
  var allowsEmpty = false

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    var shape = try inputs.required(1).integers()
    for (axis, size) in shape.enumerated() where size == 0 && !allowsEmpty {
      guard axis < x.rank else {
        throw UserError(.failed, "the shape \(shape) copies an axis that \(x.shape) does not have")
      }
      shape[axis] = x.shape[axis]
    }
    try checkedElementCount(shape.map { $0 == -1 ? 1 : $0 }, limit: .max)
    return [try x.reshaped(shape)]
  }
}

/// A matrix: axes before `axis` are its rows, the others its columns.
struct Flatten: Operation {
  var axis: Int

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let axis = axis == x.rank ? axis : try checkedAxis(axis, rank: x.rank)
    let shape = x.shape
    return [
      try x.reshaped([shape[..<axis].reduce(1, *), shape[axis...].reduce(1, *)])
    ]
  }
}

/// The axes in another order; nil reverses them.
struct Permute: Operation {
  var axes: [Int]?

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    return [try x.permuted(axes ?? Array((0..<x.rank).reversed()))]
  }
}

/// Axes of size one put in where input 1 says, counted in the result.
struct InsertAxes: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let axes = try inputs.required(1).integers()
    let rank = x.rank + axes.count
    let inserted = Set(try checkedAxes(axes, rank: rank))
    var old = x.shape[...]
    return [try x.reshaped((0..<rank).map { inserted.contains($0) ? 1 : old.removeFirst() })]
  }
}

/// Axes of size one taken out: those that input 1 names, or all.
struct DropAxes: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let shape = x.shape
    let dropped: [Int]
    if let axes = inputs.optional(1) {
      dropped = try checkedAxes(axes.integers(), rank: x.rank)
      guard dropped.allSatisfy({ shape[$0] == 1 }) else {
        throw UserError(.failed, "the axes \(dropped) of the shape \(shape) are not all of size 1")
      }
    } else {
      dropped = shape.indices.filter { shape[$0] == 1 }
    }
    return [try x.reshaped(shape.indices.filter { !dropped.contains($0) }.map { shape[$0] })]
  }
}

/// x broadcast together with the shape that input 1 holds.
struct Expand: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    var shape = try inputs.required(1).integers()
    let own = [Int](repeating: 1, count: max(0, shape.count - x.rank)) + x.shape
    shape = [Int](repeating: 1, count: own.count - shape.count) + shape
    shape = zip(shape, own).map { $0 == 1 ? $1 : $0 }
    try checkedElementCount(shape)
    return [try call("aten::broadcast_to", [.tensor(x), .ints(shape)])]
  }
}

/// x repeated along each axis as often as input 1 says.
struct Tile: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let times = try inputs.required(1).integers()
    guard times.count == x.rank else {
      throw UserError(.failed, "\(times.count) repeats do not fit the shape \(x.shape)")
    }
    try checkedElementCount(times)
    try checkedElementCount(zip(times, x.shape).map(*))
    return [try call("aten::repeat", [.tensor(x), .ints(times)])]
  }
}
