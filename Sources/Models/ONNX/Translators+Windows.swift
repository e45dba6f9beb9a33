internal import Vocabulary

extension ONNXTranslators {
  /// Poolings and other operators over the axes of an image.
  static let windows: [String: ONNXTranslator] = [
    "MaxPool": configured { node in
      try pool(node, .maximum)
    },
    "AveragePool": configured { node in
      try pool(node, .mean)
    },
    "GlobalAveragePool": simple(GlobalPool(kind: .mean)),
    "GlobalMaxPool": simple(GlobalPool(kind: .maximum)),
    "Resize": resize,
    "Upsample": resize,
    "Pad": pad,
  ]

  private static func pool(_ node: ONNXNode, _ kind: Pool.Kind) throws -> Pool {
    let window = try ONNXWindow(node)
    guard node.outputs.count == 1 else { throw node.unsupported("a second output") }
    guard kind == .maximum || window.dilation.allSatisfy({ $0 == 1 }) else {
      throw node.unsupported("dilations")
    }
    return Pool(
      kind: kind, kernel: window.kernel, stride: window.stride, dilation: window.dilation,
      padding: window.padding, roundsUp: node.flag("ceil_mode"),
      countsPadding: node.flag("count_include_pad"))
  }

  /// Inputs x, scales before operator set 11; x, region, scales, sizes since.
  private static let resize: ONNXTranslator = { node, importer in
    let isOld = node.type == "Upsample" || importer.opset < 11
    let coordinates: Resample.Coordinates =
      isOld
      ? .asymmetric : try node.choice("coordinate_transformation_mode", default: .halfPixel)
    let mode = node.string("mode", default: "nearest")
    let interpolation: Resample.Interpolation
    switch mode {
    case "nearest":
      interpolation = .nearest(isOld ? .floor : try node.choice("nearest_mode", default: .halfDown))
    case "linear": interpolation = .linear
    default: throw node.unsupported("mode = '\(mode)'")
    }
    guard !node.flag("antialias"),
      node.string("keep_aspect_ratio_policy", default: "stretch") == "stretch"
    else { throw node.unsupported("antialias or keep_aspect_ratio_policy") }
    let operation = Resample(
      coordinates: coordinates, interpolation: interpolation, axes: node.ints("axes"))
    let x = try importer.input(node, 0)
    let scales = try importer.optionalInput(node, isOld ? 1 : 2)
    let sizes = isOld ? nil : try importer.optionalInput(node, 3)
    guard scales != nil || sizes != nil else {
      throw node.malformed("has neither scales nor sizes")
    }
    return importer.emit(node, operation, [x, scales, sizes])
  }

  private static let pad: ONNXTranslator = { node, importer in
    let kind: Pad.Mode = try node.choice("mode", default: .constant)
    guard importer.opset < 11 else {
      return importer.emit(node, Pad(mode: kind), try importer.inputs(node, atLeast: 2))
    }
    let value = node.double("value", default: 0)
    guard let pads = node.ints("pads"), value == 0 else {
      throw node.unsupported("a border of \(value)")
    }
    return importer.emit(
      node, Pad(mode: kind),
      [try importer.input(node, 0), importer.integers(pads, "pads", of: node)])
  }
}
