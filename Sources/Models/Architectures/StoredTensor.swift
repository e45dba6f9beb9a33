import Archives
import Tensors
import Vocabulary

/// A tensor in a model's file, whatever the file's format.
struct StoredTensor: Sendable {
  /// The tensor's name in the file.
  var name: String
  /// Sizes of the axes, row-major.
  var shape: [Int]
  /// Bytes in the file.
  var bytes: Int
  /// Reads it, as singles where it holds fractions.
  var load: @Sendable () throws -> Tensor
}

extension Tensor {
  /// A tensor out of a mapped file: singles stay in its pages, other fractions become singles.
  ///
  /// - Parameters:
  ///   - file: Kept alive as long as the tensor needs it.
  ///   - offset: Where the elements begin; they must lie inside the file.
  static func stored(in file: MappedFile, at offset: Int, shape: [Int], dtype: DType) throws
    -> Tensor
  {
    let bytes = try file.slice(offset, shape.reduce(dtype.size, *))
    guard let start = bytes.baseAddress else {
      throw FileError(path: file.path, reason: "it holds no tensor at byte \(offset)")
    }
    let tensor: Tensor
    if Int(bitPattern: start) % dtype.size == 0 {
      tensor = Tensor(over: file.base + offset, shape: shape, dtype: dtype, owner: file)
    } else {
      // Kernels may assume that elements lie at multiples of their size; some files do not care.
      let copy = Block(copying: bytes)
      tensor = Tensor(over: copy.base, shape: shape, dtype: dtype, owner: copy)
    }
    return dtype.isFloatingPoint ? try tensor.converted(to: .float32) : tensor
  }

  /// Memory with an owner.
  private final class Block: @unchecked Sendable {  // immutable after init
    let base: UnsafeMutableRawPointer

    init(copying bytes: UnsafeRawBufferPointer) {
      base = .allocate(byteCount: max(1, bytes.count), alignment: 64)
      UnsafeMutableRawBufferPointer(start: base, count: bytes.count).copyMemory(from: bytes)
    }

    deinit { base.deallocate() }
  }
}

extension String {
  /// Whether a name out of a file would break the line that it is printed on.
  var hasControlCharacters: Bool { utf8.contains { $0 < 32 || $0 == 127 } }

  /// The name with spaces for control characters, fit for a message.
  var onOneLine: String {
    hasControlCharacters ? String(map { $0.isNewline || $0 < " " ? " " : $0 }) : self
  }
}
