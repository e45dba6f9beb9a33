internal import Archives
internal import Export
internal import Foundation
internal import Models
internal import Quantization
internal import Tensors
public import Vocabulary

/// What was written.
public struct AppliedSummary: Codable, Sendable {
  /// The directory.
  public var directory: String
  /// The kind of model.
  public var kind: String
  /// Bytes of the layers in their formats, as the policy counts them.
  public var layerBytes: Int
  /// Bytes of all files that were written.
  public var fileBytes: Int
  /// Layers by format.
  public var layers: [String: Int]

  /// Two lines for people.
  public var text: String {
    let formats = layers.keys.sorted().map { "\(layers[$0] ?? 0) \($0)" }.joined(separator: ", ")
    return """
      \(directory): \(ByteCount(fileBytes)) of files
      layers: \(ByteCount(layerBytes)) in \(formats)
      """
  }
}

/// The kinds of models that `apply` writes.
public enum ApplyKinds {
  /// Names with one clause each.
  public static let all = ModelWriters.all.map {
    Catalogue.Entry(name: $0.id, summary: $0.summary)
  }
}

extension OpenedModel {
  /// Writes the model with its layers in the formats of a policy.
  ///
  /// - Parameters:
  ///   - policy: A policy for this very model.
  ///   - kind: One of ``ApplyKinds``.
  ///   - directory: A new directory; it is there whole or not at all.
  /// - Throws: `UserError` when the policy is for another model, the kind cannot store one of the
  ///   formats, or a file cannot be read or written.
  public func apply(_ policy: Policy, as kind: String, to directory: String) throws
    -> AppliedSummary
  {
    let writer = try ModelWriters.named(kind)
    let formats = try formats(of: policy).map(\.weight)
    if let layer = policy.layers.first(where: { $0.activation != "none" }) {
      throw UserError(
        .failed,
        "a file of weights cannot say that the input of '\(layer.name)' is rounded to "
          + "\(layer.activation); export the policy instead")
    }
    let promised = Dictionary(policy.layers.map { ($0.name, $0.bytes) }) { first, _ in first }
    var layerBytes = 0
    let layers = try zip(graph.layers, formats).map { layer, format in
      let bytes = format.bytes(of: layer.layer.shape)
      guard promised[layer.layer.name] == bytes else {
        throw UserError(
          .failed,
          "the policy says that '\(layer.layer.name)' takes \(promised[layer.layer.name] ?? 0) bytes, "
            + "and \(format.name) comes to \(bytes)")
      }
      layerBytes += bytes
      return try applied(layer, format)
    }
    let model = AppliedModel(source: try source(), layers: layers)
    try ModelWriters.write(model, with: writer, to: directory)
    return AppliedSummary(
      directory: directory, kind: kind, layerBytes: layerBytes, fileBytes: size(of: directory),
      layers: Dictionary(formats.map { ($0.name, 1) }, uniquingKeysWith: +))
  }

  private func applied(_ layer: GraphLayer, _ format: any NumberFormat) throws -> AppliedLayer {
    guard let parameter = graph.parameters.first(where: { $0.value == layer.weight }) else {
      throw UserError(.failed, "the layer '\(layer.layer.name)' has no stored weight")
    }
    return AppliedLayer(layer: layer.layer, axes: parameter.shape, format: format) { body in
      try parameter.load().withFloats { try body($0) }
    }
  }

  private func source() throws -> AppliedModel.Source {
    var isDirectory: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    if isDirectory.boolValue { return .huggingFace(directory: path, files: graph.files) }
    guard GGUFFile.recognises(try MappedFile(path)) else { return .onnx(path) }
    let file = try GGUFFile(path)
    return .gguf(
      GGUFContents(
        file: file.file, metadata: file.metadataRange, keys: file.metadata.count,
        alignment: file.alignment,
        tensors: file.entries.map {
          .init(name: $0.name, shape: $0.shape, type: $0.type.number, range: $0.range)
        }))
  }

  private func size(of directory: String) -> Int {
    let root = URL(fileURLWithPath: directory)
    let files = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
    return files?.reduce(0) { sum, file in
      let url = file as? URL
      let values = try? url?.resourceValues(forKeys: [.fileSizeKey, .isRegularFileKey])
      return sum + (values?.isRegularFile == true ? values?.fileSize ?? 0 : 0)
    } ?? 0
  }
}
