internal import Archives
internal import Tensors

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// Where the elements of a constant are; the format has a field for each width.
enum ONNXSource: Sendable {
  /// Little-endian elements.
  case bytes(Data)
  /// Little-endian elements in another file.
  case external(MappedFile, offset: Int, length: Int)
  case singles([Float])
  case doubles([Double])
  case longs([Int64])
  /// One element of at most 32 bits each (halves as their bits).
  case integers([Int32])

  /// The only element, of the types that bounds and axes come in; nil for others.
  ///
  /// Bounds of clips are read while the graph is built, and `inspect` should not load libtorch for them.
  func number(dtype: DType) -> Double? {
    switch (self, dtype) {
    case (.singles(let values), .float32): values.first.map(Double.init)
    case (.longs(let values), .int64): values.first.map(Double.init)
    case (.bytes(let data), .float32) where data.count == 4:
      data.withUnsafeBytes {
        Double(Float(bitPattern: UInt32(littleEndian: $0.loadUnaligned(as: UInt32.self))))
      }
    case (.bytes(let data), .int64) where data.count == 8:
      data.withUnsafeBytes { Double(Int64(littleEndian: $0.loadUnaligned(as: Int64.self))) }
    default: nil
    }
  }

  /// The elements in a shape whose size has been checked against their number.
  func tensor(shape: [Int], dtype: DType) throws -> Tensor {
    switch self {
    case .singles(let values): Tensor(values, shape: shape)
    case .doubles(let values): Tensor(values, shape: shape)
    case .longs(let values): Tensor(values, shape: shape)
    case .bytes(let data):
      data.withUnsafeBytes { Self.copy(of: $0, shape: shape, dtype: dtype) }
    case .external(let file, let offset, let length):
      try Self.tensor(in: file, offset, length, shape: shape, dtype: dtype)
    case .integers(let values):
      Self.narrowed(values, shape: shape, dtype: dtype)
    }
  }

  private static func tensor(
    in file: MappedFile, _ offset: Int, _ length: Int, shape: [Int], dtype: DType
  ) throws -> Tensor {
    let bytes = try file.slice(offset, length)
    guard offset.isMultiple(of: dtype.size), dtype != .bool else {
      return copy(of: bytes, shape: shape, dtype: dtype)
    }
    return Tensor(over: file.base + offset, shape: shape, dtype: dtype, owner: file)
  }

  private static func copy(of bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) -> Tensor {
    let memory = Memory(bytes.count)
    memory.bytes.copyMemory(from: bytes)
    if dtype == .bool {
      for k in memory.bytes.indices where memory.bytes[k] > 1 { memory.bytes[k] = 1 }
    }
    return memory.tensor(shape: shape, dtype: dtype)
  }

  private static func narrowed(_ values: [Int32], shape: [Int], dtype: DType) -> Tensor {
    let memory = Memory(values.count * dtype.size)
    for (k, value) in values.enumerated() {
      switch (dtype, dtype.size) {
      case (.bool, _): memory.bytes[k] = value == 0 ? 0 : 1
      case (_, 1): memory.bytes[k] = UInt8(truncatingIfNeeded: value)
      case (_, 2):
        memory.bytes.storeBytes(
          of: UInt16(truncatingIfNeeded: value), toByteOffset: 2 * k, as: UInt16.self)
      default: memory.bytes.storeBytes(of: value, toByteOffset: 4 * k, as: Int32.self)
      }
    }
    return memory.tensor(shape: shape, dtype: dtype)
  }
}

/// Memory that lives as long as the tensor over it.
private final class Memory: @unchecked Sendable {  // written before it is shared
  let bytes: UnsafeMutableRawBufferPointer

  init(_ count: Int) {
    let all = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 64)
    bytes = UnsafeMutableRawBufferPointer(start: all.baseAddress, count: count)
  }

  deinit { bytes.baseAddress?.deallocate() }

  func tensor(shape: [Int], dtype: DType) -> Tensor {
    guard let base = bytes.baseAddress else { fatalError("allocated memory has no address") }
    return Tensor(over: base, shape: shape, dtype: dtype, owner: self)
  }
}
