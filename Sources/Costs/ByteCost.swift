public import Quantization
public import Vocabulary

/// Bytes of the written model.
///
/// `Σ bytes of each layer in its format + Σ bytes of the tensors left alone`, the latter as the model
/// stores them. Payload only: what a container adds for names, shapes and alignment is not counted,
/// since it depends on the consumer; an exporter that has a limit to keep counts its own.
public struct ByteCost: Sendable {
  /// The quantizable layers, in the model's order.
  public let layers: [Layer]
  /// Bytes of the tensors left alone, which every policy pays.
  public let fixedBytes: Int

  /// The costs of a model with these layers and these tensors left alone.
  public init(layers: [Layer], skipped: [SkippedTensor]) {
    self.layers = layers
    fixedBytes = skipped.reduce(0) { $0 + $1.bytes }
  }

  /// The number of quantizable weights.
  public var weights: Int { layers.reduce(0) { $0 + $1.shape.count } }

  /// The format that a layer gets when `name` is asked for: itself, or its stand-in for the shape.
  ///
  /// - Throws: `UserError` when the name is unknown or the layer cannot take it.
  public static func format(_ name: String, of layer: Layer) throws -> any NumberFormat {
    guard let format = try Formats.format(name, for: layer.shape) else {
      let reason = try Formats.named(name).refusal(of: layer.shape) ?? "its shape is refused"
      throw UserError(.failed, "the layer '\(layer.name)' cannot take \(name): \(reason)")
    }
    return format
  }

  /// Bytes of one layer's weight when `name` is asked for.
  ///
  /// - Throws: As ``format(_:of:)``.
  public static func bytes(of layer: Layer, in name: String) throws -> Int {
    try format(name, of: layer).bytes(of: layer.shape)
  }

  /// Bytes of the quantizable weights, one format name per layer.
  ///
  /// - Throws: As ``format(_:of:)``.
  public func layerBytes(in names: [String]) throws -> Int {
    guard names.count == layers.count else {
      fatalError("\(layers.count) layers were given \(names.count) formats")
    }
    return try zip(layers, names).reduce(0) { try $0 + Self.bytes(of: $1.0, in: $1.1) }
  }

  /// Bytes of the whole model, one format name per layer.
  ///
  /// - Throws: As ``format(_:of:)``.
  public func bytes(in names: [String]) throws -> Int { try layerBytes(in: names) + fixedBytes }

  /// Bytes of the whole model with every layer in the format `name` or its stand-in.
  ///
  /// - Throws: As ``format(_:of:)``.
  public func bytes(uniform name: String) throws -> Int {
    try bytes(in: layers.map { _ in name })
  }

  /// Bits per weight over the quantizable layers, scales and offsets included; 0 without any.
  ///
  /// - Throws: As ``format(_:of:)``.
  public func bitsPerWeight(in names: [String]) throws -> Double {
    try bitsPerWeight(layerBytes: layerBytes(in: names))
  }

  /// Bits per weight when the quantizable layers take `layerBytes`: 8 · bytes / weights.
  public func bitsPerWeight(layerBytes: Int) -> Double {
    weights == 0 ? 0 : 8 * Double(layerBytes) / Double(weights)
  }

  /// Bytes of the smallest and of the largest whole model that some formats allow.
  ///
  /// - Parameters:
  ///   - names: The formats to choose from, at least one.
  ///   - groups: Indices of the layers that share a format, every layer in one group; nil lets each
  ///     choose alone.
  /// - Throws: As ``format(_:of:)``.
  public func feasibleBytes(from names: [String], groups: [[Int]]? = nil) throws -> ClosedRange<Int>
  {
    guard !names.isEmpty else { throw UserError(.usage, "there are no formats to choose from") }
    var smallest = fixedBytes
    var largest = fixedBytes
    for group in groups ?? layers.indices.map({ [$0] }) {
      let sizes = try names.map { name in
        try group.reduce(0) { try $0 + Self.bytes(of: layers[$1], in: name) }
      }
      smallest += sizes.min() ?? 0
      largest += sizes.max() ?? 0
    }
    return smallest...largest
  }
}
