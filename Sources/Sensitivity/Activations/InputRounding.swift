internal import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

/// Rounds what goes into a layer to an ``ActivationFormat``.
struct InputRounding: Sendable {
  var format: ActivationFormat
  /// Low and high ends of a static format, one pair or one for each channel.
  var range: [Float]
  /// Whether channels are the second axis (convolutions) and not the last.
  var isConvolution: Bool

  /// The input as it comes back; indices into a table are left alone.
  func callAsFunction(_ input: Tensor) throws -> Tensor {
    guard input.dtype?.isFloatingPoint == true, input.count > 0 else { return input }
    switch format.element {
    case .integer(let bits, let scheme):
      if format.isDynamic { return try dynamic(input, bits: bits, scheme) }
      let grids = stride(from: 0, to: range.count - 1, by: 2).map {
        ActivationGrid(low: range[$0], high: range[$0 + 1], bits: bits, scheme)
      }
      return try rounded(input, grids, shape: try gridShape(input, count: grids.count))
    case .float8(let kind): return try float8(input, kind)
    }
  }

  /// The axis of input channels.
  private func channelAxis(_ input: Tensor) -> Int { isConvolution ? 1 : input.rank - 1 }

  /// The shape in which values by channel meet the input.
  private func gridShape(_ input: Tensor, count: Int) throws -> [Int] {
    guard count > 1 else { return [] }
    let axis = channelAxis(input)
    guard axis < input.rank, input.shape[axis] == count else {
      throw UserError(
        .failed,
        "the ranges of \(format.name) are of \(count) channels, and the input has the shape "
          + "\(input.shape)")
    }
    return (0..<input.rank).map { $0 == axis ? count : 1 }
  }

  private func rounded(_ input: Tensor, _ grids: [ActivationGrid], shape: [Int]) throws -> Tensor {
    func values(_ part: (ActivationGrid) -> Float) -> Tensor {
      Tensor(grids.map(part), shape: shape)
    }
    // A grid without a scale has zero alone: any positive scale with no code but zero does it.
    return try rounded(
      input, scale: values { $0.scale > 0 ? $0.scale : 1 }, zero: values(\.zero),
      lowest: values { $0.scale > 0 ? $0.lowest : $0.zero },
      highest: values { $0.scale > 0 ? $0.highest : $0.zero })
  }

  /// `(clamp(round(x / scale) + zero) − zero) · scale`.
  private func rounded(
    _ input: Tensor, scale: Tensor, zero: Tensor, lowest: Tensor, highest: Tensor
  ) throws -> Tensor {
    let codes = try call("aten::round", input / scale)
    // Held in range before zero is added: the same, and one step less.
    let held = try call(
      "aten::minimum", call("aten::maximum", codes, lowest - zero), highest - zero)
    return try held * scale
  }

  /// Axes that share a dynamic range.
  private func sharedAxes(_ input: Tensor) -> [Int] {
    switch format.granularity {
    case .tensor: Array(0..<input.rank)
    case .channel: (0..<input.rank).filter { $0 != channelAxis(input) }
    case .token: isConvolution ? Array(1..<input.rank) : [input.rank - 1]
    }
  }

  private func extremes(_ input: Tensor) throws -> (low: Tensor, high: Tensor) {
    // One sample after another has its own range, as at run time: the first axis is samples.
    let axes = sharedAxes(input).filter { $0 > 0 || input.rank == 1 }
    let bounds: [Argument] = [.tensor(input), .ints(axes), .bool(true)]
    let nothing = Tensor(0)
    return (
      try call("aten::minimum", call("aten::amin", bounds), nothing),
      try call("aten::maximum", call("aten::amax", bounds), nothing)
    )
  }

  private func dynamic(_ input: Tensor, bits: Int, _ scheme: ActivationFormat.Scheme) throws
    -> Tensor
  {
    let (low, high) = try extremes(input)
    let shape = low.shape
    let grids = zip(try low.floats(), try high.floats()).map {
      ActivationGrid(low: $0, high: $1, bits: bits, scheme)
    }
    return try rounded(input, grids, shape: shape)
  }

  private func float8(_ input: Tensor, _ kind: Float8Format.Kind) throws -> Tensor {
    let scales: Tensor
    if format.isDynamic {
      let (low, high) = try extremes(input)
      let found = zip(try low.floats(), try high.floats()).map { kind.scale(low: $0, high: $1) }
      scales = Tensor(found, shape: low.shape)
    } else {
      let found = stride(from: 0, to: range.count - 1, by: 2).map {
        kind.scale(low: range[$0], high: range[$0 + 1])
      }
      scales = Tensor(found, shape: try gridShape(input, count: found.count))
    }
    let isZero = try call("aten::eq.Scalar", [.tensor(scales), .double(0)]).converted(to: .float32)
    let ratios = try input / (scales + isZero)
    let nearest = try ratios.withFloats { values in
      try Tensor.filled(shape: ratios.shape) { kind.roundTrip(values, scale: 1, into: $0) }
    }
    let largest = Double(kind.largest)
    let held = try call(
      "aten::clamp", [.tensor(nearest), .double(-largest), .double(largest)])
    return try held * scales
  }
}

/// An operation on a rounded input.
struct RoundedInput: Models.Operation {
  var operation: any Models.Operation
  var rounding: InputRounding

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    var inputs = inputs
    inputs[0] = try inputs[0].map { try rounding($0) }
    return try operation.evaluate(inputs)
  }
}

extension Graph {
  /// How a layer's input is rounded under a format, as the given use of it needs it.
  ///
  /// - Throws: `UserError` when the format is static and the layer was not calibrated for it.
  func rounding(
    of layer: GraphLayer, _ format: ActivationFormat, use: Int, ranges: ActivationRanges
  ) throws -> InputRounding {
    let range = ranges[layer.layer.name, format]
    guard format.isDynamic || range != nil else {
      throw UserError(
        .failed,
        "there is no calibrated range of '\(layer.layer.name)' for \(format.name); measure again, or "
          + "take a dynamic format such as int8-token")
    }
    let kind = (nodes[use].operation as? any WeightedOperation)?.kind
    return InputRounding(format: format, range: range ?? [], isConvolution: kind == .convolution)
  }

  /// What is computed in place of a layer's uses when its input is rounded.
  func operations(
    of layer: GraphLayer, _ format: ActivationFormat?, ranges: ActivationRanges
  ) throws -> [Int: any Models.Operation] {
    guard let format else { return [:] }
    var result: [Int: any Models.Operation] = [:]
    for use in layer.uses {
      result[use] = RoundedInput(
        operation: nodes[use].operation,
        rounding: try rounding(of: layer, format, use: use, ranges: ranges))
    }
    return result
  }
}
