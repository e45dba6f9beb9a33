internal import Costs
internal import Models
internal import Quantization
internal import Sensitivity
public import Vocabulary

/// What a model is made of and what could be chosen for it: from headers alone, in no time.
public struct Inspection: Codable, Sendable {
  /// A layer with its candidates.
  public struct LayerEntry: Codable, Sendable {
    /// Names, kind and shape.
    public var layer: Layer
    /// Index of its group.
    public var group: Int
    /// Bytes under each format.
    public var candidates: [Candidate]
  }

  /// A format with the bytes that it takes.
  public struct Candidate: Codable, Sendable {
    /// The format.
    public var format: String
    /// Bytes.
    public var bytes: Int
  }

  /// A uniform policy of the whole model.
  public struct Uniform: Codable, Sendable {
    /// The format that was asked for; layers that refuse it take the same width per channel.
    public var format: String
    /// Bytes of the whole model.
    public var bytes: Int
    /// Bits per weight of the quantizable layers.
    public var bpw: Double
  }

  /// The model's name.
  public var name: String
  /// The architecture.
  public var architecture: String
  /// What the output means: tokens, classes or vector.
  public var head: String
  /// The number of quantizable weights.
  public var weights: Int
  /// Every quantizable layer.
  public var layers: [LayerEntry]
  /// Tensors that stay as they are, with the reason.
  public var skipped: [SkippedTensor]
  /// Bytes of the tensors that stay as they are.
  public var fixedBytes: Int
  /// The smallest and the largest possible model, in bytes.
  public var feasible: [Int]
  /// Uniform policies.
  public var uniform: [Uniform]
}

extension OpenedModel {
  /// Layers, candidates and the feasible range, without reading a weight.
  public func inspection(formats names: [String]) throws -> Inspection {
    let groups = try groups(formats: names)
    let entries = groups.enumerated().flatMap { index, group in
      group.layers.map { layer in
        Inspection.LayerEntry(
          layer: graph.layers[layer].layer, group: index,
          candidates: group.candidates.map {
            .init(format: $0.name, bytes: $0.weight.bytes(of: graph.layers[layer].layer.shape))
          })
      }
    }
    let feasible = try cost.feasibleBytes(from: names.map { LayerFormat.split($0).weight })
    return Inspection(
      name: graph.name, architecture: graph.architecture, head: graph.head.rawValue,
      weights: weights, layers: entries, skipped: graph.skipped, fixedBytes: fixedBytes,
      feasible: [feasible.lowerBound, feasible.upperBound],
      uniform: try names.map { try uniform($0) }.map {
        .init(format: $0.name, bytes: $0.layerBytes + fixedBytes, bpw: $0.bpw)
      })
  }
}

/// One format for the whole model, with stand-ins where it is refused.
struct UniformPolicy: Sendable {
  /// The format that was asked for.
  var name: String
  /// A format for each layer.
  var formats: [LayerFormat]
  /// Bytes of the quantizable layers.
  var layerBytes: Int
  /// Bits per weight of the quantizable layers.
  var bpw: Double
}

extension OpenedModel {
  /// The uniform policy of a format.
  ///
  /// - Throws: `UserError` when a layer takes neither it nor a stand-in.
  func uniform(_ name: String) throws -> UniformPolicy {
    let wanted = try LayerFormat.named(name)
    let formats = try graph.layers.map { layer in
      LayerFormat(
        try ByteCost.format(wanted.weight.name, of: layer.layer),
        activation: hasInput(layer) ? wanted.activation : nil)
    }
    let bytes = try cost.layerBytes(in: formats.map(\.weight.name))
    return UniformPolicy(
      name: name, formats: formats, layerBytes: bytes, bpw: cost.bitsPerWeight(layerBytes: bytes))
  }
}
