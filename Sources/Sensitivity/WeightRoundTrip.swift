public import Models
public import Quantization
public import Tensors
internal import Vocabulary

extension Executor {
  /// A layer's weight as it comes back from a format: quantized and dequantized.
  ///
  /// - Throws: `UserError` when the format cannot hold the values.
  public func roundTrip(_ layer: GraphLayer, _ format: any NumberFormat) throws -> Tensor {
    let weight = try parameter(layer.weight)
    return try weight.withFloats { values in
      try Tensor.filled(shape: weight.shape) { result in
        try format.roundTrip(values, shape: layer.layer.shape, into: result)
      }
    }
  }
}
