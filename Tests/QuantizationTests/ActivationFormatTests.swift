import Quantization
import Testing
import Vocabulary

/// What formats of layers' inputs are held to.
@Suite struct ActivationFormatTests {
  @Test func namesComeBack() throws {
    for plain in ActivationFormat.all {
      #expect(try ActivationFormat.named(plain.name) == plain)
      guard !plain.isDynamic else {
        #expect(throws: UserError.self) { try ActivationFormat.named(plain.name + "+mse") }
        #expect(throws: UserError.self) { try ActivationFormat.named(plain.name + "@8") }
        continue
      }
      for method in RangeMethod.allCases {
        for samples in [nil, 1, 64] {
          var format = plain
          (format.method, format.samples) = (method, samples)
          #expect(try ActivationFormat.named(format.name) == format)
        }
      }
    }
    #expect(Set(ActivationFormat.all.map(\.name)).count == ActivationFormat.all.count)
    #expect(try ActivationFormat.named("int8-tensor-asym").name == "int8-tensor")
    #expect(try ActivationFormat.named("int8-token-sym").name == "int8-token")
  }

  @Test(arguments: [
    "", "int8", "int9-tensor", "int8-tensor+", "int8-tensor+kl", "int8-tensor@0", "int8-tensor@x",
    "int8-tensor@", "fp8-e4m3-tensor-sym", "int8-g64",
  ])
  func strangeNamesAreRefused(name: String) {
    #expect(throws: UserError.self) { try ActivationFormat.named(name) }
  }

  @Test func pairsOfFormats() throws {
    let pair = try LayerFormat.named("int8-channel-sym/int8-tensor-asym+entropy@8")
    #expect(pair.name == "int8-channel/int8-tensor+entropy@8")
    #expect(try LayerFormat.named("int4-g64").activation == nil)
    #expect(throws: UserError.self) { try LayerFormat.named("int4-g64/") }
    #expect(throws: UserError.self) { try LayerFormat.named("/int8-tensor") }
    let shape = WeightShape(rows: 4, columns: 10)
    let names = ["int4-g64/int8-token", "int4-channel/int8-token", "int4-channel"]
    // The stand-in keeps the input's format, and is there once; a table's indices are not rounded.
    #expect(
      try LayerFormat.candidates(for: shape, from: names).map(\.name) == [
        "int4-channel/int8-token", "int4-channel",
      ])
    #expect(
      try LayerFormat.candidates(for: shape, hasInput: false, from: names).map(\.name) == [
        "int4-channel"
      ])
  }

  /// Of QuantizeLinear's own documentation: `scale = (max − min) / 255`, `zero = round(−min / scale)`.
  @Test func gridsOfKnownRanges() {
    let lopsided = ActivationGrid(low: -1, high: 3, bits: 8, .asymmetric)
    #expect(lopsided.scale == 4 / 255 && lopsided.zero == 64)
    // Ranges are widened to hold zero.
    let positive = ActivationGrid(low: 2, high: 5.1, bits: 8, .asymmetric)
    #expect(positive.scale == 5.1 / 255 && positive.zero == 0)
    let symmetric = ActivationGrid(low: -1, high: 3, bits: 8, .symmetric)
    #expect(symmetric.scale == 3 / 127 && symmetric.zero == 0 && symmetric.lowest == -128)
    #expect(ActivationGrid(low: 0, high: 5.1, bits: 8, .symmetricUnsigned).scale == 5.1 / 255)
    #expect(ActivationGrid(low: -0.1, high: 5.1, bits: 8, .symmetricUnsigned).lowest == -128)
    #expect(ActivationGrid(low: -1, high: 3, bits: 8, .powerOfTwo).scale == 0x1p-5)
    #expect(ActivationGrid(low: -1, high: 127 * 0.25, bits: 8, .powerOfTwo).scale == 0.25)
    for (low, high) in [(0, 0), (Float.nan, 1), (0, Float.infinity), (0, 1e-44)] as [(Float, Float)]
    {
      let grid = ActivationGrid(low: low, high: high, bits: 8, .asymmetric)
      #expect(grid.roundTrip(3) == 0, "\(low) \(high)")
    }
  }

  @Test(arguments: ActivationFormat.Scheme.allCases)
  func gridsAreNearAndKeepZero(scheme: ActivationFormat.Scheme) {
    var generator = SplitMix64(seed: 3)
    for _ in 0..<2_000 {
      let bits = ActivationFormat.widths[Int(generator.next() % 8)]
      let low = Float(generator.uniform() * 6 - 4)
      let high = low + Float(generator.uniform() * 8)
      let grid = ActivationGrid(low: low, high: high, bits: bits, scheme)
      #expect(grid.roundTrip(0) == 0)
      let value = Float(generator.uniform() * 12 - 6)
      let rounded = grid.roundTrip(value)
      #expect(grid.roundTrip(rounded) == rounded)
      let ends = (grid.lowest - grid.zero) * grid.scale...(grid.highest - grid.zero) * grid.scale
      if ends.contains(value) {
        #expect(abs(rounded - value) <= grid.scale * 0.5001)
      } else {
        #expect(rounded == ends.lowerBound || rounded == ends.upperBound)
      }
    }
  }

  /// Counts of a bell curve with the standard deviation 1, and maybe one number far out.
  private func bell(outlier: Float? = nil) -> ActivationStatistics {
    let reach = outlier ?? 6
    var it = ActivationStatistics(
      low: -reach, high: reach, averageLow: -4, averageHigh: 4, channelLows: [-reach],
      channelHighs: [reach])
    var generator = SplitMix64(seed: 9)
    let bins = Float(ActivationStatistics.binCount)
    for _ in 0..<200_000 {
      let x = Float((0..<12).reduce(-6.0) { sum, _ in sum + generator.uniform() })
      it.counts[min(Int((x + reach) / (2 * reach) * bins), Int(bins) - 1)] += 1
      it.magnitudes[min(Int(abs(x) / reach * bins), Int(bins) - 1)] += 1
    }
    if outlier != nil {
      it.counts[it.counts.count - 1] += 1
      it.magnitudes[it.magnitudes.count - 1] += 1
    }
    return it
  }

  @Test func methodsClipAsTheyShould() {
    let (plain, wild) = (bell(), bell(outlier: 100))
    let four = ActivationFormat.Element.integer(bits: 4, .symmetric)
    let eight = ActivationFormat.Element.integer(bits: 8, .symmetric)
    #expect(RangeMethod.extremes.range(of: plain, for: eight) == -6...6)
    #expect(RangeMethod.average.range(of: plain, for: eight) == -4...4)
    // 0.005 % of 200 000 are 10 numbers at either end, to a bin.
    let percentile = RangeMethod.percentile.range(of: plain, for: eight)
    let width = 12 / Float(plain.counts.count)
    let above = plain.counts.enumerated().filter {
      -6 + Float($0.offset) * width > percentile.upperBound - width / 2
    }.reduce(0) { $0 + $1.element }
    #expect(above <= 10 && percentile.upperBound > 3 && percentile.upperBound < 4)
    #expect(percentile.lowerBound < -3 && percentile.lowerBound > -4)
    // The best clipping of a bell curve: 2.55 for 4 bits, 3.9 for 8 (Banner et al., 2019).
    #expect(abs(RangeMethod.squaredError.range(of: plain, for: four).upperBound - 2.55) < 0.25)
    #expect(abs(RangeMethod.squaredError.range(of: plain, for: eight).upperBound - 3.9) < 0.4)
    // One number far out of 200 000 must not cost everything else its steps.
    #expect(RangeMethod.percentile.range(of: wild, for: eight).upperBound < 5)
    #expect(RangeMethod.entropy.range(of: wild, for: eight).upperBound < 20)
    #expect(RangeMethod.squaredError.range(of: wild, for: four).upperBound < 20)
  }

  /// Whatever was counted, ranges are within the extremes and hold together.
  @Test func rangesAreRanges() {
    var generator = SplitMix64(seed: 11)
    for round in 0..<20 {
      let low = Float(generator.uniform() * 4 - 3)
      let high = low + Float(generator.uniform() * 5)
      var it = ActivationStatistics(
        low: low, high: high, averageLow: low * 0.9, averageHigh: high, channelLows: [low],
        channelHighs: [high])
      if round > 4 {
        for _ in 0..<Int(generator.next() % 500) {
          it.counts[Int(generator.next() % 2048)] += 1
          it.magnitudes[Int(generator.next() % 2048)] += 1
        }
      }
      for method in RangeMethod.allCases {
        let range = method.range(of: it, for: .integer(bits: 8, .asymmetric))
        #expect(range.lowerBound >= min(low, low * 0.9) - 1e-5, "\(method)")
        #expect(range.upperBound <= max(high, high * 0.1) + 1e-5, "\(method)")
      }
    }
  }
}

/// Clipping of weights.
@Suite struct ClippedFormatTests {
  /// Never worse than without clipping, in any group; better on heavy tails.
  @Test(arguments: ["int2-g64", "int3-g32-sym", "int4-g64", "int4-channel", "int8-g128"])
  func errorsAreNeverLarger(name: String) throws {
    let shape = WeightShape(rows: 16, columns: 256)
    var generator = SplitMix64(seed: 2)
    let weights = (0..<shape.count).map { _ -> Float in
      let x = Float((0..<6).reduce(-3.0) { sum, _ in sum + generator.uniform() })
      return x * x * x  // heavy tails
    }
    let plain = try Formats.named(name).roundTrip(weights, shape: shape)
    let clipped = try Formats.named(name + "+mse").roundTrip(weights, shape: shape)
    func error(_ result: [Float], _ range: Range<Int>) -> Double {
      range.reduce(0.0) { $0 + Double((result[$1] - weights[$1]) * (result[$1] - weights[$1])) }
    }
    let lengths = ["int2-g64": 64, "int3-g32-sym": 32, "int4-g64": 64, "int4-channel": 256]
    let length = lengths[name] ?? 128
    for start in stride(from: 0, to: shape.count, by: length) {
      let range = start..<start + length
      #expect(error(clipped, range) <= error(plain, range) * 1.000001)
    }
    // With 8 bits there is little to gain.
    let all = 0..<shape.count
    #expect(error(clipped, all) <= error(plain, all) * (name == "int8-g128" ? 1 : 0.95))
    #expect(
      try Formats.named(name + "+mse").bytes(of: shape) == Formats.named(name).bytes(of: shape))
  }
}
