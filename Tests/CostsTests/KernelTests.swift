import Kernels
import Testing
import Vocabulary

/// The real kernels compute what their formats say.
@Suite struct KernelTests {
  static let shapes: [KernelShape] = [
    KernelShape(rows: 5, inputs: 24, outputs: 17),
    KernelShape(rows: 1, inputs: 64, outputs: 32),
    KernelShape(
      batch: 2, channels: 6, outputs: 10, groups: 2,
      axes: [
        .init(size: 9, kernel: 3, stride: 2, dilation: 1, before: 0, after: 1),
        .init(size: 7, kernel: 3, stride: 1, dilation: 2, before: 2, after: 1),
      ]),
    KernelShape(
      batch: 1, channels: 8, outputs: 8, groups: 8,
      axes: [
        .init(size: 6, kernel: 5, stride: 1, dilation: 1, before: 2, after: 2),
        .init(size: 6, kernel: 5, stride: 1, dilation: 1, before: 2, after: 2),
      ]),
    KernelShape(
      batch: 1, channels: 4, outputs: 6, groups: 1,
      axes: [.init(size: 11, kernel: 3, stride: 2, dilation: 1, before: 1, after: 0)]),
  ]

  /// The sum of products, one after the other, in Double.
  private func reference(_ shape: KernelShape, _ x: [Float], _ w: [Float], _ b: [Float])
    -> [Double]
  {
    let inside = shape.channels / shape.groups
    let sizes = shape.axes.map(\.size)
    let results = Array(shape.resultSizes.dropFirst().dropLast())
    let taps = shape.axes.map(\.kernel)
    func places(_ sizes: [Int]) -> [[Int]] {
      sizes.reduce([[]]) { places, size in places.flatMap { p in (0..<size).map { p + [$0] } } }
    }
    var y: [Double] = []
    for n in 0..<shape.batch {
      for place in places(results) {
        for o in 0..<shape.outputs {
          var sum = Double(b[o])
          let first = o / (shape.outputs / shape.groups) * inside
          for i in 0..<inside {
            for (t, tap) in places(taps).enumerated() {
              var index = n
              var isInside = true
              for (a, axis) in shape.axes.enumerated() {
                let at = place[a] * axis.stride + tap[a] * axis.dilation - axis.before
                if at < 0 || at >= sizes[a] { isInside = false }
                index = index * sizes[a] + at
              }
              guard isInside else { continue }
              let weight = w[(o * inside + i) * taps.reduce(1, *) + t]
              sum += Double(weight) * Double(x[index * shape.channels + first + i])
            }
          }
          y.append(sum)
        }
      }
    }
    return y
  }

  private func values(_ count: Int, _ seed: UInt64, codes: ClosedRange<Int>, step: Float) -> [Float]
  {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in
      Float(codes.lowerBound + Int(random.next() % UInt64(codes.count))) * step
    }
  }

  private func run(_ kernel: Kernel, _ x: [Float]) throws -> [Float] {
    try [Float](unsafeUninitializedCapacity: kernel.shape.outputCount) { buffer, count in
      buffer.initialize(repeating: .nan)
      if let y = buffer.baseAddress { try kernel.run(x, into: y) }
      count = kernel.shape.outputCount
    }
  }

  @Test(arguments: shapes, KernelFormat.allCases)
  func aKernelIsItsLayer(_ shape: KernelShape, _ format: KernelFormat) throws {
    // Values that every format holds exactly: the result is exact but for the order of the sums.
    let w = values(shape.weights, 1, codes: -127...127, step: 0.25)
    let b = values(shape.outputs, 2, codes: -9...9, step: 0.5)
    for codes in [
      ActivationCodes(scale: 0.5), ActivationCodes(scale: 0.5, zero: 37),
      ActivationCodes(scale: 0.5, isSigned: true),
    ] {
      let range = codes.isSigned ? -128...127 : (-codes.zero)...(255 - codes.zero)
      let x = values(shape.inputCount, 3, codes: range, step: 0.5)
      let kernel = try w.withUnsafeBufferPointer {
        try Kernel(
          shape, format: format, weights: $0, bias: b,
          weightScales: [Float](repeating: 0.25, count: shape.outputs), activation: codes)
      }
      #expect(!kernel.implementation.isEmpty)
      let expected = reference(shape, x, w, b)
      let y = try run(kernel, x)
      let size = expected.map(abs).max() ?? 1
      #expect(y.count == expected.count)
      #expect(zip(y, expected).allSatisfy { abs(Double($0) - $1) <= 1e-5 * size })
    }
  }

  @Test func codesSaturateAndResultsAreClamped() throws {
    let shape = KernelShape(rows: 1, inputs: 2, outputs: 2)
    let kernel = try [Float]([1, 0, 0, 1]).withUnsafeBufferPointer {
      try Kernel(
        shape, format: .int8, weights: $0, weightScales: [1, 1],
        activation: ActivationCodes(covering: 0...25.5), clamp: 0...20)
    }
    let small = try run(kernel, [3.04, 7])
    #expect(abs(small[0] - 3) < 1e-5 && abs(small[1] - 7) < 1e-5)
    #expect(try run(kernel, [-4, 1000]) == [0, 20])
  }

  @Test func aRangeBecomesCodesThatHoldIt() {
    let lopsided = ActivationCodes(covering: -1...3)
    #expect(lopsided.zero == 64 && abs(lopsided.scale - 4 / 255) < 1e-7 && !lopsided.isSigned)
    #expect(ActivationCodes(covering: 2...6).zero == 0)
    #expect(ActivationCodes(covering: 0...0).scale == 1)
  }

  @Test func whatNoKernelHasIsAnError() {
    #expect(throws: KernelError.self) {
      try [Float]([1]).withUnsafeBufferPointer {
        try Kernel(
          KernelShape(batch: 1, channels: 0, outputs: 1, groups: 1, axes: []), format: .fp32,
          weights: .init(rebasing: $0[..<0]))
      }
    }
  }

  @Test func timingsAreMediansAndSayWhatDisturbedThem() {
    let timing = Timing(of: [1.0, 1.1, 0.9, 1.05, 9])
    #expect(timing.milliseconds == 1.05 && timing.repetitions == 5 && timing.outliers == 1)
    #expect(abs(timing.spread - 0.05) < 1e-9)
    #expect(Timing(of: [2, 4]).milliseconds == 3)
    var prepared = 0
    var ran = 0
    var effort = TimingEffort()
    (effort.warmUps, effort.fewest, effort.most) = (2, 5, 5)
    let counted = Timing.measuring(effort, preparing: { prepared += 1 }) { ran += 1 }
    #expect(prepared == 7 && ran == 7 && counted.repetitions == 5)
  }
}
