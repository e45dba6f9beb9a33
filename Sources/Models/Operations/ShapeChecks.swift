internal import Tensors
internal import Vocabulary

/// The most elements that an operation may make out of few (1 GiB of singles): a wrong size in a file
/// must not exhaust memory.
let largestMadeElementCount = 1 << 28

/// The number of elements of a shape that is about to be allocated.
///
/// - Throws: `UserError` when a size is negative or there are more than `limit` elements.
@discardableResult
func checkedElementCount(_ shape: [Int], limit: Int = largestMadeElementCount) throws -> Int {
  var count = 1
  for size in shape {
    guard size >= 0 else { throw UserError(.failed, "the shape \(shape) has a negative size") }
    guard size <= limit else {
      throw UserError(.failed, "a tensor of the shape \(shape) is too large")
    }
    let (product, overflow) = count.multipliedReportingOverflow(by: size)
    guard !overflow, product <= limit else {
      throw UserError(.failed, "a tensor of the shape \(shape) is too large")
    }
    count = product
  }
  return count
}

/// An axis counted from the front; negative ones count from the end.
///
/// - Throws: `UserError` when there is no such axis.
func checkedAxis(_ axis: Int, rank: Int) throws -> Int {
  guard axis >= -rank, axis < rank else {
    throw UserError(.failed, "a tensor of \(rank) axes has no axis \(axis)")
  }
  return axis < 0 ? axis + rank : axis
}

/// Axes counted from the front, in the order given.
///
/// - Throws: `UserError` when one is missing or named twice.
func checkedAxes(_ axes: [Int], rank: Int) throws -> [Int] {
  let axes = try axes.map { try checkedAxis($0, rank: rank) }
  guard Set(axes).count == axes.count else {
    throw UserError(.failed, "an axis is named twice in \(axes)")
  }
  return axes
}
