import Tensors
import Vocabulary

/// Builds a network of named modules out of stored tensors.
///
/// It finds each module's tensors and holds their shapes against the model's configuration.
struct Assembler {
  /// The graph so far.
  var builder: GraphBuilder
  /// How a module's name becomes a tensor's.
  private let stored: [String: StoredTensor]
  private var used: [String: ValueID] = [:]

  /// An empty network over the tensors of a model.
  init(_ builder: GraphBuilder, tensors: [StoredTensor]) {
    self.builder = builder
    stored = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
  }

  /// Names of the tensors that no module asked for, sorted.
  var unused: [String] { stored.keys.filter { used[$0] == nil }.sorted() }

  /// Whether the model stores a tensor of that name.
  func has(_ name: String) -> Bool { stored[name] != nil }

  /// The number of rows of a stored matrix.
  ///
  /// - Throws: `UserError` when it is not there or no matrix.
  func rows(of name: String) throws -> Int {
    guard let tensor = stored[name] else { throw lacks(name) }
    guard tensor.shape.count == 2 else {
      throw UserError(
        .failed, "the model's tensor '\(name)' should be a matrix, not \(tensor.shape)")
    }
    return tensor.shape[0]
  }

  /// A stored tensor as a value; the same value each time, so that tied weights are one parameter.
  ///
  /// - Throws: `UserError` when it is not there or has another shape.
  mutating func tensor(_ name: String, _ shape: [Int]) throws -> ValueID {
    guard let tensor = stored[name] else { throw lacks(name) }
    guard tensor.shape == shape else {
      throw UserError(
        .failed,
        "the model's tensor '\(name)' has the shape \(tensor.shape) where its configuration asks "
          + "for \(shape)")
    }
    if let known = used[name] { return known }
    let value = builder.parameter(
      name, shape: shape, storedBytes: tensor.bytes, load: tensor.load)
    used[name] = value
    return value
  }

  /// `name.weight` and, where it is stored, `name.bias`, applied to `x`; `parameters` names another
  /// module whose weight is used.
  mutating func linear(
    _ name: String, _ x: ValueID, inputs: Int, outputs: Int, parameters: String? = nil
  ) throws -> ValueID {
    let source = parameters ?? name
    let weight = try tensor("\(source).weight", [outputs, inputs])
    let bias = has("\(source).bias") ? try tensor("\(source).bias", [outputs]) : nil
    return builder.node(name, Linear(), x, weight, bias)
  }

  /// The rows of `name.weight` by index.
  mutating func embedding(_ name: String, _ ids: ValueID, entries: Int, width: Int) throws
    -> ValueID
  {
    let table = try tensor("\(name).weight", [entries, width])
    return builder.node(name, Embedding(), ids, table)
  }

  /// A layer norm; old checkpoints call its scale gamma and its shift beta.
  mutating func layerNorm(_ name: String, _ x: ValueID, width: Int, epsilon: Double) throws
    -> ValueID
  {
    let (scale, shift) = has("\(name).gamma") ? ("gamma", "beta") : ("weight", "bias")
    return builder.node(
      name, LayerNorm(epsilon: epsilon), x, try tensor("\(name).\(scale)", [width]),
      try tensor("\(name).\(shift)", [width]))
  }

  /// A root-mean-square norm.
  mutating func rmsNorm(_ name: String, _ x: ValueID, width: Int, epsilon: Double) throws
    -> ValueID
  {
    builder.node(name, RMSNorm(epsilon: epsilon), x, try tensor("\(name).weight", [width]))
  }

  private func lacks(_ name: String) -> UserError {
    UserError(.failed, "the model has no tensor '\(name)', which its configuration asks for")
  }
}

/// The value of a model's configuration, if it is a size that a network can have.
///
/// The bound keeps products of two sizes from overflowing, whatever a file says.
func checkedSize(_ value: Int, _ name: String) throws -> Int {
  guard (1...1 << 28).contains(value) else {
    throw UserError(
      .failed, "the model's configuration gives '\(name)' the impossible value \(value)")
  }
  return value
}
