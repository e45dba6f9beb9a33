internal import Tensors
internal import Vocabulary

extension ONNXTranslators {
  /// Normalizations and softmax.
  static let normalization: [String: ONNXTranslator] = [
    "BatchNormalization": configured(inputs: 5) { node in
      guard !node.flag("training_mode") else { throw node.unsupported("training_mode") }
      guard node.flag("spatial", default: true) else { throw node.unsupported("spatial = 0") }
      return BatchNorm(epsilon: node.double("epsilon", default: 1e-5))
    },
    "InstanceNormalization": configured(inputs: 3) { node in
      InstanceNorm(epsilon: node.double("epsilon", default: 1e-5))
    },
    "LayerNormalization": configured(inputs: 2) { node in
      TrailingNorm(
        axis: node.int("axis", default: -1), epsilon: node.double("epsilon", default: 1e-5))
    },
    "LpNormalization": configured { node in
      let axis = node.int("axis", default: -1)
      switch node.int("p", default: 2) {
      case 1: return L1Normalize(axis: axis)
      case 2: return L2Normalize(axis: axis)
      case let other: throw node.unsupported("p = \(other)")
      }
    },
    "Softmax": softmax(logarithm: false),
    "LogSoftmax": softmax(logarithm: true),
  ]

  /// Over one axis since operator set 13, over all from an axis on before.
  private static func softmax(logarithm: Bool) -> ONNXTranslator {
    { node, importer in
      let x = try importer.input(node, 0)
      guard importer.opset >= 13 else {
        let axis = node.int("axis", default: 1)
        return importer.emit(node, FlattenedSoftmax(axis: axis, logarithm: logarithm), [x])
      }
      let axis = node.int("axis", default: -1)
      return importer.emit(
        node,
        logarithm
          ? NamedFunction(name: "aten::log_softmax.int", arguments: [.int(axis)])
          : Softmax(axis: axis),
        [x])
    }
  }
}
