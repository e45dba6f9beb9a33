import ArgumentParser
import Calibration
import Models
import Sensitivity
import Tensors
import Vocabulary

extension Benchmark {
  /// Relevance propagation against passes of the same network.
  static let relevance = Benchmark(name: "lrp") { _ in
    let network = try RealNetwork.miniLM(samples: 16)
    let task = try network.task(formats: ["int4-g64"])
    Engine.alone(workers: 1) {}
    var passes: [Double] = []
    var shares: [Double] = []
    for round in 0..<4 {
      let pass = try processorSeconds {
        for sample in network.samples { try network.passes(sample.inputs) }
      }
      let share = try processorSeconds { _ = try Relevance().shares(of: network.chunk, in: task) }
      guard round > 0 else { continue }  // the first one warms up
      passes.append(pass)
      shares.append(share)
    }
    return [
      BenchRow(
        "lrp",
        "relevance of MiniLM's layers, times a forward and a backward pass "
          + "(\(duration((passes.min() ?? 0) / 16)))", (shares.min() ?? 0) / (passes.min() ?? 1),
        .ratio, target: 3, runs: passes.count)
    ]
  }

  /// `exact-kl`, which runs nothing again that did not change, against whole runs.
  static let prefixCaching = Benchmark(name: "prefix-caching") { _ in
    let network = try RealNetwork.miniLM(samples: 4)
    let task = try network.task(formats: ["int4-g64"])
    let (executor, loss) = (network.executor, OutputLoss(head: network.executor.graph.head))
    Engine.alone(workers: 1) {}
    var cached: [Double] = []
    var whole: [Double] = []
    for round in 0..<4 {
      let own = try processorSeconds { _ = try ExactKL().scores(of: network.chunk, in: task) }
      let other = try processorSeconds {
        for sample in network.samples {
          let reference = try executor.run(sample.inputs)
          for group in task.groups {
            let layer = executor.graph.layers[group.layers[0]]
            for format in group.formats {
              let output = try executor.run(
                sample.inputs, weights: [layer.weight: try executor.roundTrip(layer, format)])
              _ = try loss.perSample(reference: reference, output: output)
            }
          }
        }
      }
      guard round > 0 else { continue }
      cached.append(own)
      whole.append(other)
    }
    return [
      BenchRow(
        "prefix-caching",
        "exact-kl of MiniLM, times the same with whole runs "
          + "(\(duration(whole.min() ?? 0)))", (cached.min() ?? 0) / (whole.min() ?? 1), .ratio,
        target: 0.6, runs: cached.count)
    ]
  }

  /// The memory of every estimator against that of passes alone, each in a process of its own.
  static let estimatorMemory = Benchmark(name: "estimator-memory") { session in
    // Sixteen sentences are measured two at a time, one in each thread: the first two will do.
    let samples = ["--samples", "16"]
    let passes = try Child.run(
      session.tool.path + "-bench", ["passes"] + samples, output: session.path("output"))
    guard passes.code == 0 else { throw UserError(.failed, "the passes failed") }
    return try Estimators.all.map { $0.id }.map { id in
      let child = try session.run(
        ["measure", RealModels.miniLM, "--data", RealModels.sentences] + samples
          + ["--all", "--formats", "int4-g64", "--estimator", id, "--time", "1s"]
          + ["--workers", "2", "--quiet", "--output", session.path("memory-\(id)")])
      return BenchRow(
        "estimator-memory",
        "\(id) on MiniLM, times a forward and a backward pass in each of two "
          + "threads (\(size(passes.peakBytes)))",
        Double(child.peakBytes) / Double(passes.peakBytes), .ratio, target: 2,
        peakBytes: child.peakBytes)
    }
  }
}

/// `bitbudget-bench passes`: forward and backward passes of MiniLM, a sentence in each of two threads, for
/// their memory.
struct PassesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "passes", abstract: "Forward and backward passes of MiniLM.", shouldDisplay: false)

  @Option(help: "Sentences.")
  var samples = 32

  func run() throws {
    let network = try RealNetwork.miniLM(samples: samples)
    try Engine.parallel(network.samples.count, workers: 2) { k in
      try network.passes(network.samples[k].inputs)
    }
  }
}
