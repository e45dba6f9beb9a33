internal import Archives
internal import Tensors
internal import Vocabulary

#if canImport(FoundationEssentials)
  internal import FoundationEssentials
#else
  internal import Foundation
#endif

/// A constant of the file, checked but not yet loaded.
struct ONNXTensor: Sendable {
  var name: String
  var shape: [Int]
  /// As it is loaded: fractions of every width become singles.
  var dtype: DType
  /// Bytes in the file; zero for what is no weight (integers, truth values).
  var storedBytes: Int
  var load: @Sendable () throws -> Tensor
  /// The value of a lone number, where it can be told without the engine.
  private var number: Double?

  /// The value of a lone number.
  func item() throws -> Double { try number ?? load().item() }

  /// Whether it is a matrix of fractions.
  var isMatrix: Bool { shape.count == 2 && dtype == .float32 && !shape.contains(0) }

  /// The element types that are read, by their number in the format.
  static let types: [Int32: DType] = [
    1: .float32, 2: .uint8, 3: .int8, 5: .int16, 6: .int32, 7: .int64, 9: .bool, 10: .float16,
    11: .float64, 16: .bfloat16,
  ]

  /// The type that values of a type of the file are computed in.
  ///
  /// - Throws: `UserError` when it is not supported.
  static func computed(_ type: Int32, for label: String) throws -> DType {
    guard let dtype = types[type] else {
      throw UserError(.failed, "\(label) has the element type \(type), which is not supported")
    }
    return dtype.isFloatingPoint ? .float32 : dtype
  }

  init(_ proto: Bitbudget_Onnx_TensorProto, name: String, files: inout ONNXFiles) throws {
    let label = "the constant '\(name)'"
    self.name = name
    dtype = try Self.computed(proto.dataType, for: label)
    let stored = Self.types[proto.dataType] ?? dtype
    shape = proto.dims.map { Int($0) }
    let count = try Self.count(of: shape, label)
    let (bytes, overflow) = count.multipliedReportingOverflow(by: stored.size)
    guard !overflow else { throw UserError(.failed, "\(label) is too large") }
    storedBytes = stored.isFloatingPoint ? bytes : 0
    let source = try Self.source(of: proto, stored, count: count, bytes: bytes, label, &files)
    number = count == 1 ? source.number(dtype: stored) : nil
    let (shape, dtype) = (shape, dtype)
    load = { try source.tensor(shape: shape, dtype: stored).converted(to: dtype) }
  }

  init(
    name: String, shape: [Int], dtype: DType, storedBytes: Int,
    load: @escaping @Sendable () throws -> Tensor
  ) {
    self.name = name
    self.shape = shape
    self.dtype = dtype
    self.storedBytes = storedBytes
    self.load = load
  }

  private static func count(of shape: [Int], _ label: String) throws -> Int {
    guard shape.count <= 16 else {
      throw UserError(.failed, "\(label) has \(shape.count) axes")
    }
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard size >= 0, size < 1 << 40, !overflow else {
        throw UserError(.failed, "\(label) has the impossible shape \(shape)")
      }
      count = product
    }
    return count
  }

  private static func source(
    of proto: Bitbudget_Onnx_TensorProto, _ dtype: DType, count: Int, bytes: Int, _ label: String,
    _ files: inout ONNXFiles
  ) throws -> ONNXSource {
    if proto.dataLocation != 0 {
      return try files.source(proto.externalData, bytes: bytes, label)
    }
    if !proto.rawData.isEmpty {
      guard proto.rawData.count == bytes else {
        throw UserError(
          .failed, "\(label) has \(proto.rawData.count) bytes and its shape needs \(bytes)")
      }
      return .bytes(proto.rawData)
    }
    let (found, source): (Int, ONNXSource) =
      switch dtype {
      case .float32: (proto.floatData.count, .singles(proto.floatData))
      case .float64: (proto.doubleData.count, .doubles(proto.doubleData))
      case .int64: (proto.int64Data.count, .longs(proto.int64Data))
      default: (proto.int32Data.count, .integers(proto.int32Data))
      }
    guard found == count else {
      throw UserError(.failed, "\(label) has \(found) elements and its shape needs \(count)")
    }
    return source
  }
}
