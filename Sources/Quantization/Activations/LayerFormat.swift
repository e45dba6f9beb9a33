public import Vocabulary

/// What a layer may get: a format for its weight, and where it is rounded too, one for its input.
///
/// Written `int8-channel/int8-tensor`, or `int4-g64` where the input stays as it is.
public struct LayerFormat: Sendable {
  /// The weight's format.
  public var weight: any NumberFormat
  /// The format of what goes in; nil leaves it alone.
  public var activation: ActivationFormat?

  /// A weight's format with an input's.
  public init(_ weight: any NumberFormat, activation: ActivationFormat? = nil) {
    self.weight = weight
    self.activation = activation
  }

  /// The name of both.
  public var name: String { activation.map { "\(weight.name)/\($0.name)" } ?? weight.name }

  /// The formats of a name.
  ///
  /// - Throws: `UserError` of kind usage when one of them is unknown.
  public static func named(_ name: String) throws -> LayerFormat {
    let (weight, activation) = split(name)
    return LayerFormat(
      try Formats.named(weight), activation: try activation.map { try ActivationFormat.named($0) })
  }

  /// The names of the weight's and the input's format.
  public static func split(_ name: String) -> (weight: String, activation: String?) {
    guard let slash = name.firstIndex(of: "/") else { return (name, nil) }
    return (String(name[..<slash]), String(name[name.index(after: slash)...]))
  }

  /// What a layer gets when the whole model is to have the format `name`: itself, or with the weight's
  /// stand-in where the shape is refused.
  ///
  /// - Parameter hasInput: Whether numbers go into the layer; a table's indices are not rounded.
  /// - Returns: nil when no stand-in takes the shape either.
  /// - Throws: `UserError` when there is no such format.
  public static func format(_ name: String, for shape: WeightShape, hasInput: Bool = true) throws
    -> LayerFormat?
  {
    let wanted = try named(name)
    guard let weight = try Formats.format(wanted.weight.name, for: shape) else { return nil }
    return LayerFormat(weight, activation: hasInput ? wanted.activation : nil)
  }

  /// The formats that a layer may take, of those named, stand-ins included: in order, each once.
  ///
  /// - Throws: `UserError` when a name is unknown.
  public static func candidates(
    for shape: WeightShape, hasInput: Bool = true, from names: [String]
  ) throws -> [LayerFormat] {
    var seen: Set<String> = []
    return try names.compactMap { try format($0, for: shape, hasInput: hasInput) }
      .filter { seen.insert($0.name).inserted }
  }
}
