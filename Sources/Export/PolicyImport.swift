internal import Quantization
public import Vocabulary

/// Policies from consumers' files.
public enum PolicyImport {
  /// The formats of layers that a consumer's file asks for.
  ///
  /// - Parameters:
  ///   - text: The consumer's file.
  ///   - file: What it is called in errors.
  ///   - consumer: Whose file it is.
  ///   - layers: The model's layers.
  ///   - architecture: The model's architecture, which decides how names are read.
  ///   - full: The format of layers that the file leaves alone, such as `fp16`.
  /// - Returns: A format's name for every layer, in order.
  /// - Throws: `UserError` when the file cannot be read, says nothing about a layer, or names a format
  ///   that the layer's shape refuses.
  public static func formats(
    in text: String, file: String, from consumer: any Exporter, layers: [Layer],
    architecture: String, full: String
  ) throws -> [String] {
    let matcher = try LayerMatcher(try consumer.rules(in: text, file: file))
    let full = try Formats.named(full).name
    return try layers.map { layer in
      let name = try type(of: consumer).naming.name(
        of: layer.name, tensor: layer.tensor, kind: layer.kind, architecture: architecture)
      switch matcher.treatment(of: name, kind: layer.kind) {
      case .quantized(let setting): return setting.name
      case .untouched: return full
      case nil:
        throw UserError(
          .failed,
          "'\(file)' says nothing about the layer '\(layer.name)' ('\(name)' to \(consumer.id))")
      }
    }
  }

  /// A policy for a model from a consumer's file.
  ///
  /// Nothing is predicted: the losses are zero and the unit says so. `verify` measures it.
  ///
  /// - Parameters:
  ///   - model: The model that the policy is for.
  ///   - fixedBytes: Bytes of the tensors that stay as they are.
  ///   - tool: The tool with its version, for the provenance.
  /// - Throws: As ``formats(in:file:from:layers:architecture:full:)``.
  public static func policy(
    in text: String, file: String, from consumer: any Exporter, layers: [Layer],
    model: Policy.Model, fixedBytes: Int, full: String, tool: String
  ) throws -> Policy {
    let names = try formats(
      in: text, file: file, from: consumer, layers: layers, architecture: model.architecture,
      full: full)
    let choices = try zip(layers, names).enumerated().map { index, pair in
      let (layer, name) = pair
      let (weight, input) = LayerFormat.split(name)
      let format = try Formats.named(weight)
      if let refusal = format.refusal(of: layer.shape) {
        throw UserError(.failed, "the layer '\(layer.name)' cannot be \(weight): \(refusal)")
      }
      return Policy.LayerChoice(
        name: layer.name, tensor: layer.tensor, kind: layer.kind, group: index,
        weight: weight, activation: input ?? "none",
        bytes: format.bytes(of: layer.shape), pinned: true, why: "imported from \(consumer.id)")
    }
    let bytes = choices.reduce(0) { $0 + $1.bytes }
    let weights = layers.reduce(0) { $0 + $1.shape.count }
    return Policy(
      model: model, layers: choices, budget: [], bytes: bytes + fixedBytes,
      bpw: weights > 0 ? 8 * Double(bytes) / Double(weights) : 0,
      predicted: Policy.Prediction(loss: 0, unit: "nothing predicted", lowerBound: 0, gap: 0),
      provenance: Policy.Provenance(
        estimator: "none", optimizer: "import \(consumer.id)", seed: 0, data: "none", tool: tool,
        libraries: [:]))
  }
}
