internal import Tensors
internal import Vocabulary

extension ONNXTranslators {
  /// Operators whose constant matrix, kernel or table is a layer's weight.
  static let weighted: [String: ONNXTranslator] = [
    "Conv": convolution,
    "Gemm": gemm,
    "MatMul": matMul,
    "Gather": gather,
  ]

  private static let convolution: ONNXTranslator = { node, importer in
    guard let weight = importer.constant(node, 1), weight.dtype == .float32 else {
      throw node.unsupported("a weight that is not a constant")
    }
    let shape = weight.shape
    let groups = node.int("group", default: 1)
    guard (3...5).contains(shape.count), !shape.contains(0), groups >= 1,
      shape[0].isMultiple(of: groups)
    else { throw node.malformed("has the weight \(shape) in \(groups) groups") }
    let window = try ONNXWindow(node, kernel: Array(shape.dropFirst(2)))
    let x = try importer.input(node, 0)
    let operation = Convolution(
      stride: window.stride, padding: window.padding, dilation: window.dilation, groups: groups)
    let result = try importer.emitLayer(
      node, operation, x, weight: importer.value(node, 1), bias: importer.optionalInput(node, 2))
    return [.computed(result)]
  }

  /// A linear layer when b is a constant matrix and nothing is scaled.
  private static let gemm: ONNXTranslator = { node, importer in
    let alpha = node.double("alpha", default: 1)
    let beta = node.double("beta", default: 1)
    let transposesB = node.flag("transB")
    let matrix = try constantMatrix(importer.value(node, 1), importer)
    guard let matrix, alpha == 1, beta == 1, !node.flag("transA") else {
      let operation = ScaledProduct(
        alpha: alpha, beta: beta, transposesA: node.flag("transA"), transposesB: transposesB)
      return importer.emit(node, operation, try importer.inputs(node, atLeast: 2))
    }
    let weight = transposesB ? matrix.value : matrix.value.exchanged
    let outputs = matrix.shape[transposesB ? 0 : 1]
    let bias = try importer.optionalInput(node, 2)
    let isVector = importer.constant(node, 2)?.shape == [outputs]
    let x = try importer.input(node, 0)
    let product = try importer.emitLayer(
      node, Linear(), x, weight: weight, bias: isVector ? bias : nil)
    guard let bias, !isVector else { return [.computed(product)] }
    return importer.emit(node, Binary.add, [product, bias])
  }

  /// A linear layer when the right side is a constant matrix.
  private static let matMul: ONNXTranslator = { node, importer in
    if let matrix = try constantMatrix(importer.value(node, 1), importer) {
      let x = try importer.input(node, 0)
      return [
        .computed(try importer.emitLayer(node, Linear(), x, weight: matrix.value.exchanged))
      ]
    }
    return importer.emit(
      node, MatMul(), [try importer.input(node, 0), try importer.input(node, 1)])
  }

  /// An embedding when rows of a constant matrix are looked up.
  private static let gather: ONNXTranslator = { node, importer in
    let axis = node.int("axis", default: 0)
    let indices = try importer.input(node, 1)
    if axis == 0, let table = importer.constant(node, 0), table.isMatrix {
      let rows = try importer.emitLayer(
        node, Embedding(), indices, weight: importer.value(node, 0))
      return [.computed(rows)]
    }
    return importer.emit(node, Gather(axis: axis), [try importer.input(node, 0), indices])
  }

  /// The value and its own shape (as seen through a transposition), if it is a constant matrix.
  private static func constantMatrix(_ value: ONNXValue, _ importer: ONNXImporter)
    -> (value: ONNXValue, shape: [Int])?
  {
    switch value {
    case .computed: nil
    case .constant(let name):
      importer.constants[name].flatMap { $0.isMatrix ? (value, $0.shape) : nil }
    case .transposed(let name):
      importer.constants[name].flatMap { $0.isMatrix ? (value, $0.shape.reversed()) : nil }
    }
  }
}

extension ONNXValue {
  /// The constant matrix the other way round.
  fileprivate var exchanged: ONNXValue {
    switch self {
    case .constant(let name): .transposed(name)
    case .transposed(let name): .constant(name)
    case .computed: self
    }
  }
}
