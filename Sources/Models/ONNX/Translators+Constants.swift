internal import Tensors
internal import Vocabulary

extension ONNXTranslators {
  /// Values out of nothing, or out of a shape.
  static let constants: [String: ONNXTranslator] = [
    "Constant": constant,
    "ConstantOfShape": { node, importer in
      let shape = try importer.input(node, 0)
      guard let proto = node.tensor("value") else {
        return importer.emit(node, Fill(value: Tensor(0)), [shape])
      }
      let value = try ONNXTensor(proto, name: node.outputs[0], files: &importer.files)
      guard value.shape.count <= 1, value.shape.allSatisfy({ $0 == 1 }) else {
        throw node.malformed("has a value of the shape \(value.shape)")
      }
      return importer.emit(node, Fill(value: try value.load()), [shape])
    },
    "Range": simple(NumberRange(), inputs: 3),
  ]

  private static let constant: ONNXTranslator = { node, importer in
    let name = node.outputs[0]
    if let proto = node.tensor("value") {
      var tensor = try ONNXTensor(proto, name: name, files: &importer.files)
      // A number in the text of the network is not a stored weight.
      if tensor.shape.isEmpty { tensor.storedBytes = 0 }
      return [importer.define(tensor, by: node)]
    }
    let tensor: Tensor
    if let values = node.floats("value_floats") {
      tensor = Tensor(values, shape: [values.count])
    } else if let values = node.ints("value_ints") {
      tensor = Tensor(values.map(Int64.init), shape: [values.count])
    } else if node.has("value_float") {
      tensor = Tensor(Float(node.double("value_float", default: 0)))
    } else if node.has("value_int") {
      tensor = Tensor([Int64(node.int("value_int", default: 0))], shape: [])
    } else {
      throw node.unsupported("a value that is not a number or a tensor of numbers")
    }
    let constant = ONNXTensor(
      name: name, shape: tensor.shape, dtype: tensor.dtype ?? .float32, storedBytes: 0
    ) { tensor }
    return [importer.define(constant, by: node)]
  }
}
