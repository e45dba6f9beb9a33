import Calibration
import Foundation
import Sensitivity
import Tensors
import Vocabulary

extension Benchmark {
  /// Hessian-vector products against the same ones written in C++.
  static let hessianProduct = Benchmark(name: "hessian-product") { session in
    let program = session.path("hessian-product")
    let torch = ProcessInfo.processInfo.environment["LIBTORCH"]
    let headers = torch.map {
      ["-I", "\($0)/include", "-I", "\($0)/include/torch/csrc/api/include"]
    }
    let libraries = torch.map { ["-L\($0)/lib", "-Wl,-rpath,\($0)/lib"] }
    let compiler = try Child.run(
      "/usr/bin/env",
      ["g++", "-std=c++17", "-O2", "-w", "-o", program, "Results/hessian_product.cpp"]
        + (headers ?? ["-I", "/usr/include/torch/csrc/api/include"]) + (libraries ?? [])
        + ["-ltorch", "-ltorch_cpu", "-lc10"], output: session.path("output"))
    guard compiler.code == 0 else {
      throw UserError(.failed, "Results/hessian_product.cpp could not be compiled")
    }
    Engine.alone(workers: 1) {}  // one thread from here on, as over there
    let encoder = SyntheticEncoder()
    var own: [Double] = []
    var theirs: [Double] = []
    // In turn, so that both see the same disturbances.
    for _ in 0..<5 {
      let child = try Child.run(program, ["12"], output: session.path("output"))
      let words = try String(contentsOfFile: session.path("output"), encoding: .utf8)
        .split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
      guard child.code == 0, words.count == 2 else {
        throw UserError(.failed, "the C++ program failed")
      }
      let (seconds, trace) = try encoder.products(12)
      guard abs(trace - words[1]) <= 1e-3 * abs(words[1]) else {
        throw UserError(.failed, "the products differ: \(trace) here, \(words[1]) in C++")
      }
      theirs.append(words[0])
      own.append(seconds)
    }
    return [
      BenchRow(
        "hessian-product",
        "a Hessian-vector product of an encoder, times the same in C++ "
          + "(\(duration(theirs.min() ?? 0)))",
        (own.min() ?? 0) / (theirs.min() ?? 1), .ratio, target: 1.1, runs: own.count)
    ]
  }

  /// Traces of all of MiniLM's layers, and how much sooner they are there without second derivatives.
  static let traces = Benchmark(name: "traces") { _ in
    let network = try RealNetwork.miniLM(samples: 16)
    let task = try network.task(formats: ["int4-g64"])
    let first = try TraceRun(GaussNewtonTrace(), network, task)
    let second = try TraceRun(Hutchinson(), network, task)
    return [
      first.row("gauss-newton-trace"), second.row("hutchinson"),
      BenchRow(
        "traces", "gauss-newton-trace, time over hutchinson's at the same standard error",
        first.secondsToTarget / second.secondsToTarget, .ratio, target: 0.2),
    ]
  }
}

/// An estimator of traces on some samples, carried on to the wanted standard error.
private struct TraceRun {
  /// The standard error of the median layer, relative to its trace.
  static let target = 0.05

  let secondsToTarget: Double
  private let error: Double
  private let passes: Double
  private let samples: Double

  /// A trace's relative standard error is the score's: they differ by a factor for each layer.
  init(
    _ estimator: some SensitivityEstimator, _ network: RealNetwork, _ task: MeasurementTask
  ) throws {
    _ = try estimator.scores(
      of: SampleChunk(first: 0, samples: [network.samples[0].inputs]), in: task)
    var scores: [[[Double]]] = []
    let time = try processorSeconds { scores = try estimator.scores(of: network.chunk, in: task) }
    let errors = scores.map { group -> Double in
      let mean = SampleMean(group[0])
      return (mean.standardError ?? 0) / max(abs(mean.mean), .leastNormalMagnitude)
    }
    error = median(errors)
    // Errors fall with the root of the samples.
    let factor = (error / Self.target) * (error / Self.target)
    samples = Double(network.samples.count) * factor
    secondsToTarget = time * factor
    passes = estimator.forwardPasses(task) * samples
  }

  func row(_ name: String) -> BenchRow {
    BenchRow(
      "traces",
      "\(name) of MiniLM's layers to 5 %: \(fixed(samples.rounded(.up), digits: 0)) sentences, "
        + "\(fixed(passes, digits: 0)) forward passes, one thread", secondsToTarget, .seconds,
      target: nil)
  }
}
