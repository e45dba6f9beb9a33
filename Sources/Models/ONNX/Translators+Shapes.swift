internal import Tensors
internal import Vocabulary

extension ONNXTranslators {
  /// The same elements in another shape or type.
  static let shapes: [String: ONNXTranslator] = [
    "Identity": alias,
    "Dropout": alias,
    "Reshape": configured(inputs: 2) { node in
      Reshape(allowsEmpty: node.flag("allowzero"))
    },
    "Flatten": configured { node in
      Flatten(axis: node.int("axis", default: 1))
    },
    "Transpose": transpose,
    "Expand": simple(Expand(), inputs: 2),
    "Tile": simple(Tile(), inputs: 2),
    "Unsqueeze": { node, importer in
      guard let axes = try list(node, &importer, input: 1, orAttribute: "axes") else {
        throw node.malformed("does not say which axes")
      }
      return importer.emit(node, InsertAxes(), [try importer.input(node, 0), axes])
    },
    "Squeeze": { node, importer in
      let axes = try list(node, &importer, input: 1, orAttribute: "axes")
      return importer.emit(node, DropAxes(), [try importer.input(node, 0), axes])
    },
    "Shape": configured { node in
      ShapeOf(
        start: node.int("start", default: 0),
        end: node.has("end") ? node.int("end", default: 0) : nil)
    },
    "Cast": configured { node in
      guard let type = Int32(exactly: node.int("to", default: 0)) else {
        throw node.malformed("has an impossible type")
      }
      return Cast(dtype: try ONNXTensor.computed(type, for: node.label))
    },
  ]

  private static let alias: ONNXTranslator = { node, importer in [try importer.value(node, 0)] }

  /// A constant matrix stays one, read the other way round.
  private static let transpose: ONNXTranslator = { node, importer in
    let axes = node.ints("perm")
    if case .constant(let name) = try importer.value(node, 0),
      importer.constants[name]?.isMatrix == true, axes ?? [1, 0] == [1, 0]
    {
      return [.transposed(name)]
    }
    return importer.emit(node, Permute(axes: axes), [try importer.input(node, 0)])
  }
}
