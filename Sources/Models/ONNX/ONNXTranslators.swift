/// How each operator is translated: one entry per operator, a table per family.
enum ONNXTranslators {
  /// All operators by type; those of other domains carry the domain's name.
  static let all: [String: ONNXTranslator] = [
    weighted, windows, elementwise, normalization, shapes, indexing, reductions, constants,
  ].reduce(into: [:]) { all, family in
    all.merge(family) { _, _ in fatalError("two translators for the same operator") }
  }

  /// An operator that is one operation of its first `count` inputs (and optional further ones).
  static func simple(_ operation: any Operation, inputs count: Int = 1) -> ONNXTranslator {
    { node, importer in
      importer.emit(node, operation, try importer.inputs(node, atLeast: count))
    }
  }

  /// An operator that is one operation that depends on attributes.
  static func configured(
    inputs count: Int = 1, _ operation: @escaping @Sendable (ONNXNode) throws -> any Operation
  ) -> ONNXTranslator {
    { node, importer in
      importer.emit(node, try operation(node), try importer.inputs(node, atLeast: count))
    }
  }

  /// Input `index`, or the attribute of older operator sets in its place.
  static func list(
    _ node: ONNXNode, _ importer: inout ONNXImporter, input index: Int, orAttribute name: String
  ) throws -> ValueID? {
    if let value = try importer.optionalInput(node, index) { return value }
    return node.ints(name).map { importer.integers($0, name, of: node) }
  }
}
