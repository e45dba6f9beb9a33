import Costs
import Quantization
import Testing
import Vocabulary

/// MACs, BOPs, energy and bytes in memory, by hand.
@Suite struct GeometryTests {
  /// ResNet's first layer: 7 x 7 with stride 2 over 224 x 224.
  static let stem = LayerWork.convolution(
    ConvolutionWork(
      batch: 1, channels: 3, outputs: 64, groups: 1, size: [224, 224], kernel: [7, 7],
      stride: [2, 2], dilation: [1, 1], before: [3, 3], after: [3, 3]))

  static let depthwise = LayerWork.convolution(
    ConvolutionWork(
      batch: 2, channels: 32, outputs: 32, groups: 32, size: [10, 10], kernel: [3, 3],
      stride: [1, 1], dilation: [2, 2], before: [2, 2], after: [2, 2]))

  static func model(_ layers: [LayerGeometry], samples: Int = 1) -> ModelGeometry {
    ModelGeometry(
      model: .init(name: "m", architecture: "onnx", digest: "sha256:1", weights: 1),
      samples: samples, inputs: ["x": [samples, 3]], layers: layers, workspace: 1000 * samples,
      cache: .init(elementsPerToken: 64, tokens: 8))
  }

  @Test func macsAreThoseOfTheTextbook() {
    #expect(Self.stem.macs == 118_013_952)
    #expect(Self.stem.outputElements == 64 * 112 * 112 && Self.stem.inputElements == 3 * 224 * 224)
    #expect(Self.depthwise.macs == 2 * 32 * 10 * 10 * 9)
    #expect(LayerWork.product(rows: 5, inputs: 7, outputs: 11).macs == 385)
    #expect(LayerWork.lookup(rows: 5, width: 7).macs == 0)
    #expect(LayerWork.lookup(rows: 5, width: 7).outputElements == 35)
    #expect(Self.stem.text == "1x3x224x224 -> 64, 7x7/2x2")
    #expect(Self.depthwise.text == "2x32x10x10 -> 32, 3x3 depthwise")
  }

  @Test func precisionsKnowTheirArithmetic() throws {
    func precision(_ weight: String, _ activation: String? = nil) throws -> Precision {
      try Precision(weight: weight, activation: activation)
    }
    let full = try precision("fp32")
    #expect(full.arithmetic == [.fp32] && full.weightBits == 32 && full.activationBits == 32)
    let half = try precision("bf16")
    #expect(half.arithmetic == [.bf16] && half.weightBits == 16 && half.activationBits == 16)
    let both = try precision("int8-channel", "int8-tensor")
    #expect(both.arithmetic == [.int8] && both.activationBits == 8 && both.hasStaticCodes)
    #expect(both.name == "int8-channel/int8-tensor")
    #expect(try precision("int4-channel-sym", "int4-tensor").arithmetic == [.int4, .int8])
    // No integer kernel sums over several scales, or over offsets of weights.
    #expect(try precision("int8-g64", "int8-tensor").arithmetic.isEmpty)
    #expect(try precision("int8-channel-asym", "int8-tensor").arithmetic.isEmpty)
    #expect(try precision("int8-channel", "int8-channel").arithmetic.isEmpty)
    #expect(try !precision("int8-channel", "int8-token").hasStaticCodes)
    let stored = try precision("int4-g64")
    #expect(stored.arithmetic.isEmpty && stored.weightBits == 4 && stored.activationBits == 32)
    #expect(throws: UserError.self) { try precision("int9-g64") }
  }

  @Test func aTableGetsItsCostsPerSample() throws {
    let layers = [
      LayerGeometry(name: "a", uses: [.product(rows: 8, inputs: 64, outputs: 32)]),
      LayerGeometry(name: "b", uses: [Self.depthwise, Self.depthwise]),
    ]
    let table = SensitivityTable(
      unit: "nats",
      groups: ["a", "b"].map { name in
        GroupSensitivity(
          name: name, layers: [name], weights: 2048,
          candidates: [
            Candidate(format: "fp32", loss: 0, bytes: 8192),
            Candidate(
              format: "int8-channel", activation: "int8-tensor", loss: 1, bytes: 2112),
            Candidate(format: "somebody's", loss: 2, bytes: 7),
          ])
      }, fixedBytes: 500)
    let energy = try EnergyTable(
      parsing: """
        schemaVersion: 1
        macs: {fp32: 4.0, fp16: 2.0, int8: 0.5}
        bytes: {memory: 100, cache: 1}
        """, file: "e.yaml")
    let costed = try table.costed(
      by: Self.model(layers, samples: 2), layers: [], energy: energy,
      memory: ResidentMemory(context: 16, batch: 3))
    let a = costed.table.groups[0].candidates
    let macs: Double = 8192
    #expect(a[0].bops == macs * 1024)
    #expect(a[1].bops == macs * 64)
    #expect(a[2].bops == nil && a[2].energy == nil)
    let arithmetic: Double = 8 * 64 * 32 * 4
    let traffic: Double = 8192 * 100 + 768 * 4
    let picojoules = arithmetic + traffic
    #expect(abs((a[0].energy ?? 0) - picojoules * 1e-9 / 2) < 1e-15)
    #expect(costed.table.groups[1].candidates[1].bops == Double(57600 * 64))
    #expect(a[0].resident == 8192)
    // 64 halves for each of 16 positions of 3 sequences; a workspace of 1000 a sequence.
    let fixed: Double = 500 + 6144 + 3000
    #expect(costed.table.fixedCosts == ["resident": fixed])
    #expect(costed.table.costs == ["bytes", "bops", "energy", "resident"])
    #expect(throws: UserError.self) {
      try table.costed(by: Self.model([layers[0]]), layers: [])
    }
  }

  @Test func aCacheTakesWhatItsFormatStores() throws {
    let model = Self.model([])
    func bytes(_ format: String) throws -> Int {
      try ResidentMemory(context: 10, batch: 2, cacheFormat: Formats.named(format))
        .cacheBytes(model)
    }
    #expect(try bytes("fp16") == 20 * 128)
    #expect(try bytes("q8_0") == 20 * 2 * 34)
    #expect(throws: UserError.self) { try bytes("int8-g128") }
    #expect(throws: UserError.self) {
      try ResidentMemory(context: .max / 2, batch: 4).cacheBytes(model)
    }
  }
}
