internal import Costs
internal import Kernels
internal import Models
internal import Quantization
internal import Tensors
internal import Vocabulary

/// Times of several runs of one policy.
struct PolicyRuns {
  /// Whole runs.
  var total: Timing
  /// Inside the layers.
  var layers: Timing
  /// Outside the layers.
  var rest: Timing
}

extension OpenedModel {
  /// A format for every layer under a uniform format's name.
  ///
  /// - Throws: `UserError` when a layer takes neither it nor a stand-in.
  func uniformFormats(_ name: String) throws -> [LayerFormat] {
    try graph.layers.map { layer in
      guard
        let format = try LayerFormat.format(
          name, for: layer.layer.shape, hasInput: hasInput(layer))
      else { throw UserError(.failed, "'\(layer.layer.name)' cannot be \(name)") }
      return format
    }
  }

  /// The precisions of some policies by layer.
  func precisions(of policies: [[LayerFormat]]) throws -> [String: [Precision]] {
    var precisions: [String: [Precision]] = [:]
    for formats in policies {
      for (layer, format) in zip(graph.layers, formats) {
        precisions[layer.layer.name, default: []].append(
          try Precision(weight: format.weight.name, activation: format.activation?.name))
      }
    }
    return precisions
  }

  /// Milliseconds of every layer of a policy on a device.
  ///
  /// - Throws: `UserError` when a layer has no kernel there.
  func latencies(of formats: [LayerFormat], on device: MeasuredDevice, _ geometry: ModelGeometry)
    throws -> [Double]
  {
    try zip(geometry.layers, formats).map { layer, format in
      let precision = try Precision(
        weight: format.weight.name, activation: format.activation?.name)
      switch device.latency(of: layer, in: precision, bytes: 0) {
      case .milliseconds(let time): return time
      case .none(let reason): throw UserError(.failed, reason)
      }
    }
  }

  /// Times policies in turn, so that what disturbs the machine disturbs all of them.
  ///
  /// Two rounds are not counted.
  func timed(
    _ operations: [[Int: any Models.Operation]], by program: KernelProgram,
    on inputs: [String: Tensor], rounds: Int = 15, progress: @escaping ProgressHandler
  ) throws -> [PolicyRuns] {
    var runs = [[RunTime]](repeating: [], count: operations.count)
    let counter = ProgressCounter("timing whole runs", handler: progress)
    for round in 0..<rounds + 2 {
      for k in operations.indices {
        let time = try program.time(operations[k], on: inputs)
        if round > 1 { runs[k].append(time) }
      }
      counter.advance(by: 1 / Double(rounds + 2))
    }
    counter.finish()
    return runs.map { runs in
      PolicyRuns(
        total: Timing(of: runs.map(\.total)), layers: Timing(of: runs.map(\.layers)),
        rest: Timing(of: runs.map { $0.total - $0.layers }))
    }
  }

  /// What runs of uniform policies tell of what kernels leave out.
  ///
  /// The rest is the mean of theirs. The scale of an arithmetic is what the layers took over the sum of
  /// their kernels, of the policies in which most layers have that arithmetic.
  func wholeRuns(
    _ uniforms: [(formats: [LayerFormat], runs: PolicyRuns)], on device: MeasuredDevice,
    _ geometry: ModelGeometry
  ) throws -> KernelTable.WholeRuns {
    var ratios: [String: [Double]] = [:]
    for (formats, runs) in uniforms {
      let sum = try latencies(of: formats, on: device, geometry).reduce(0, +)
      guard sum > 0, let arithmetic = try mostlyMultiplied(formats) else { continue }
      ratios[arithmetic, default: []].append(runs.layers.milliseconds / sum)
    }
    let rest = uniforms.reduce(0) { $0 + $1.runs.rest.milliseconds }
    return KernelTable.WholeRuns(
      model: geometry.model.digest, inputs: geometry.inputs,
      rest: rest / Double(max(1, uniforms.count)),
      scale: ratios.mapValues { $0.reduce(0, +) / Double($0.count) })
  }

  /// The arithmetic of most layers of a policy.
  private func mostlyMultiplied(_ formats: [LayerFormat]) throws -> String? {
    var counts: [String: Int] = [:]
    for format in formats {
      let precision = try Precision(
        weight: format.weight.name, activation: format.activation?.name)
      let any = LayerWork.product(rows: 1, inputs: 1, outputs: 1)
      guard let kernel = TimedKernel(of: any, in: precision, isNonNegative: false) else { continue }
      counts[kernel.arithmetic, default: 0] += 1
    }
    return counts.keys.sorted().max { (counts[$0] ?? 0) < (counts[$1] ?? 0) }
  }
}
