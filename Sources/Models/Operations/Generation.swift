internal import Tensors
internal import Vocabulary

/// A fixed tensor.
struct Literal: Operation {
  var tensor: Tensor

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] { [tensor] }
}

/// The sizes of the axes `start ..< end` as 64-bit integers.
struct ShapeOf: Operation {
  var start = 0
  var end: Int?

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let shape = try inputs.required(0).shape
    func place(_ axis: Int) -> Int {
      min(max(0, axis < 0 ? axis + shape.count : axis), shape.count)
    }
    let first = place(start)
    let sizes = shape[first..<max(first, place(end ?? shape.count))]
    return [Tensor(sizes.map(Int64.init), shape: [sizes.count])]
  }
}

/// Elements converted to another type.
struct Cast: Operation {
  var dtype: DType

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    [try inputs.required(0).converted(to: dtype)]
  }
}

/// One value everywhere, in the shape that input 0 holds.
struct Fill: Operation {
  /// A tensor with one element.
  var value: Tensor

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let shape = try inputs.required(0).integers()
    try checkedElementCount(shape)
    let one = try value.reshaped(shape.map { _ in 1 })
    return [try call("aten::broadcast_to", [.tensor(one), .ints(shape)])]
  }
}

/// `start, start + delta, ...` below the limit; inputs start, limit, delta.
struct NumberRange: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let start = try inputs.required(0)
    let (first, limit, delta) = try (
      start.item(), inputs.required(1).item(), inputs.required(2).item()
    )
    let steps = ((limit - first) / delta).rounded(.up)
    guard steps.isFinite, abs(steps) < 1e9 else {
      throw UserError(.failed, "the range \(first) ..< \(limit) by \(delta) has no usable length")
    }
    let count = try checkedElementCount([max(0, Int(steps))])
    guard let dtype = start.dtype, !dtype.isFloatingPoint else {
      return [Tensor((0..<count).map { Float(first + Double($0) * delta) }, shape: [count])]
    }
    let origin = try start.integers().first ?? 0
    let step = try inputs.required(2).integers().first ?? 1
    let values = (0..<count).map { Int64(origin &+ $0 &* step) }
    return [try Tensor(values, shape: [count]).converted(to: dtype)]
  }
}
