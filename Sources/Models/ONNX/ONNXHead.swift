internal import Tensors
internal import Vocabulary

extension ONNXGraphSource {
  /// What the output means.
  ///
  /// - Tokens: three axes, the last as long as the table that `input_ids` look up.
  /// - Classes: two axes, the last of at least two, unless what computes it is known to give something
  ///   else than logits (a pooled or normalised vector, say).
  /// - A vector otherwise.
  func head(_ constants: [String: ONNXTensor]) -> OutputHead {
    let width = shapes[output]?.last.flatMap { $0 } ?? outputWidth(constants)
    let rank = shapes[output]?.count ?? (producer(of: output)?.type == "Gemm" ? 2 : nil)
    guard let width, let rank else { return .vector }
    if rank == 3, width == vocabulary(constants) { return .tokens }
    let notLogits: Set<String> = [
      "LpNormalization", "LayerNormalization", "Div", "Mul", "Gather", "Slice", "Tanh", "Sigmoid",
      "ReduceMean", "ReduceSum", "ReduceMax", "ReduceL2", "Softmax",
    ]
    let type = producer(of: output)?.type ?? ""
    return rank == 2 && width >= 2 && !notLogits.contains(type) ? .classes : .vector
  }

  /// Rows of the table that token ids are looked up in.
  private func vocabulary(_ constants: [String: ONNXTensor]) -> Int? {
    var ids: Set<String> = ["input_ids"]
    guard inputs.contains(where: { $0.name == "input_ids" && !$0.dtype.isFloatingPoint }) else {
      return nil
    }
    for node in nodes {
      guard let table = node.input(0) else { continue }
      if ["Cast", "Identity"].contains(node.type), ids.contains(table) {
        ids.formUnion(node.outputs)
      }
      if node.type == "Gather", let index = node.input(1), ids.contains(index),
        let shape = constants[table]?.shape, shape.count == 2
      {
        return shape[0]
      }
    }
    return nil
  }

  /// The last size of the output as the last layer tells it.
  private func outputWidth(_ constants: [String: ONNXTensor]) -> Int? {
    var value = output
    for _ in 0..<4 {
      guard let node = producer(of: value) else { return nil }
      switch node.type {
      case "Identity", "LogSoftmax", "Softmax": value = node.input(0) ?? ""
      case "Add":
        let computed = node.inputs.filter { constants[$0] == nil }
        guard computed.count == 1 else { return nil }
        value = computed[0]
      case "Gemm", "MatMul":
        guard let shape = node.input(1).flatMap({ constants[$0]?.shape }), shape.count == 2 else {
          return nil
        }
        return shape[node.flag("transB") ? 0 : 1]
      default: return nil
      }
    }
    return nil
  }
}
