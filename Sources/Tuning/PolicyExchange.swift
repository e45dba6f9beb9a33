internal import Export
internal import Foundation
internal import Models
public import Vocabulary

/// Policies that come from consumers' files or go to them, held to a model.
extension OpenedModel {
  /// The policy that a consumer's file describes for this model.
  ///
  /// - Parameters:
  ///   - path: The consumer's file.
  ///   - consumer: The exporter's name.
  ///   - full: The format of layers that the file leaves alone.
  /// - Throws: `UserError` in one sentence.
  public func policy(importing path: String, from consumer: String, full: String) throws -> Policy {
    let exporter = try Exporters.named(consumer)
    guard let data = FileManager.default.contents(atPath: path) else {
      throw UserError(.failed, "'\(path)' cannot be read")
    }
    return try PolicyImport.policy(
      in: String(decoding: data, as: UTF8.self), file: path, from: exporter,
      layers: graph.layers.map(\.layer), model: try identity(), fixedBytes: fixedBytes, full: full,
      tool: Tool.version)
  }

  /// Refuses a policy that was made for another model.
  public func require(_ policy: Policy) throws {
    let names = Set(graph.layers.map(\.layer.name))
    if let layer = policy.layers.first(where: { !names.contains($0.name) }) {
      throw UserError(.failed, "'\(path)' has no layer '\(layer.name)', which the policy names")
    }
    if let layer = graph.layers.first(where: { item in
      !policy.layers.contains { $0.name == item.layer.name }
    }) {
      throw UserError(.failed, "the policy says nothing about the layer '\(layer.layer.name)'")
    }
    let digest = try identity().digest
    guard digest == policy.model.digest else {
      throw UserError(
        .failed, "the policy is for '\(policy.model.name)' with other weights than '\(path)'")
    }
  }

  /// The layers' shapes by name.
  public var layerShapes: [String: WeightShape] {
    Dictionary(graph.layers.map { ($0.layer.name, $0.layer.shape) }) { first, _ in first }
  }
}
