import Models
import Quantization
import Sensitivity
import Tensors
import Testing
import Vocabulary

/// Statistics of weights and streams with known answers.
@Suite struct WeightStatisticTests {
  @Test func shareOfLargeWeights() throws {
    // Mean 2, population deviation 4: one of five is two deviations above.
    let weights = Tensor([0, 0, 0, 0, 10] as [Float], shape: [1, 5])
    #expect(abs(try ZScoreDistribution.share(of: weights) - 0.2) < 1e-6)
    #expect(try ZScoreDistribution.share(of: .zeros([2, 3])) == 0)
  }

  @Test func outlierScoreIsTheWorstColumns() throws {
    // Columns (1, 3) and (2, −8): 3 / 2 and 8 / 5.
    let weights = Tensor([1, 2, 3, -8] as [Float], shape: [2, 2])
    #expect(abs(try Outlier.score(of: weights) - 1.6) < 1e-6)
    #expect(try Outlier.score(of: .zeros([2, 3])) == 1)
  }

  @Test func kurtosisOfKnownDistributions() throws {
    #expect(abs(try Kurtosis.kurtosis(of: Tensor([-1, 1] as [Float], shape: [2])) - 1) < 1e-6)
    // Nine zeros and a ten: variance 9, fourth moment (9 · 1 + 9⁴) / 10 = 657.
    let spike = Tensor([Float](repeating: 0, count: 9) + [10], shape: [10])
    #expect(abs(try Kurtosis.kurtosis(of: spike) - 657.0 / 81) < 1e-4)
    let tiny = try spike * 1e-12
    #expect(abs(try Kurtosis.kurtosis(of: tiny) - 657.0 / 81) < 1e-3)
  }

  @Test func divergenceOfHistograms() throws {
    let weights = ToyNetworks.random([64, 64], seed: 9)
    #expect(try WeightKL.divergence(of: weights, from: weights) == 0)
    // Half of the weights at either end against all at the lower one:
    // p = (101 / 300, 1 / 300, ..., 101 / 300), q = (201 / 300, 1 / 300, ...).
    let half = Tensor(
      [Float](repeating: 0, count: 100) + [Float](repeating: 1, count: 100), shape: [200])
    let low = Tensor.zeros([200])
    // 101/300 · (ln(101/201) + ln(101/1))
    let expected = 101.0 / 300 * (-0.6881845 + 4.6151205)
    #expect(abs(try WeightKL.divergence(of: half, from: low) - expected) < 1e-6)
  }

  @Test func coarserFormatsDivergeMore() throws {
    let weights = ToyNetworks.random([64, 128], seed: 10)
    let values = try [8, 6, 4, 3, 2].map { bits in
      let format = try Formats.named("int\(bits)-tensor")
      let changed = try weights.withFloats { source in
        try Tensor.filled(shape: [64, 128]) {
          try format.roundTrip(source, shape: WeightShape(rows: 64, columns: 128), into: $0)
        }
      }
      return try WeightKL.divergence(of: weights, from: changed)
    }
    for (finer, coarser) in zip(values, values.dropFirst()) { #expect(finer < coarser) }
  }

  /// A residual block `y = x + W x` of two dimensions.
  private func block(_ weights: [Float]) -> Graph {
    var b = GraphBuilder(name: "block (synthetic)", architecture: "toy")
    let x = b.input("x", shape: [nil, nil, 2], dtype: .float32)
    let w0 = b.parameter("embed", shape: [2, 2], storedBytes: 16) {
      Tensor([1, 0, 0, 1] as [Float], shape: [2, 2])
    }
    let w = b.parameter("w", shape: [2, 2], storedBytes: 16) { Tensor(weights, shape: [2, 2]) }
    let stream = b.node("stem", Linear(), x, w0, nil)
    let branch = b.node("block.0.linear", Linear(), stream, w, nil)
    let y = b.node("sum", Binary.add, stream, branch)
    return b.finished(output: y, head: .vector, files: [])
  }

  /// `LIM = −cos`: −1 for a block that changes nothing, 1 for one that turns its input round, 0 for a
  /// right angle.
  @Test func blockThatTurnsItsInput() throws {
    let sample = SampleChunk(first: 0, samples: [["x": ToyNetworks.random([1, 5, 2], seed: 3)]])
    for (weights, expected) in [
      ([0, 0, 0, 0], 0.0), ([-2, 0, 0, -2], 2.0), ([-1, -1, 1, -1], 1.0),
    ] as [([Float], Double)] {
      let task = MeasurementTask(
        executor: Executor(block(weights)), groups: [], seed: 1, workers: 1)
      let importance = try LayerInputModification().importance(of: sample, in: task)
      #expect(importance[0] == 1)  // the stem has no block
      #expect(abs(importance[1] - expected) < 1e-6)
    }
  }
}
