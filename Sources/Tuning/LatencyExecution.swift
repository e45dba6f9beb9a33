internal import Costs
internal import Kernels
internal import Models
internal import Quantization
internal import Synchronization
internal import Tensors
internal import Vocabulary

/// Milliseconds of one run of a network.
struct RunTime: Sendable {
  /// From the input to the output.
  var total: Double
  /// Of it, inside the quantizable layers.
  var layers: Double
}

/// The real kernels of a network's layers, made when they are first needed.
///
/// Each layer reads and writes singles, channels last; what its kernel rounds to is made inside the
/// layer. An activation that clamps a convolution's or matrix product's only use is part of its kernel.
final class KernelProgram: Sendable {
  private let model: OpenedModel
  private let geometry: ModelGeometry
  private let ranges: ActivationRanges
  private let threads: Int
  private let pool = OutputPool()
  private let clock: LayerClock
  private let made = Mutex<[String: Kernel]>([:])
  /// By the node of a layer's use: the node that clamps what it gives, and the range.
  private let clamps: [Int: (node: Int, range: ClosedRange<Float>)]

  init(
    _ model: OpenedModel, geometry: ModelGeometry, ranges: ActivationRanges = .none,
    threads: Int = 1
  ) {
    self.model = model
    self.geometry = geometry
    self.ranges = ranges
    self.threads = threads
    clock = LayerClock(TimingClock(threads: threads))
    clamps = model.graph.clamps
  }

  /// What is computed in place of the graph's own operations under a format for every layer.
  ///
  /// - Throws: `UserError` when a format has no kernel here.
  func operations(_ formats: [LayerFormat]) throws -> [Int: any Models.Operation] {
    var operations: [Int: any Models.Operation] = [:]
    for (index, format) in formats.enumerated() {
      let layer = model.graph.layers[index]
      for (place, use) in layer.uses.enumerated() {
        let work = geometry.layers[index].uses[place]
        guard let shape = KernelShape(work) else {
          operations[use] = TimedOperation(
            operation: model.graph.nodes[use].operation, clock: clock)
          continue
        }
        let kernel = try kernel(index, use, format, work: work, shape)
        operations[use] = KernelOperation(kernel: kernel, pool: pool, clock: clock)
        if let clamp = clamps[use] { operations[clamp.node] = Unchanged() }
      }
    }
    return operations
  }

  /// The time of one run.
  func time(_ operations: [Int: any Models.Operation], on inputs: [String: Tensor]) throws
    -> RunTime
  {
    clock.reset()
    let start = clock.kind.milliseconds()
    let result = try recordingGradients(false) {
      try model.executor.run(inputs, weights: [:], operations: operations)
    }
    let total = clock.kind.milliseconds() - start
    _ = result
    return RunTime(total: total, layers: clock.milliseconds)
  }

  private func kernel(
    _ index: Int, _ use: Int, _ format: LayerFormat, work: LayerWork, _ shape: KernelShape
  ) throws -> Kernel {
    let name = "\(use) \(format.name)"
    if let kernel = made.withLock({ $0[name] }) { return kernel }
    let layer = model.graph.layers[index]
    let precision = try Precision(
      weight: format.weight.name, activation: format.activation?.name)
    let isNonNegative = geometry.layers[index].isNonNegative
    guard let timed = TimedKernel(of: work, in: precision, isNonNegative: isNonNegative) else {
      throw UserError(.failed, "'\(layer.layer.name)' has no kernel for \(format.name) here")
    }
    let weight = try model.executor.parameter(layer.weight)
    let rounded = try weight.withFloats { weights in
      try Tensor.filled(shape: weight.shape) {
        try format.weight.roundTrip(weights, shape: layer.layer.shape, into: $0)
      }
    }
    let bias = try bias(of: use)
    let kind: KernelFormat =
      switch timed {
      case .bf16: .bf16
      case .int8, .int8Offset: .int8
      case .fp32, .lookup: .fp32
      }
    do {
      let kernel = try rounded.withFloats { weights in
        try Kernel(
          shape, format: kind, weights: weights, bias: bias,
          weightScales: kind == .int8 ? scales(weights, layer.layer.shape, format.weight) : [],
          activation: kind == .int8 ? try codes(index, format, isNonNegative) : nil,
          clamp: clamps[use]?.range, threads: threads)
      }
      made.withLock { $0[name] = kernel }
      return kernel
    } catch let error as KernelError {
      throw UserError(
        .failed, "'\(layer.layer.name)' cannot be run in \(format.name): \(error.description)")
    }
  }

  /// The bias of a use, where it has one.
  private func bias(of use: Int) throws -> [Float]? {
    let inputs = model.graph.nodes[use].inputs
    guard inputs.count > 2, let bias = inputs[2] else { return nil }
    return try model.executor.parameter(bias).floats()
  }

  /// The step of every output channel's codes: the largest magnitude over the largest code.
  ///
  /// The weights are rounded already, and the largest of a channel has the largest code, so that this is
  /// the step that they were rounded with.
  private func scales(
    _ weights: UnsafeBufferPointer<Float>, _ shape: WeightShape, _ format: any NumberFormat
  ) -> [Float] {
    let largest = Float((1 << (format.nominalBits - 1)) - 1)
    let rows = (0..<shape.rows).map { row in
      weights[row * shape.columns..<(row + 1) * shape.columns].reduce(0) { max($0, abs($1)) }
    }
    // One scale for all rows where the format has one.
    let common = (format as? IntegerFormat)?.granularity == .tensor ? rows.max() : nil
    return rows.map { (common ?? $0) / largest }
  }

  /// How a layer's input becomes codes: by its calibrated range, or where there is none (for timing) by
  /// any.
  private func codes(_ index: Int, _ format: LayerFormat, _ isNonNegative: Bool) throws
    -> ActivationCodes
  {
    let name = model.graph.layers[index].layer.name
    guard let activation = format.activation,
      case .integer(let bits, let scheme) = activation.element
    else { return ActivationCodes(scale: 1) }
    let range = ranges[name, activation] ?? (isNonNegative ? [0, 6] : [-3, 3])
    let grid = ActivationGrid(low: range[0], high: range[1], bits: bits, scheme)
    return ActivationCodes(
      scale: grid.scale > 0 ? grid.scale : 1, zero: Int(grid.zero), isSigned: grid.lowest < 0)
  }
}

extension Graph {
  /// Uses of layers whose result goes into a clamp and nowhere else.
  fileprivate var clamps: [Int: (node: Int, range: ClosedRange<Float>)] {
    var readers: [ValueID: [Int]] = [:]
    for (index, node) in nodes.enumerated() {
      for case let input? in node.inputs { readers[input, default: []].append(index) }
    }
    var clamps: [Int: (node: Int, range: ClosedRange<Float>)] = [:]
    for use in layers.flatMap(\.uses) {
      guard let value = nodes[use].outputs.first, value != output,
        let readers = readers[value], readers.count == 1, let node = readers.first
      else { continue }
      switch nodes[node].operation {
      case let clip as Clip:
        let low = clip.low.map { Float($0) } ?? -.greatestFiniteMagnitude
        let high = clip.high.map { Float($0) } ?? .greatestFiniteMagnitude
        if low <= high { clamps[use] = (node, low...high) }
      case Unary.relu: clamps[use] = (node, 0 ... .greatestFiniteMagnitude)
      default: break
      }
    }
    return clamps
  }
}

/// A kernel in the place of a layer's operation.
private struct KernelOperation: Models.Operation {
  let kernel: Kernel
  let pool: OutputPool
  let clock: LayerClock

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    guard let input = inputs.first ?? nil else { throw UserError(.failed, "a layer has no input") }
    return try clock.timing {
      let axes = kernel.shape.axes.count
      // Channels last; where they lie so already nothing is moved.
      let x = axes == 0 ? input : try input.permuted([0] + (2..<axes + 2) + [1])
      guard x.count == kernel.shape.inputCount else {
        throw UserError(
          .failed, "a kernel for \(kernel.shape.inputCount) numbers was given \(x.shape)")
      }
      let buffer = pool.buffer(count: kernel.shape.outputCount)
      do {
        try x.withFloats { values in
          if let start = values.baseAddress { try kernel.run(start, into: buffer.floats) }
        }
      } catch let error as KernelError {
        throw UserError(.failed, "a kernel failed: \(error.description)")
      }
      let sizes =
        axes == 0 ? input.shape.dropLast() + [kernel.shape.outputs] : kernel.shape.resultSizes
      let y = Tensor(over: buffer.memory, shape: Array(sizes), dtype: .float32, owner: buffer)
      return [axes == 0 ? y : try y.permuted([0, axes + 1] + (1...axes))]
    }
  }
}

/// An operation whose time counts as a layer's.
private struct TimedOperation: Models.Operation {
  let operation: any Models.Operation
  let clock: LayerClock

  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] {
    try clock.timing { try operation.evaluate(inputs) }
  }
}

/// What a clamp becomes when the kernel before it clamps.
private struct Unchanged: Models.Operation {
  func evaluate(_ inputs: [Tensor?]) throws -> [Tensor] { [inputs[0]].compactMap(\.self) }
}

/// Adds up the time inside layers.
private final class LayerClock: Sendable {
  let kind: TimingClock
  private let sum = Mutex(0.0)

  init(_ kind: TimingClock) { self.kind = kind }

  var milliseconds: Double { sum.withLock { $0 } }

  func reset() { sum.withLock { $0 = 0 } }

  func timing<Result>(_ body: () throws -> Result) rethrows -> Result {
    let start = kind.milliseconds()
    defer {
      let time = kind.milliseconds() - start
      sum.withLock { $0 += time }
    }
    return try body()
  }
}

/// Memory for results that is used again: fresh pages would cost more than many a kernel.
private final class OutputPool: Sendable {
  private struct Free: @unchecked Sendable {
    var blocks: [Int: [UnsafeMutableRawPointer]] = [:]
  }

  /// Memory that goes back to its pool with its last tensor.
  final class Buffer: @unchecked Sendable {
    let memory: UnsafeMutableRawPointer
    let count: Int
    private let pool: OutputPool

    fileprivate init(_ memory: UnsafeMutableRawPointer, count: Int, pool: OutputPool) {
      self.memory = memory
      self.count = count
      self.pool = pool
    }

    var floats: UnsafeMutablePointer<Float> { memory.assumingMemoryBound(to: Float.self) }

    deinit { pool.take(memory, count: count) }
  }

  private let free = Mutex(Free())

  func buffer(count: Int) -> Buffer {
    let known = free.withLock { free -> UncheckedPointer in
      UncheckedPointer(pointer: free.blocks[count]?.popLast())
    }
    return Buffer(
      known.pointer ?? .allocate(byteCount: max(64, 4 * count), alignment: 64), count: count,
      pool: self)
  }

  fileprivate func take(_ memory: UnsafeMutableRawPointer, count: Int) {
    let block = UncheckedPointer(pointer: memory)
    free.withLock { free in
      if let pointer = block.pointer { free.blocks[count, default: []].append(pointer) }
    }
  }

  deinit {
    free.withLock { free in
      for block in free.blocks.values.flatMap(\.self) { block.deallocate() }
      free.blocks = [:]
    }
  }

  private struct UncheckedPointer: @unchecked Sendable {
    var pointer: UnsafeMutableRawPointer?
  }
}
