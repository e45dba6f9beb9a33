public import Quantization
public import Vocabulary

/// Writes a model with its weights in the formats of a policy.
///
/// A new kind of model is one file in `Writers/` and one line in ``ModelWriters/all``.
public protocol ModelWriter: Sendable {
  /// The name used on the command line; never changed once released.
  static var id: String { get }
  /// One line: what is written, for whom.
  static var summary: String { get }

  /// Why the consumer cannot store a layer in its format: one clause with the way out; nil when it can.
  func refusal(of layer: AppliedLayer) -> String?

  /// Bytes of all files that ``write(_:into:)`` writes, from names and sizes alone: no weight is read.
  ///
  /// nil where they are the same under every policy, since weights are stored in full.
  /// - Throws: As ``write(_:into:)``, for a model of another kind.
  func size(of model: AppliedModel) throws -> Int?

  /// Fills a folder that exists and is empty.
  ///
  /// No layer is refused. One tensor at a time is in memory.
  /// - Throws: `UserError` or `FileError` when the model is not of the kind that is written, or a file
  ///   cannot be read or written.
  func write(_ model: AppliedModel, into folder: String) throws
}

extension ModelWriter {
  /// The name used on the command line.
  public var id: String { Self.id }
  /// One line: what is written, for whom.
  public var summary: String { Self.summary }
  /// The same under every policy.
  public func size(of model: AppliedModel) throws -> Int? { nil }
}

/// The catalogue of model writers.
public enum ModelWriters {
  /// Every writer, in the order of the help.
  public static let all: [any ModelWriter] = [
    MLXWriter(), FakeSafetensors(), FakeONNX(), GGUFModelWriter(),
  ]

  /// The writer with this name.
  ///
  /// - Throws: `UserError` with the nearest known name.
  public static func named(_ id: String) throws -> any ModelWriter {
    guard let writer = all.first(where: { $0.id == id }) else {
      throw UserError.unknown(id, "kind of model", known: all.map(\.id))
    }
    return writer
  }

  /// Writes a model to a new directory: it is there whole or not at all.
  ///
  /// - Throws: `UserError` naming the layer that the consumer cannot store, when the directory exists,
  ///   and as the writer does.
  public static func write(
    _ model: AppliedModel, with writer: any ModelWriter, to directory: String
  ) throws {
    for layer in model.layers {
      if let refusal = writer.refusal(of: layer) {
        throw UserError(
          .failed, "the layer '\(layer.layer.name)' cannot be \(layer.format.name): \(refusal)")
      }
    }
    try AtomicDirectory.write(directory) { try writer.write(model, into: $0) }
  }
}

/// A model and what becomes of its layers.
public struct AppliedModel: Sendable {
  /// Where a model lies and what its files hold.
  public enum Source: Sendable {
    /// A Hugging Face directory with its weight files.
    case huggingFace(directory: String, files: [String])
    /// An ONNX file.
    case onnx(String)
    /// A GGUF file.
    case gguf(GGUFContents)
  }

  /// Where the model is.
  public var source: Source
  /// The quantizable layers, in the model's order.
  public var layers: [AppliedLayer]

  /// A model and its layers.
  public init(source: Source, layers: [AppliedLayer]) {
    self.source = source
    self.layers = layers
  }
}

/// A layer, its format, and a way to its weights.
public struct AppliedLayer: Sendable {
  /// Names, kind and shape.
  public var layer: Layer
  /// The weight's axes.
  public var axes: [Int]
  /// The format that it gets.
  public var format: any NumberFormat
  /// Whether the file has the axes of this matrix the other way round.
  public var isTransposed: Bool
  /// Hands the weights to its argument, row-major `[outputs, inputs...]`.
  public var read: @Sendable ((UnsafeBufferPointer<Float>) throws -> Void) throws -> Void

  /// A layer with its format and a way to its weights.
  public init(
    layer: Layer, axes: [Int], format: any NumberFormat, isTransposed: Bool = false,
    read: @escaping @Sendable ((UnsafeBufferPointer<Float>) throws -> Void) throws -> Void
  ) {
    self.layer = layer
    self.axes = axes
    self.format = format
    self.isTransposed = isTransposed
    self.read = read
  }

  /// What the weights become, as singles.
  ///
  /// - Throws: As `read` and the format's round trip.
  func roundTripped() throws -> [Float] {
    var values = [Float](repeating: 0, count: layer.shape.count)
    try values.withUnsafeMutableBufferPointer { values in
      try read { try format.roundTrip($0, shape: layer.shape, into: values) }
    }
    return values
  }

  /// What the weights become, in the order of the model's own file.
  ///
  /// - Throws: As `read` and the format's round trip.
  func roundTrippedAsStored() throws -> [Float] {
    let values = try roundTripped()
    guard isTransposed else { return values }
    let (rows, columns) = (layer.shape.rows, layer.shape.columns)
    return [Float](unsafeUninitializedCapacity: values.count) { stored, count in
      for row in 0..<rows {
        for column in 0..<columns { stored[column * rows + row] = values[row * columns + column] }
      }
      count = values.count
    }
  }

  /// The bytes that the consumer stores: of a packed format its parts, of a float its numbers.
  ///
  /// - Throws: As `read` and the format.
  func packed() throws -> [UInt8] {
    if let format = format as? any PackedFormat {
      var bytes = [UInt8](repeating: 0, count: format.bytes(of: layer.shape))
      try bytes.withUnsafeMutableBytes { bytes in
        try read { try format.pack($0, shape: layer.shape, into: bytes) }
      }
      return bytes
    }
    return StoredFloats.bytes(try roundTripped(), as: FloatFormat(rawValue: format.name) ?? .fp32)
  }
}

/// Numbers as the bytes of a file.
enum StoredFloats {
  /// Little-endian bytes of numbers that a float format holds exactly.
  static func bytes(_ values: [Float], as format: FloatFormat) -> [UInt8] {
    switch format {
    case .fp32: values.withUnsafeBytes { Array($0) }
    case .fp16: values.map { Float16($0).bitPattern }.withUnsafeBytes { Array($0) }
    case .bf16:
      values.map { UInt16($0.bitPattern >> 16) }.withUnsafeBytes { Array($0) }
    }
  }
}
