public import Calibration
public import Costs
internal import Export
internal import Foundation
internal import Models
internal import Sensitivity
internal import Tensors
public import Vocabulary

/// What a network is run on when its sizes or its speed are recorded.
public struct RunInput: Sendable {
  /// Data of which the first sample is taken; nil makes an input up.
  public var data: CalibrationOptions?
  /// Samples at a time: the one sample, so many times.
  public var batch: Int
  /// Positions of a made-up text, or pixels of a made-up picture's side, where the model leaves them open.
  public var length: Int?

  /// One sample of some data, or a made-up one.
  public init(data: CalibrationOptions? = nil, batch: Int = 1, length: Int? = nil) {
    self.data = data
    self.batch = batch
    self.length = length
  }
}

/// A geometry as a file.
public enum GeometryFile {
  /// Where a study keeps its own.
  public static func path(in study: String) -> String { "\(study)/geometry.json" }

  /// Reads a geometry.
  ///
  /// - Throws: `UserError` when the file is none.
  public static func read(_ path: String) throws -> ModelGeometry {
    guard let data = FileManager.default.contents(atPath: path),
      let geometry = try? JSONDecoder().decode(ModelGeometry.self, from: data),
      geometry.schema == ModelGeometry.schema, geometry.samples > 0
    else { throw UserError(.failed, "'\(path)' is no geometry of a model") }
    return geometry
  }

  /// Writes a geometry.
  public static func write(_ geometry: ModelGeometry, to path: String) throws {
    try AtomicFile.write(Tool.json(geometry), to: path)
  }
}

extension OpenedModel {
  /// The sizes of everything that the network computes, recorded from one run.
  ///
  /// - Throws: `UserError` when the input does not fit, or a layer never runs.
  public func geometry(_ input: RunInput = RunInput()) throws -> ModelGeometry {
    try geometry(running: tensors(of: input))
  }

  /// Keeps the geometry of a sample in a study, unless it is there.
  func keepGeometry(of sample: [String: Tensor]?, in study: String) throws {
    guard let sample, !FileManager.default.fileExists(atPath: GeometryFile.path(in: study)) else {
      return
    }
    try GeometryFile.write(geometry(running: sample), to: GeometryFile.path(in: study))
  }

  /// The tensors of an input.
  func tensors(of input: RunInput) throws -> [String: Tensor] {
    let sample: [String: Tensor]
    if var options = input.data {
      if graph.tokenizer != nil, let length = input.length { options.length = length }
      let data = try data(options, part: .all)
      guard let first = data.samples.first else {
        throw UserError(.failed, "'\(options.path)' holds no sample")
      }
      sample = first.inputs
    } else {
      sample = try madeUp(length: input.length)
    }
    guard input.batch > 1 else { return sample }
    return try sample.mapValues { tensor in
      try Tensor.concatenated([Tensor](repeating: tensor, count: input.batch), axis: 0)
    }
  }

  /// An input of the model's own shape.
  ///
  /// Tokens 1, 2, 3 and so on of a text that fills every position; noise for everything else.
  private func madeUp(length: Int?) throws -> [String: Tensor] {
    var random = SplitMix64(seed: 1)
    var inputs: [String: Tensor] = [:]
    for input in graph.inputs {
      let open =
        length ?? (input.dtype.isFloatingPoint ? 224 : min(graph.maximumLength ?? 128, 128))
      let shape = input.shape.enumerated().map { $0 == 0 ? 1 : $1 ?? open }
      let count = shape.reduce(1, *)
      let name = input.name.lowercased()
      let values = (0..<count).map { k -> Double in
        if input.dtype.isFloatingPoint { return 2 * random.uniform() - 1 }
        if name.contains("mask") { return 1 }
        return name.contains("type") || name.contains("segment") ? 0 : Double(1 + k % 97)
      }
      inputs[input.name] = try Tensor(values, shape: shape).converted(to: input.dtype)
    }
    return inputs
  }

  private func geometry(running inputs: [String: Tensor]) throws -> ModelGeometry {
    let recorder = try RunRecorder(graph, executor: executor, inputs: inputs)
    let layers = try graph.layers.map { layer in
      let uses = try layer.uses.map { use in
        guard let work = recorder.works[use] else {
          throw UserError(
            .failed, "the layer '\(layer.layer.name)' is used in a way that has no known size")
        }
        return work
      }
      return LayerGeometry(
        name: layer.layer.name, uses: uses,
        isNonNegative: layer.uses.allSatisfy { recorder.nonNegative.contains($0) })
    }
    return ModelGeometry(
      model: try identity(), samples: inputs.values.map { $0.shape.first ?? 1 }.max() ?? 1,
      inputs: inputs.mapValues(\.shape), layers: layers, sharedInputs: sharedInputs,
      workspace: recorder.workspace, cache: graph.head == .tokens ? recorder.cache : nil)
  }

  /// Sets of linear layers, each used once, that read one value.
  private var sharedInputs: [[String]] {
    var sets: [(value: ValueID, names: [String])] = []
    for layer in graph.layers where layer.layer.kind == .linear && layer.uses.count == 1 {
      guard let value = graph.nodes[layer.uses[0]].inputs.first ?? nil else { continue }
      if let k = sets.firstIndex(where: { $0.value == value }) {
        sets[k].names.append(layer.layer.name)
      } else {
        sets.append((value, [layer.layer.name]))
      }
    }
    return sets.map(\.names).filter { $0.count > 1 }
  }
}

/// One run of a network, of which the sizes are kept.
private struct RunRecorder {
  /// What the uses of layers compute, by node.
  var works: [Int: LayerWork] = [:]
  /// Nodes that nothing negative went into.
  var nonNegative: Set<Int> = []
  /// The most bytes that were alive at one time; views count like copies.
  var workspace = 0
  /// Keys and values.
  var cache: ModelGeometry.Cache?

  init(_ graph: Graph, executor: Executor, inputs: [String: Tensor]) throws {
    let uses = Set(graph.layers.flatMap(\.uses))
    var lastUse: [ValueID: Int] = [:]
    for (index, node) in graph.nodes.enumerated() {
      for case let input? in node.inputs { lastUse[input] = index }
    }
    var alive: [ValueID: Int] = [:]
    var recorder = self
    try recordingGradients(false) {
      var execution = try executor.start(inputs)
      try executor.advance(&execution) { index, inputs, results in
        let node = graph.nodes[index]
        if uses.contains(index) {
          recorder.works[index] = try LayerWork(of: node.operation, inputs, results)
          if let x = inputs[0], x.dtype?.isFloatingPoint == true, x.count > 0,
            try call("aten::amin", [.tensor(x), .ints([])]).item() >= 0
          {
            recorder.nonNegative.insert(index)
          }
        }
        if node.operation is Attention, let k = inputs[1], let v = inputs[2], k.rank == 4 {
          let before = recorder.cache?.elementsPerToken ?? 0
          recorder.cache = .init(
            elementsPerToken: before + k.shape[1] * k.shape[3] + v.shape[1] * v.shape[3],
            tokens: k.shape[2])
        }
        for (value, result) in zip(node.outputs, results) { alive[value] = result.byteCount }
        recorder.workspace = max(recorder.workspace, alive.values.reduce(0, +))
        for case let input? in node.inputs where lastUse[input] == index { alive[input] = nil }
        return results
      }
    }
    self = recorder
  }
}

extension LayerWork {
  /// What an operation computed from some inputs; nil where it is none that has a size.
  init?(of operation: any Models.Operation, _ inputs: [Tensor?], _ results: [Tensor]) throws {
    guard inputs.count > 1, let x = inputs[0], let weight = inputs[1], let y = results.first else {
      return nil
    }
    switch operation {
    case is Linear:
      let width = max(1, weight.shape[1])
      self = .product(rows: x.count / width, inputs: width, outputs: weight.shape[0])
    case is Embedding: self = .lookup(rows: x.count, width: weight.shape[1])
    case let it as Convolution:
      let size = Array(x.shape.dropFirst(2))
      let kernel = Array(weight.shape.dropFirst(2))
      let results = Array(y.shape.dropFirst(2))
      let (before, after) = it.zeros(around: size, kernel: kernel, results: results)
      self = .convolution(
        ConvolutionWork(
          batch: x.shape[0], channels: x.shape[1], outputs: weight.shape[0], groups: it.groups,
          size: size, kernel: kernel, stride: it.stride, dilation: it.dilation, before: before,
          after: after))
    default: return nil
    }
  }
}

extension Convolution {
  /// Zeros before and after each axis, seen from the sizes of the results.
  fileprivate func zeros(around size: [Int], kernel: [Int], results: [Int]) -> ([Int], [Int]) {
    if case .explicit(let begin, let end) = padding { return (begin, end) }
    let totals = size.indices.map { k in
      max(0, (results[k] - 1) * stride[k] + (kernel[k] - 1) * dilation[k] + 1 - size[k])
    }
    let small = totals.map { $0 / 2 }
    let large = zip(totals, small).map { $0 - $1 }
    return padding == .sameUpper ? (small, large) : (large, small)
  }
}
