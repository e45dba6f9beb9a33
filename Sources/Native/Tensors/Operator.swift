internal import CTorch
import Synchronization

/// One argument of an ATen operator.
public enum Argument: Sendable {
  /// No value, for optional arguments.
  case none
  /// A tensor.
  case tensor(Tensor)
  /// A list of tensors; nil entries stand for "no tensor" (as in `aten::index`).
  case tensors([Tensor?])
  /// An integer, also a dtype's or layout's number.
  case int(Int)
  /// A list of integers.
  case ints([Int])
  /// A real number.
  case double(Double)
  /// A list of real numbers.
  case doubles([Double])
  /// A truth value.
  case bool(Bool)
  /// A string, e.g. a rounding mode.
  case string(String)

  /// A tensor, or no value.
  public static func optional(_ tensor: Tensor?) -> Argument {
    tensor.map(Argument.tensor) ?? .none
  }
  /// A dtype as ATen writes it.
  public static func dtype(_ dtype: DType) -> Argument { .int(Int(dtype.rawValue)) }
}

/// An operator of libtorch, looked up by name once and called through the boxed dispatcher.
///
/// The whole operator set is reachable: `try Operator.named("aten::softmax", "int")`. A call costs about
/// two microseconds on top of the kernel.
public struct Operator: @unchecked Sendable {
  /// Such as `aten::add`.
  public let name: String
  private let raw: OpaquePointer  // lives as long as the process

  private static let found = Mutex<[String: Operator]>([:])

  /// The operator `name` with an overload name as in ATen's `native_functions.yaml` (may be empty).
  ///
  /// - Throws: `TensorError` when this libtorch has no such operator.
  public static func named(_ name: String, _ overload: String = "") throws -> Operator {
    let key = overload.isEmpty ? name : "\(name).\(overload)"
    if let known = found.withLock({ $0[key] }) { return known }
    var error: UnsafeMutablePointer<CChar>?
    guard let raw = ct_find_operator(name, overload, &error) else {
      throw TensorError(operation: key, taking: error)
    }
    let new = Operator(name: key, raw: raw)
    found.withLock { $0[key] = new }
    return new
  }

  /// Calls the operator.
  ///
  /// - Parameters:
  ///   - arguments: The first arguments of the schema.
  ///   - named: Further ones by name; what is missing takes the schema's default.
  /// - Returns: The results; a list of tensors is laid out flat, scalars are tensors of shape `[]`.
  /// - Throws: `TensorError` with libtorch's reason.
  public func callAsFunction(_ arguments: [Argument], named: KeyValuePairs<String, Argument> = [:])
    throws -> [Tensor]
  {
    var memory = ArgumentMemory()
    defer { memory.free() }
    let positional = arguments.map { memory.value(of: $0) }
    let extra = named.map { memory.value(of: $0.value) }
    let names = named.map { UnsafePointer(memory.string($0.key)) as UnsafePointer<CChar>? }
    var results: UnsafeMutablePointer<OpaquePointer?>?
    var error: UnsafeMutablePointer<CChar>?
    let count = withExtendedLifetime((arguments, named)) {
      ct_call(
        raw, positional, Int64(positional.count), names, extra, Int64(extra.count), &results, &error
      )
    }
    guard count >= 0, let results else { throw TensorError(operation: name, taking: error) }
    defer { ct_free_results(results) }
    return (0..<Int(count)).compactMap { k in results[k].map(Tensor.init(taking:)) }
  }
}

/// The C side's view of the arguments of one call; what it allocates lives until ``free()``.
private struct ArgumentMemory {
  private var allocations: [UnsafeMutableRawPointer] = []

  mutating func free() {
    for allocation in allocations { allocation.deallocate() }
    allocations = []
  }

  mutating func value(of argument: Argument) -> ct_value {
    var value = ct_value()
    switch argument {
    case .none:
      set(&value, CT_NONE)
    case .tensor(let tensor):
      set(&value, CT_TENSOR)
      value.tensor = tensor.raw
    case .tensors(let tensors):
      set(&value, CT_TENSORS, tensors.map { $0?.raw })
    case .int(let integer):
      set(&value, CT_INT)
      value.integer = Int64(integer)
    case .ints(let integers):
      set(&value, CT_INTS, integers.map(Int64.init))
    case .double(let number):
      set(&value, CT_DOUBLE)
      value.number = number
    case .doubles(let numbers):
      set(&value, CT_DOUBLES, numbers)
    case .bool(let flag):
      set(&value, CT_BOOL)
      value.integer = flag ? 1 : 0
    case .string(let text):
      set(&value, CT_STRING)
      value.string = UnsafePointer(string(text))
    }
    return value
  }

  mutating func string(_ text: String) -> UnsafeMutablePointer<CChar> {
    copy(Array(text.utf8CString))
  }

  private func set(_ value: inout ct_value, _ tag: ct_tag) { value.tag = Int32(tag.rawValue) }

  private mutating func set<T>(_ value: inout ct_value, _ tag: ct_tag, _ items: [T]) {
    set(&value, tag)
    value.list = UnsafeRawPointer(copy(items))
    value.count = Int64(items.count)
  }

  private mutating func copy<T>(_ items: [T]) -> UnsafeMutablePointer<T> {
    let memory = UnsafeMutablePointer<T>.allocate(capacity: max(1, items.count))
    memory.initialize(from: items, count: items.count)
    allocations.append(UnsafeMutableRawPointer(memory))
    return memory
  }
}

/// Calls an operator that gives one tensor; `name` may carry the overload after a dot, as in
/// `aten::add.Tensor`.
public func call(
  _ name: String, _ arguments: [Argument], named: KeyValuePairs<String, Argument> = [:]
)
  throws -> Tensor
{
  let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
  let operation = try Operator.named(parts[0], parts.count > 1 ? parts[1] : "")
  guard let first = try operation(arguments, named: named).first else {
    throw TensorError(operation: name, message: "gave no result")
  }
  return first
}

/// Calls an operator whose arguments are tensors only.
public func call(_ name: String, _ tensors: Tensor...) throws -> Tensor {
  try call(name, tensors.map(Argument.tensor))
}
