import Vocabulary

/// A GGUF file to be written: metadata, and tensors whose bytes are asked for one after the other.
struct GGUFOutput {
  /// A tensor to come.
  struct Tensor {
    var name: String
    /// Sizes of the axes, row-major.
    var shape: [Int]
    /// The number of its type.
    var type: UInt32
    var bytes: Int
    /// Hands over its bytes.
    var write: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  }

  /// Keys with their values as they are stored.
  var metadata: [UInt8]
  /// How many keys there are.
  var keys: Int
  /// What tensors begin at a multiple of.
  var alignment = 32
  var tensors: [Tensor]

  /// What comes before the tensors' bytes: the metadata, and where each tensor lies.
  private var header: [UInt8] {
    var header = Array("GGUF".utf8)
    header.append(little: UInt32(3))
    header.append(little: UInt64(tensors.count))
    header.append(little: UInt64(keys))
    header += metadata
    var offset = 0
    for tensor in tensors {
      header.append(text: tensor.name)
      header.append(little: UInt32(tensor.shape.count))
      for size in tensor.shape.reversed() { header.append(little: UInt64(size)) }
      header.append(little: tensor.type)
      header.append(little: UInt64(offset))
      offset += aligned(tensor.bytes)
    }
    return header
  }

  /// Bytes of the file: header and tensors, each up to a multiple of ``alignment``.
  var size: Int { tensors.reduce(aligned(header.count)) { $0 + aligned($1.bytes) } }

  private func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }

  /// Writes the file.
  ///
  /// - Throws: `UserError` with the system's reason, and what a tensor throws.
  func write(to path: String) throws {
    let file = try SequentialFile(path)
    try file.write(header)
    try file.pad(to: alignment)
    for tensor in tensors {
      let expected = file.count + tensor.bytes
      try tensor.write { try file.write($0) }
      guard file.count == expected else {
        fatalError("\(tensor.name) was given another number of bytes than announced")
      }
      try file.pad(to: alignment)
    }
    try file.finish()
  }
}

/// The keys of a GGUF file, in the order in which they are set.
struct GGUFKeys {
  private(set) var bytes: [UInt8] = []
  private(set) var count = 0

  mutating func set(_ key: String, _ value: String) {
    begin(key, 8)
    bytes.append(text: value)
  }

  mutating func set(_ key: String, _ value: Bool) {
    begin(key, 7)
    bytes.append(value ? 1 : 0)
  }

  mutating func set(_ key: String, _ value: Float) {
    begin(key, 6)
    bytes.append(little: value.bitPattern)
  }

  mutating func set(_ key: String, _ value: UInt32) {
    begin(key, 4)
    bytes.append(little: value)
  }

  mutating func set(_ key: String, _ values: [String]) {
    begin(key, 9)
    bytes.append(little: UInt32(8))
    bytes.append(little: UInt64(values.count))
    for value in values { bytes.append(text: value) }
  }

  mutating func set(_ key: String, _ values: [Int32]) {
    begin(key, 9)
    bytes.append(little: UInt32(5))
    bytes.append(little: UInt64(values.count))
    for value in values { bytes.append(little: value) }
  }

  private mutating func begin(_ key: String, _ type: UInt32) {
    count += 1
    bytes.append(text: key)
    bytes.append(little: type)
  }
}

extension [UInt8] {
  /// Adds an integer's bytes, the lowest first.
  fileprivate mutating func append<T: FixedWidthInteger>(little value: T) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  /// Adds a text with its length before it.
  fileprivate mutating func append(text: String) {
    append(little: UInt64(text.utf8.count))
    append(contentsOf: text.utf8)
  }
}
