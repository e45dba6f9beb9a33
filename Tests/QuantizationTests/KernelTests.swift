import Archives
import Quantization
import TestSupport
import Testing
import Vocabulary

/// Weights that are hard on a quantizer, 4 rows of `columns` each.
private func hardCases(columns: Int) -> [(name: String, weights: [Float])] {
  let count = 4 * columns
  var generator = SplitMix64(seed: UInt64(columns))
  func random(_ value: (Double) -> Float) -> [Float] {
    (0..<count).map { _ in value(generator.uniform()) }
  }
  var outlier = bell(count, width: 0.02, seed: 3)
  outlier[count / 2] = -7.5
  let ties = (0..<count).map { k in (Float(k % 31) - 15) / 2 }  // halves of a step at many widths
  return [
    ("bell", bell(count, width: 0.05, seed: 1)),
    ("wide bell", bell(count, width: 100, seed: 2)),
    ("outlier", outlier),
    ("ties", ties),
    ("ties on a small scale", ties.map { $0 * 0x1p-10 }),
    ("constant", [Float](repeating: 0.1, count: count)),
    ("negative constant", [Float](repeating: -3, count: count)),
    ("zeros", [Float](repeating: 0, count: count)),
    ("signed zeros", random { $0 < 0.5 ? -0.0 : 0.0 }),
    ("positive", random { Float($0) + 0.5 }),
    ("narrow beside its offset", random { 1000 + Float($0) }),
    ("very narrow beside its offset", random { -60000 - Float($0) / 64 }),
    ("subnormal scales", random { Float($0 - 0.5) * 1e-5 }),
    ("vanishing scales", random { Float($0 - 0.5) * 1e-7 }),
    ("subnormal singles", random { Float($0 - 0.5) * 0x1p-127 }),
    ("at the end of the halves", random { Float($0 - 0.5) * 131_000 }),
  ]
}

@Suite struct KernelTests {
  @Test(arguments: Formats.all.compactMap { $0 as? IntegerFormat })
  func agreesWithTheScalarTwin(format: IntegerFormat) throws {
    for columns in [1, 2, 7, 8, 9, 17, 128, 384] {
      let shape = WeightShape(rows: 4, columns: columns)
      guard format.refusal(of: shape) == nil else { continue }
      for (name, weights) in hardCases(columns: columns) {
        let value = try format.roundTrip(weights, shape: shape)
        let expected = scalarRoundTrip(weights, shape, format)
        #expect(bits(value) == bits(expected), "\(name), \(columns) columns")
      }
    }
  }

  @Test(arguments: Formats.all.compactMap { $0 as? IntegerFormat })
  func agreesWithNumPy(format: IntegerFormat) throws {
    let file = try NPZFile(Fixtures.path("references/quantization.npz"))
    let weight = try file.array("weight")
    let shape = WeightShape(rows: weight.shape[0], columns: weight.shape[1])
    let value = try format.roundTrip(weight.floats(), shape: shape)
    // NumPy's codes are floats and keep a sign of zero; + 0 drops it.
    let expected = try file.array(format.explicitName).floats().map { $0 + 0 }
    #expect(bits(value) == bits(expected))
  }

  @Test func halvesAreRoundedLikeTheProcessorRoundsThem() throws {
    // Every half, what lies between neighbours, and the singles beside both.
    let halves = (UInt16(0)..<0x7C00).map { Float(Float16(bitPattern: $0)) }
    let middles = zip(halves, halves.dropFirst()).map { ($0 + $1) / 2 }
    let positive = (halves + middles + [65519.996]).flatMap { [$0.nextDown, $0, $0.nextUp] }
      .filter { $0 < 65520 }
    let values = positive + positive.map { -$0 }
    let shape = WeightShape(rows: 1, columns: values.count)
    let rounded = try FloatFormat.fp16.roundTrip(values, shape: shape)
    #expect(bits(rounded) == bits(values.map { Float(Float16($0)) }))
  }

  @Test func bfloat16IsTheNearerNeighbour() throws {
    var generator = SplitMix64(seed: 5)
    let largest = Float(bitPattern: 0x7F7F_0000)
    var values = (0..<100_000).map { _ in
      Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()))
    }
    values += (0..<1000).map { Float(bitPattern: 0x3F80_8000 &+ UInt32($0) << 16) }  // ties
    values = values.filter { abs($0) <= largest }
    let shape = WeightShape(rows: values.count, columns: 1)
    let rounded = try FloatFormat.bf16.roundTrip(values, shape: shape)
    let expected = values.map { value in
      let below = Float(bitPattern: value.bitPattern & 0xFFFF_0000)
      let above = Float(bitPattern: below.bitPattern &+ 0x1_0000)
      let nearer = abs(Double(value) - Double(below)) - abs(Double(above) - Double(value))
      if nearer == 0 { return below.bitPattern & 0x1_0000 == 0 ? below : above }
      return nearer < 0 ? below : above
    }
    #expect(bits(rounded) == bits(expected))
  }

  @Test(arguments: roundingFormats)
  func resultMayTakeThePlaceOfTheWeights(name: String) throws {
    let format = try Formats.named(name)
    let shape = WeightShape(rows: 40, columns: 256)  // more groups than are worked on at once
    let weights = bell(shape.count, width: 0.05, seed: 6)
    var value = weights
    try value.withUnsafeMutableBufferPointer { value in
      try format.roundTrip(UnsafeBufferPointer(value), shape: shape, into: value)
    }
    #expect(try bits(value) == bits(format.roundTrip(weights, shape: shape)))
  }
}
