internal import Vocabulary

extension ONNXTranslators {
  /// Axes folded into one number each.
  static let reductions: [String: ONNXTranslator] = [
    "ReduceMean": reduction(.mean),
    "ReduceSum": reduction(.sum),
    "ReduceMax": reduction(.largest),
    "ReduceMin": reduction(.smallest),
    "ReduceProd": reduction(.product),
    "ReduceL1": reduction(.absoluteSum),
    "ReduceL2": reduction(.norm),
    "ArgMax": extreme(smallest: false),
    "ArgMin": extreme(smallest: true),
  ]

  /// Axes are an attribute in older operator sets and an input since.
  private static func reduction(_ kind: Reduce.Kind) -> ONNXTranslator {
    { node, importer in
      let operation = Reduce(
        kind: kind, keepsAxes: node.flag("keepdims", default: true),
        emptyMeansNone: node.flag("noop_with_empty_axes"))
      let axes = try list(node, &importer, input: 1, orAttribute: "axes")
      return importer.emit(node, operation, [try importer.input(node, 0), axes])
    }
  }

  private static func extreme(smallest: Bool) -> ONNXTranslator {
    configured { node in
      guard !node.flag("select_last_index") else { throw node.unsupported("select_last_index") }
      return ArgumentOfExtreme(
        smallest: smallest, axis: node.int("axis", default: 0),
        keepsAxis: node.flag("keepdims", default: true))
    }
  }
}
