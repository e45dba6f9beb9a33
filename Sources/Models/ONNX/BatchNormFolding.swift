internal import Tensors

/// A batch normalization right after a convolution becomes part of it, as in every deployed network.
///
/// `γ (W x + b − μ) / √(σ² + ε) + β = (f W) x + (f (b − μ) + β)` with `f = γ / √(σ² + ε)` per output
/// channel. The weight keeps its name; the layer that is quantized is the folded one.
enum BatchNormFolding {
  /// Folds every normalization whose statistics, weight and bias are constants and whose convolution
  /// (and its weight) nobody else uses.
  static func apply(
    to nodes: inout [ONNXNode], constants: inout [String: ONNXTensor], output: String
  ) {
    var uses: [String: Int] = [output: 1]
    var maker: [String: Int] = [:]
    for (index, node) in nodes.enumerated() {
      for input in node.inputs { uses[input, default: 0] += 1 }
      for output in node.outputs { maker[output] = index }
    }
    var gone: Set<Int> = []
    for (index, norm) in nodes.enumerated() where norm.type == "BatchNormalization" {
      guard let value = norm.input(0), uses[value] == 1, let place = maker[value], place < index,
        let folded = Folded(nodes[place], norm, constants), uses[folded.weight] == 1
      else { continue }
      let bias = freeName(folded.weight, constants, uses, maker)
      nodes[place].outputs[0] = norm.outputs[0]
      nodes[place].inputs = [nodes[place].inputs[0], folded.weight, bias]
      constants[folded.weight] = folded.foldedWeight()
      constants[bias] = folded.foldedBias(named: bias)
      gone.insert(index)
    }
    nodes = nodes.indices.filter { !gone.contains($0) }.map { [nodes] in nodes[$0] }
  }

  /// `stem.bias` for `stem.weight`, or something longer if that name is taken.
  private static func freeName(
    _ weight: String, _ constants: [String: ONNXTensor], _ uses: [String: Int],
    _ maker: [String: Int]
  ) -> String {
    var name = (weight.hasSuffix(".weight") ? String(weight.dropLast(7)) : weight) + ".bias"
    while constants[name] != nil || uses[name] != nil || maker[name] != nil { name += ".folded" }
    return name
  }
}

/// A convolution and its normalization that can be one.
private struct Folded {
  var weight: String
  private var tensor: ONNXTensor
  private var bias: ONNXTensor?
  private var statistics: [ONNXTensor]  // scale, shift, mean, variance
  private var epsilon: Double

  init?(_ convolution: ONNXNode, _ norm: ONNXNode, _ constants: [String: ONNXTensor]) {
    guard convolution.type == "Conv", convolution.outputs.count == 1, convolution.inputs.count >= 2,
      !norm.flag("training_mode"), norm.flag("spatial", default: true),
      let weight = convolution.input(1),
      let tensor = constants[weight], tensor.dtype == .float32, tensor.shape.count >= 3,
      norm.outputs.dropFirst().allSatisfy(\.isEmpty)
    else { return nil }
    let channels = [tensor.shape[0]]
    let statistics = (1...4).compactMap { norm.input($0).flatMap { constants[$0] } }
    guard statistics.count == 4,
      statistics.allSatisfy({ $0.shape == channels && $0.dtype == .float32 })
    else { return nil }
    if let name = convolution.input(2) {
      guard let bias = constants[name], bias.shape == channels, bias.dtype == .float32 else {
        return nil
      }
      self.bias = bias
    }
    self.weight = weight
    self.tensor = tensor
    self.statistics = statistics
    epsilon = norm.double("epsilon", default: 1e-5)
  }

  /// `f · W`.
  func foldedWeight() -> ONNXTensor {
    var result = tensor
    let column = [tensor.shape[0]] + tensor.shape.dropFirst().map { _ in 1 }
    let load = tensor.load
    result.load = { [factor] in try load() * factor().converted(to: .float32).reshaped(column) }
    return result
  }

  /// `f (b − μ) + β`.
  func foldedBias(named name: String) -> ONNXTensor {
    let (bias, shift, mean) = (bias?.load, statistics[1].load, statistics[2].load)
    return ONNXTensor(
      name: name, shape: [tensor.shape[0]], dtype: .float32, storedBytes: statistics[1].storedBytes
    ) { [factor] in
      let mean = try mean().converted(to: .float64)
      let centred = try bias.map { try $0().converted(to: .float64) - mean } ?? mean * -1
      let shift = try shift().converted(to: .float64)
      return try (factor() * centred + shift).converted(to: .float32)
    }
  }

  /// `γ / √(σ² + ε)`, in doubles.
  private var factor: @Sendable () throws -> Tensor {
    let (scale, variance, epsilon) = (statistics[0].load, statistics[3].load, epsilon)
    return {
      let deviation = try call("aten::sqrt", variance().converted(to: .float64) + epsilon)
      return try scale().converted(to: .float64) / deviation
    }
  }
}
