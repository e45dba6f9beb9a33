internal import Costs
internal import Kernels
internal import Models
internal import Tensors
internal import Vocabulary

extension KernelShape {
  /// The kernel of a layer's work; nil for a lookup.
  init?(_ work: LayerWork) {
    switch work {
    case .product(let rows, let inputs, let outputs):
      self.init(rows: rows, inputs: inputs, outputs: outputs)
    case .convolution(let it):
      self.init(
        batch: it.batch, channels: it.channels, outputs: it.outputs, groups: it.groups,
        axes: it.size.indices.map { k in
          Axis(
            size: it.size[k], kernel: it.kernel[k], stride: it.stride[k], dilation: it.dilation[k],
            before: it.before[k], after: it.after[k])
        })
    case .lookup: return nil
    }
  }
}

/// Times kernels on made-up numbers: what they hold does not change how long they take.
struct KernelTimer {
  /// Threads of a kernel.
  private let threads: Int
  private let effort: TimingEffort

  /// A timer of kernels with so many threads each.
  init(threads: Int = 1, effort: TimingEffort = TimingEffort()) {
    self.threads = threads
    var effort = effort
    effort.clock = TimingClock(threads: threads)
    self.effort = effort
  }

  /// Times one kernel as it runs between others: its weights not in the nearest cache, its input just
  /// written.
  ///
  /// - Throws: `UserError` when there is no such kernel here.
  func row(_ key: KernelTable.Key) throws -> KernelTable.Row {
    do {
      switch key.kernel {
      case .lookup: return try lookup(key)
      case .fp32: return try kernel(key, .fp32, nil)
      case .bf16: return try kernel(key, .bf16, nil)
      case .int8: return try kernel(key, .int8, ActivationCodes(covering: 0...6))
      case .int8Offset: return try kernel(key, .int8, ActivationCodes(covering: -3...3))
      }
    } catch let error as KernelError {
      throw UserError(.failed, "\(key.kernel.rawValue) of \(key.work.text): \(error.description)")
    }
  }

  private func kernel(_ key: KernelTable.Key, _ format: KernelFormat, _ codes: ActivationCodes?)
    throws -> KernelTable.Row
  {
    guard let shape = KernelShape(key.work) else {
      throw UserError(.failed, "a lookup has no kernel in \(format.rawValue)")
    }
    let weights = noise(shape.weights)
    let kernel = try weights.withUnsafeBufferPointer {
      try Kernel(
        shape, format: format, weights: $0,
        weightScales: [Float](repeating: 0.01, count: shape.outputs), activation: codes,
        threads: threads)
    }
    let source = noise(shape.inputCount).map { key.kernel == .int8 ? abs($0) : $0 }
    var input = source
    var output = [Float](repeating: 0, count: shape.outputCount)
    let eviction = Eviction()
    let timing = try output.withUnsafeMutableBufferPointer { output in
      try Timing.measuring(
        effort,
        preparing: {
          eviction.run()
          input.withUnsafeMutableBufferPointer { input in
            for k in input.indices { input[k] = source[k] }
          }
        }
      ) {
        try input.withUnsafeBufferPointer { input in
          guard let x = input.baseAddress, let y = output.baseAddress else { return }
          try kernel.run(x, into: y)
        }
      }
    }
    return KernelTable.Row(
      key: key, milliseconds: timing.milliseconds, spread: timing.spread,
      repetitions: timing.repetitions, outliers: timing.outliers,
      implementation: kernel.implementation)
  }

  /// Through libtorch: oneDNN has no lookups.
  private func lookup(_ key: KernelTable.Key) throws -> KernelTable.Row {
    guard case .lookup(let rows, let width) = key.work else {
      throw UserError(.failed, "only a table has lookups")
    }
    let entries = max(1000, rows)
    let table = Tensor(noise(entries * width), shape: [entries, width])
    let ids = Tensor((0..<rows).map { Int64($0 * 7919 % entries) }, shape: [1, rows])
    let eviction = Eviction()
    let timing = try Timing.measuring(effort, preparing: { eviction.run() }) {
      _ = try Embedding().evaluate([ids, table])
    }
    return KernelTable.Row(
      key: key, milliseconds: timing.milliseconds, spread: timing.spread,
      repetitions: timing.repetitions, outliers: timing.outliers,
      implementation: "libtorch embedding")
  }

  private func noise(_ count: Int) -> [Float] {
    var random = SplitMix64(seed: 7)
    return (0..<count).map { _ in Float(random.uniform()) * 2 - 1 }
  }
}

/// Memory that is read through to push other things out of the caches.
///
/// Between two uses of a layer's weights a whole network runs: they come from main memory, or from a
/// cache that other cores share. Found by trial on two networks: with 4 MB (more than a core's own
/// caches) kernels took 0.6 to 0.8 of what they take in whole runs, with 32 MB 1.1 to 1.2.
private final class Eviction {
  private let memory = [UInt64](repeating: 1, count: 32 << 17)
  private var sum: UInt64 = 0

  func run() {
    for k in stride(from: 0, to: memory.count, by: 8) { sum &+= memory[k] }
  }
}
