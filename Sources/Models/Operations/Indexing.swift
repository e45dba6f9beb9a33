internal import Tensors
internal import Vocabulary

/// Parts of some axes; inputs x, starts, ends, axes?, steps?.
///
/// Negative positions count from the end, positions beyond an end are moved to it, and negative steps
/// walk backwards.
struct SliceAxes: Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    var x = try inputs.required(0)
    let starts = try inputs.required(1).integers()
    let ends = try inputs.required(2).integers()
    let named = try inputs.optional(3)?.integers() ?? Array(starts.indices)
    let steps = try inputs.optional(4)?.integers() ?? starts.map { _ in 1 }
    guard starts.count == ends.count, named.count == starts.count, steps.count == starts.count,
      !steps.contains(0)
    else { throw UserError(.failed, "starts, ends, axes and steps of a slice do not fit together") }
    for (k, axis) in try checkedAxes(named, rank: x.rank).enumerated() {
      x = try Self.part(of: x, axis: axis, from: starts[k], to: ends[k], by: steps[k])
    }
    return [x]
  }

  private static func part(of x: Tensor, axis: Int, from: Int, to: Int, by step: Int) throws
    -> Tensor
  {
    let size = x.shape[axis]
    func place(_ position: Int, _ range: ClosedRange<Int>) -> Int {
      min(max(position < 0 ? position + size : position, range.lowerBound), range.upperBound)
    }
    if step > 0 {
      let start = place(from, 0...size)
      let end = max(start, place(to, 0...size))
      return try x.sliced(axis, start, end, step: min(step, max(1, size)))
    }
    guard size > 0 else { return x }
    let indices = stride(
      from: place(from, 0...(size - 1)), to: place(to, -1...(size - 1)), by: max(step, -size))
    let chosen = indices.map(Int64.init)
    return try call(
      "aten::index_select",
      [.tensor(x), .int(axis), .tensor(Tensor(chosen, shape: [chosen.count]))])
  }
}

/// Entries of an axis by index: the axis is replaced by the axes of the indices (input 1).
struct Gather: Operation {
  var axis: Int

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let axis = try checkedAxis(axis, rank: x.rank)
    let indices = try inputs.required(1).converted(to: .int64)
    let shape = x.shape
    let negative = try call("aten::lt.Scalar", [.tensor(indices), .int(0)]).converted(to: .int64)
    let wrapped = try indices + call("aten::mul.Scalar", [.tensor(negative), .int(shape[axis])])
    let result = shape[..<axis] + indices.shape + shape[(axis + 1)...]
    try checkedElementCount(Array(result))
    let chosen = try call(
      "aten::index_select", [.tensor(x), .int(axis), .tensor(wrapped.reshaped([-1]))])
    return [try chosen.reshaped(Array(result))]
  }
}

/// Consecutive parts of an axis: of the sizes in input 1, or as equal as can be.
struct Split: Operation {
  var axis: Int
  /// How many parts.
  var parts: Int

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let x = try inputs.required(0)
    let axis = try checkedAxis(axis, rank: x.rank)
    let size = x.shape[axis]
    let sizes = try inputs.optional(1)?.integers() ?? equalSizes(size)
    guard sizes.count == parts, sizes.allSatisfy({ (0...size).contains($0) }),
      sizes.reduce(0, +) == size
    else { throw UserError(.failed, "an axis of \(size) cannot be split into \(sizes)") }
    return try Operator.named("aten::split_with_sizes")([.tensor(x), .ints(sizes), .int(axis)])
  }

  private func equalSizes(_ size: Int) -> [Int] {
    let each = (size + parts - 1) / max(1, parts)
    return (0..<parts).map { min(size, ($0 + 1) * each) - min(size, $0 * each) }
  }
}

/// All inputs one after another along an axis.
struct Concatenate: Operation {
  var axis: Int

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    [try .concatenated(inputs.indices.map { try inputs.required($0) }, axis: axis)]
  }
}

/// The upper or lower triangle of the last two axes, the rest zero; input 1 moves the diagonal.
struct Triangle: Operation {
  var upper: Bool

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    let offset = try inputs.optional(1)?.integers().first ?? 0
    return [
      try call(
        upper ? "aten::triu" : "aten::tril",
        [.tensor(inputs.required(0)), .int(min(max(offset, -(1 << 31)), 1 << 31))])
    ]
  }
}
