internal import Models
internal import Tensors
internal import Vocabulary

/// Where blocks start and end in a graph, found by its residual sums.
///
/// A residual sum of a layer is the first node after it that adds two activations of equal shapes, one
/// of which depends on the layer and one of which does not: that one is the stream that enters, the
/// sum the stream that leaves. Embeddings, heads and layers of networks without residuals have none.
struct BlockStreams: Sendable {
  /// How far a block reaches.
  enum Extent: Sendable {
    /// One residual sum: attention and feed-forward network by themselves.
    case residual
    /// All layers whose names are equal up to the first number, as in `encoder.layer.3.`: from the
    /// stream that enters the first one's residual to that which leaves the last one's.
    case named
  }

  /// From an input of a sum to the result of the same or a later one.
  struct Span: Hashable, Sendable {
    var firstSum: Int
    var streamInput: Int
    var lastSum: Int
  }

  /// By layer of the graph; nil for those without a block.
  let spans: [Span?]

  /// - Parameter shapes: Of every value, at one sample; nil for those that were not computed.
  init(_ graph: Graph, extent: Extent, shapes: [ValueID: [Int]]) {
    let own = graph.layers.map { layer in
      layer.layer.kind == .embedding ? nil : Self.residual(after: layer.uses, graph, shapes)
    }
    guard extent == .named else {
      spans = own
      return
    }
    var blocks: [String: Span] = [:]
    let keys = graph.layers.map { Self.block(of: $0.layer.name) }
    for case (let key?, let span?) in zip(keys, own) {
      guard let known = blocks[key] else {
        blocks[key] = span
        continue
      }
      let first = span.firstSum < known.firstSum ? span : known
      blocks[key] = Span(
        firstSum: first.firstSum, streamInput: first.streamInput,
        lastSum: max(span.lastSum, known.lastSum))
    }
    spans = zip(keys, own).map { key, span in
      span == nil ? nil : key.flatMap { blocks[$0] } ?? span
    }
  }

  /// `encoder.layer.3` of `encoder.layer.3.output.dense`; nil for names without a number.
  static func block(of name: String) -> String? {
    var end = name.startIndex
    var start = name.startIndex
    while start < name.endIndex {
      end = name[start...].firstIndex { "./_".contains($0) } ?? name.endIndex
      if end > start, name[start..<end].allSatisfy(\.isNumber) { return String(name[..<end]) }
      start = end < name.endIndex ? name.index(after: end) : end
    }
    return nil
  }

  private static func residual(after uses: [Int], _ graph: Graph, _ shapes: [ValueID: [Int]])
    -> Span?
  {
    guard let first = uses.first else { return nil }
    var dependent = Set(graph.nodes[first].outputs)
    for index in (first + 1)..<max(first + 1, graph.nodes.count) {
      let node = graph.nodes[index]
      let depends = node.inputs.map { $0.map(dependent.contains) ?? false }
      guard depends.contains(true) else { continue }
      if case Binary.add? = node.operation as? Binary, depends.count == 2,
        let other = depends.firstIndex(of: false), let stream = node.inputs[other],
        let result = node.outputs.first, let shape = shapes[stream], shape == shapes[result]
      {
        return Span(firstSum: index, streamInput: other, lastSum: index)
      }
      dependent.formUnion(node.outputs)
    }
    return nil
  }
}

extension MeasurementTask {
  /// `1 − cos(stream that enters a block, stream that leaves it)` of one sample, by layer: the mean over
  /// positions.
  ///
  /// One (two unrelated streams) for layers without a block, and where the streams differ in shape.
  func streamChanges(_ inputs: [String: Tensor], extent: BlockStreams.Extent) throws -> [Double] {
    try recordingGradients(false) {
      var shapes: [ValueID: [Int]] = [:]
      var execution = try executor.start(inputs)
      try executor.advance(&execution) { index, _, results in
        for (value, result) in zip(graph.nodes[index].outputs, results) {
          shapes[value] = result.shape
        }
        return results
      }
      let spans = BlockStreams(graph, extent: extent, shapes: shapes).spans
      let wanted = Set(spans.compactMap { $0 })
      var entered: [Span: Tensor] = [:]
      var changes: [Span: Double] = [:]
      execution = try executor.start(inputs)
      try executor.advance(&execution) { index, inputs, results in
        for span in wanted where span.firstSum == index {
          entered[span] = inputs[span.streamInput]
        }
        for span in wanted where span.lastSum == index {
          guard let stream = entered[span], stream.shape == results[0].shape else { continue }
          changes[span] = try 1 - cosine(stream, results[0])
          entered[span] = nil
        }
        return results
      }
      return spans.map { $0.flatMap { changes[$0] } ?? 1 }
    }
  }

  private typealias Span = BlockStreams.Span

  /// The mean cosine over positions; features are the last axis, or the second of feature maps.
  private func cosine(_ a: Tensor, _ b: Tensor) throws -> Double {
    let axis = a.rank >= 4 ? 1 : -1
    let products = try (a * b).sum([axis])
    let norms = try call("aten::sqrt", (a * a).sum([axis]) * (b * b).sum([axis]))
    let cosines = try products / call("aten::clamp", [.tensor(norms), .double(1e-20)])
    // Two equal vectors can come out a little more than equal.
    return min(1, max(-1, try cosines.sum().item() / Double(max(1, cosines.count))))
  }

  /// Scores of importance by how much a block changes its stream.
  func streamChangeTimesError(_ chunk: SampleChunk, extent: BlockStreams.Extent) throws
    -> [[[Double]]]
  {
    let changes = try perSample(chunk, weightCopies: 1, share: 0.5) { _, inputs in
      try streamChanges(inputs, extent: extent)
    }
    return try importanceTimesError { group in
      group.layers.map { layer in changes.map { $0[layer] } }
    }
  }
}
