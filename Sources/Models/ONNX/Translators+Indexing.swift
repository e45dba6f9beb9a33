internal import Tensors
internal import Vocabulary

extension ONNXTranslators {
  /// Parts of tensors and their putting together.
  static let indexing: [String: ONNXTranslator] = [
    "Concat": configured { node in
      guard node.has("axis") else { throw node.malformed("lacks its axis") }
      return Concatenate(axis: node.int("axis", default: 0))
    },
    "Slice": { node, importer in
      let x = try importer.input(node, 0)
      guard let starts = try list(node, &importer, input: 1, orAttribute: "starts"),
        let ends = try list(node, &importer, input: 2, orAttribute: "ends")
      else { throw node.malformed("does not say where it starts and ends") }
      let axes = try list(node, &importer, input: 3, orAttribute: "axes")
      return importer.emit(
        node, SliceAxes(), [x, starts, ends, axes, try importer.optionalInput(node, 4)])
    },
    "Split": { node, importer in
      let x = try importer.input(node, 0)
      let sizes = try list(node, &importer, input: 1, orAttribute: "split")
      let parts = node.outputs.count
      guard parts <= 65536 else { throw node.malformed("has \(parts) outputs") }
      let operation = Split(axis: node.int("axis", default: 0), parts: parts)
      return importer.emit(node, operation, [x, sizes], outputs: parts)
    },
    "Trilu": configured { node in
      Triangle(upper: node.flag("upper", default: true))
    },
    "CumSum": configured(inputs: 2) { node in
      guard !node.flag("exclusive"), !node.flag("reverse") else {
        throw node.unsupported("exclusive or reverse")
      }
      return CumulativeSum()
    },
  ]
}
