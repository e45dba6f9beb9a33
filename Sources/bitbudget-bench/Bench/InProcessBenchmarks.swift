import Foundation
import Quantization
import Tuning
import Vocabulary

extension Benchmark {
  /// The integer program of SmolLM2, without the process and the reading of the study around it.
  static let integerProgram = Benchmark(name: "ilp") { session in
    let source = try PlanningSource(session.smolLM2Study(), estimator: nil, raw: false)
    let times = try [3.0, 4, 5].map { limit in
      try seconds {
        _ = try source.plan(
          PlanningOptions(
            budgets: [Budget(.bpw, limit)], estimator: nil, optimizer: "ilp", pins: [], raw: false,
            timeLimit: 20))
      }
    }
    return [
      BenchRow(
        "ilp", "the integer program of 211 x 6 candidates, in process, at 3, 4 and 5 bpw",
        median(times), .seconds, target: nil, runs: times.count)
    ]
  }

  /// Quantizing and dequantizing a matrix, against copying it.
  static let roundTrip = Benchmark(name: "round-trip") { _ in
    let shape = WeightShape(rows: 4096, columns: 4096)
    let format = try Formats.named("int4-g64")
    var generator = SplitMix64(seed: 1)
    let weights = (0..<shape.count).map { _ in Float(generator.uniform() - 0.5) }
    var result = [Float](repeating: 0, count: shape.count)
    var copies: [Double] = []
    var trips: [Double] = []
    // In turn, so that both see the same disturbances; the first round warms up.
    for round in 0..<6 {
      let copy = seconds {
        result.withUnsafeMutableBytes { target in
          weights.withUnsafeBytes { target.copyMemory(from: $0) }
        }
      }
      let trip = try seconds {
        try weights.withUnsafeBufferPointer { weights in
          try result.withUnsafeMutableBufferPointer { result in
            try format.roundTrip(weights, shape: shape, into: result)
          }
        }
      }
      if round > 0 {
        copies.append(copy)
        trips.append(trip)
      }
    }
    return [
      BenchRow(
        "round-trip", "int4-g64 of 4096 x 4096, times a copy (\(duration(median(copies))))",
        median(trips) / median(copies), .ratio, target: 4, runs: trips.count)
    ]
  }
}

/// Wall time of `body`.
func seconds(_ body: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  return try clock.measure { try body() } / .seconds(1)
}

/// Processor time of this process during `body`: for work of one thread, which others that share the core
/// make longer but not more.
func processorSeconds(_ body: () throws -> Void) rethrows -> Double {
  func used() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
  let before = used()
  try body()
  return used() - before
}
