/// The element type of a tensor; raw values are libtorch's `ScalarType`.
public enum DType: Int32, Sendable, CaseIterable {
  /// Unsigned bytes.
  case uint8 = 0
  /// Signed bytes.
  case int8 = 1
  /// 16-bit integers.
  case int16 = 2
  /// 32-bit integers.
  case int32 = 3
  /// 64-bit integers: indices and shapes.
  case int64 = 4
  /// IEEE half precision.
  case float16 = 5
  /// IEEE single precision.
  case float32 = 6
  /// IEEE double precision.
  case float64 = 7
  /// Truth values, a byte each.
  case bool = 11
  /// The upper half of a single.
  case bfloat16 = 15

  /// Bytes of one element.
  public var size: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .int16, .float16, .bfloat16: 2
    case .int32, .float32: 4
    case .int64, .float64: 8
    }
  }

  /// Whether it holds fractions.
  public var isFloatingPoint: Bool {
    switch self {
    case .float16, .float32, .float64, .bfloat16: true
    default: false
    }
  }
}
