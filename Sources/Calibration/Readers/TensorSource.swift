import Archives
import Tensors
import Vocabulary

/// A file of named arrays.
protocol NamedTensors {
  /// The arrays' names, in the file's order.
  var names: [String] { get }
  /// The array of one of the names.
  func tensor(_ name: String) throws -> Tensor
}

/// Rows of arrays that are named after the model's inputs.
///
/// An array of integers called `labels`, one a sample, comes along: the right answers, for losses that
/// ask for them.
struct TensorSource: CalibrationSource {
  private static let labels = "labels"

  private let arrays: [(name: String, tensor: Tensor, dtype: DType)]
  let count: Int
  let noun = (one: "sample", many: "samples")

  init(_ file: some NamedTensors, path: String, _ specification: InputSpecification) throws {
    let inputs = specification.inputs
    let names = file.names
    let others = names.filter { $0 != Self.labels }
    var arrays: [(name: String, tensor: Tensor, dtype: DType)] = []
    var count: Int?
    for input in inputs {
      guard
        let name = names.first(where: { $0 == input.name })
          ?? (inputs.count == 1 && others.count == 1 ? others[0] : nil)
      else {
        throw UserError(
          .failed,
          "'\(path)' has no array '\(input.name)': it has \(TensorSource.list(names)), and the model "
            + "takes \(TensorSource.list(inputs.map(\.name)))")
      }
      let tensor = try file.tensor(name)
      try TensorSource.check(tensor, name, against: input, path: path)
      let rows = tensor.shape[0]
      guard rows == count ?? rows else {
        throw UserError(
          .failed,
          "the arrays in '\(path)' differ in their number of samples: '\(arrays[0].name)' has "
            + "\(count ?? 0) and '\(name)' has \(rows)")
      }
      count = rows
      arrays.append((input.name, tensor, input.dtype))
    }
    guard let count, count > 0 else {
      throw UserError(.failed, "there are no samples in '\(path)'")
    }
    // Labels that are words or fractions are somebody's notes, and nobody asked for them.
    if names.contains(Self.labels), !inputs.contains(where: { $0.name == Self.labels }),
      let labels = try? file.tensor(Self.labels), labels.dtype?.isFloatingPoint == false
    {
      guard labels.shape == [count] else {
        throw UserError(
          .failed,
          "the array '\(Self.labels)' in '\(path)' has the shape \(labels.shape), and labels are "
            + "\(count) integers, one a sample")
      }
      arrays.append((Self.labels, labels, .int64))
    }
    self.arrays = arrays
    self.count = count
  }

  func sample(_ index: Int) throws -> CalibrationSample {
    var inputs: [String: Tensor] = [:]
    for array in arrays {
      inputs[array.name] =
        try array.tensor.sliced(0, index, index + 1).contiguous().converted(to: array.dtype)
    }
    return CalibrationSample(inputs: inputs)
  }

  private static func check(
    _ tensor: Tensor, _ name: String, against input: InputSpecification.Input, path: String
  ) throws {
    let shape = tensor.shape
    let fits =
      input.shape.isEmpty
      ? !shape.isEmpty
      : shape.count == input.shape.count
        && zip(shape, input.shape).dropFirst().allSatisfy { $1 == nil || $0 == $1 }
    guard fits else {
      let wanted = input.shape.enumerated().map { axis, size in
        axis == 0 ? "samples" : size.map(String.init) ?? "any"
      }
      throw UserError(
        .failed,
        "the array '\(name)' in '\(path)' has the shape \(shape), and the model's input "
          + "'\(input.name)' takes [\(wanted.joined(separator: ", "))]")
    }
    guard tensor.dtype?.isFloatingPoint != true || input.dtype.isFloatingPoint else {
      throw UserError(
        .failed,
        "the array '\(name)' in '\(path)' holds fractions, and the model's input '\(input.name)' takes "
          + "integers")
    }
  }

  private static func list(_ names: [String]) -> String {
    names.isEmpty ? "none" : names.map { "'\($0)'" }.joined(separator: ", ")
  }
}

extension NPZFile: NamedTensors {
  func tensor(_ name: String) throws -> Tensor {
    let array = try array(name)
    let dtype: DType =
      switch array.element {
      case .float16: .float16
      case .float32: .float32
      case .float64: .float64
      case .int8: .int8
      case .int16: .int16
      case .int32: .int32
      case .int64: .int64
      case .uint8: .uint8
      case .bool: .bool
      }
    return array.bytes.withUnsafeBytes { Tensor(copying: $0, shape: array.shape, dtype: dtype) }
  }
}

extension SafetensorsFile: NamedTensors {
  var names: [String] { entries.map(\.name) }

  func tensor(_ name: String) throws -> Tensor {
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw FileError(path: file.path, reason: "it has no tensor '\(name)'")
    }
    let dtype: DType =
      switch entry.type {
      case .float64: .float64
      case .float32: .float32
      case .float16: .float16
      case .bfloat16: .bfloat16
      case .int64: .int64
      case .int32: .int32
      case .int16: .int16
      case .int8: .int8
      case .uint8: .uint8
      case .bool: .bool
      }
    // A tensor may begin anywhere in the file; only an aligned one can be used where it lies.
    if entry.range.lowerBound % dtype.size == 0 {
      return Tensor(
        over: file.base + entry.range.lowerBound, shape: entry.shape, dtype: dtype, owner: file)
    }
    let bytes = try file.slice(entry.range.lowerBound, entry.range.count)
    return Tensor(copying: bytes, shape: entry.shape, dtype: dtype)
  }
}

extension Tensor {
  /// A copy of row-major bytes; there must be `product(shape) · dtype.size` of them.
  init(copying bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) {
    let owner = OwnedMemory(bytes)
    self.init(over: owner.base, shape: shape, dtype: dtype, owner: owner)
  }
}

/// Bytes that live as long as the object.
private final class OwnedMemory: @unchecked Sendable {  // only the tensor over it writes, if any
  let base: UnsafeMutableRawPointer

  init(_ bytes: UnsafeRawBufferPointer) {
    base = .allocate(byteCount: max(1, bytes.count), alignment: 64)
    if let source = bytes.baseAddress { base.copyMemory(from: source, byteCount: bytes.count) }
  }

  deinit { base.deallocate() }
}
