public import Tensors
public import Vocabulary

/// Puts a graph together, step by step; what a front-end uses.
public struct GraphBuilder {
  private var name: String
  private var architecture: String
  private var inputs: [GraphInput] = []
  private var parameters: [Parameter] = []
  private var nodes: [Node] = []
  private var valueCount = 0
  private var parameterIndex: [ValueID: Int] = [:]

  /// An empty graph of a model with the given name and architecture.
  public init(name: String, architecture: String) {
    self.name = name
    self.architecture = architecture
  }

  private mutating func newValue() -> ValueID {
    valueCount += 1
    return ValueID(valueCount - 1)
  }

  /// Declares an input; nil sizes are free.
  public mutating func input(_ name: String, shape: [Int?], dtype: DType) -> ValueID {
    let value = newValue()
    inputs.append(GraphInput(name: name, value: value, shape: shape, dtype: dtype))
    return value
  }

  /// Declares a stored tensor.
  ///
  /// - Parameters:
  ///   - name: The stored tensor's name.
  ///   - shape: Sizes of the axes as `load` gives them.
  ///   - storedBytes: Bytes in the model's file.
  ///   - load: Reads it; called at most once per executor.
  public mutating func parameter(
    _ name: String, shape: [Int], storedBytes: Int, load: @escaping @Sendable () throws -> Tensor
  ) -> ValueID {
    let value = newValue()
    parameterIndex[value] = parameters.count
    parameters.append(
      Parameter(name: name, value: value, shape: shape, storedBytes: storedBytes, load: load))
    return value
  }

  /// A constant that is not part of the stored model (a mask, a table of angles): it takes no bytes.
  public mutating func constant(_ name: String, _ tensor: Tensor) -> ValueID {
    parameter(name, shape: tensor.shape, storedBytes: 0) { tensor }
  }

  /// The shape of a stored tensor or constant; nil for other values.
  public func shape(of value: ValueID) -> [Int]? {
    parameterIndex[value].map { parameters[$0].shape }
  }

  /// Adds a step with one result.
  public mutating func node(_ name: String, _ operation: any Operation, _ inputs: ValueID?...)
    -> ValueID
  {
    node(name, operation, inputs: inputs, outputs: 1)[0]
  }

  /// Adds a step with any number of inputs and results.
  public mutating func node(
    _ name: String, _ operation: any Operation, inputs: [ValueID?], outputs: Int
  ) -> [ValueID] {
    let results = (0..<outputs).map { _ in newValue() }
    nodes.append(Node(name: name, operation: operation, inputs: inputs, outputs: results))
    return results
  }

  /// The finished graph: dead nodes dropped, layers found, the rest of the tensors named as skipped.
  ///
  /// A layer is a stored tensor that is the weight (input 1) of a ``WeightedOperation``. Tensors with a
  /// second role (used by other operations too) stay as they are.
  ///
  /// - Parameter skipReason: Why a tensor is left alone, one clause.
  public func finished(
    output: ValueID, head: OutputHead, tokenizer: TokenizerDescription? = nil,
    maximumLength: Int? = nil, files: [String],
    skipReason: (Parameter) -> String = defaultSkipReason
  ) -> Graph {
    let live = liveNodes(for: output)
    let layers = layers(of: live)
    let quantized = Set(layers.map(\.weight))
    let used = Set(live.flatMap { $0.inputs.compactMap { $0 } })
    let kept = parameters.filter { used.contains($0.value) }
    let skipped = kept.filter { !quantized.contains($0.value) && $0.storedBytes > 0 }.map {
      SkippedTensor(
        tensor: $0.name, count: $0.shape.reduce(1, *), bytes: $0.storedBytes, reason: skipReason($0)
      )
    }
    return Graph(
      name: name, architecture: architecture, inputs: inputs, parameters: kept, nodes: live,
      output: output, head: head, layers: layers, skipped: skipped, tokenizer: tokenizer,
      maximumLength: maximumLength, files: files, valueCount: valueCount)
  }

  /// Why a tensor is usually left alone.
  public static func defaultSkipReason(_ parameter: Parameter) -> String {
    parameter.shape.count < 2 ? "a vector (bias or normalisation)" : "not the weight of a layer"
  }

  private func liveNodes(for output: ValueID) -> [Node] {
    var needed: Set<ValueID> = [output]
    var live: [Node] = []
    for node in nodes.reversed() where node.outputs.contains(where: needed.contains) {
      needed.formUnion(node.inputs.compactMap { $0 })
      live.append(node)
    }
    return live.reversed()
  }

  private func layers(of nodes: [Node]) -> [GraphLayer] {
    var found: [GraphLayer] = []
    var position: [ValueID: Int] = [:]
    var otherwise: Set<ValueID> = []
    for (index, node) in nodes.enumerated() {
      let weighted = node.operation as? any WeightedOperation
      for (slot, input) in node.inputs.enumerated() {
        guard let input, let parameter = parameterIndex[input].map({ parameters[$0] }) else {
          continue
        }
        guard slot == 1, let weighted, parameter.storedBytes > 0 else {
          otherwise.insert(input)
          continue
        }
        if let known = position[input] {
          found[known].uses.append(index)
        } else {
          position[input] = found.count
          let layer = Layer(
            name: node.name, tensor: parameter.name, kind: weighted.kind,
            shape: WeightShape(tensorShape: parameter.shape))
          found.append(GraphLayer(layer: layer, weight: input, uses: [index]))
        }
      }
    }
    return found.filter { !otherwise.contains($0.weight) }
  }
}
