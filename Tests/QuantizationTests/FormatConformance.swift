import Archives
import Quantization
import TestSupport
import Testing
import Vocabulary

/// What every format of the catalogue is held to.
@Suite struct FormatConformance {
  /// Shapes of real layers, and odd ones.
  private static let shapes = [
    (576, 576), (1536, 576), (1000, 576), (384, 1536), (32, 27), (96, 9), (1, 1), (7, 13),
    (3, 160),
    (0, 64), (64, 0),
  ].map { WeightShape(rows: $0.0, columns: $0.1) }

  private static func realWeights() throws -> ([Float], WeightShape) {
    let weight = try NPZFile(Fixtures.path("references/quantization.npz")).array("weight")
    return (weight.floats(), WeightShape(rows: weight.shape[0], columns: weight.shape[1]))
  }

  /// Bytes, counted code by code from what the name says.
  private static func countedBytes(_ name: String, _ shape: WeightShape) throws -> Int? {
    if let size = ["fp32": 4, "fp16": 2, "bf16": 2][name] {
      return shape.count == 0 ? nil : (0..<shape.count).reduce(0) { sum, _ in sum + size }
    }
    let blocks = [
      "q4_0": (32, 18), "q4_1": (32, 20), "q5_0": (32, 22), "q5_1": (32, 24), "q8_0": (32, 34),
      "mxfp4": (32, 17), "tq1_0": (256, 54), "tq2_0": (256, 66), "mxfp8": (32, 33),
      "nvfp4": (16, 9), "q2_k": (256, 84), "q3_k": (256, 110), "q4_k": (256, 144),
      "q5_k": (256, 176), "q6_k": (256, 210), "iq4_nl": (32, 18), "iq4_xs": (256, 136),
      "mlx-mxfp4": (32, 17), "mlx-nvfp4": (16, 9),
    ]
    if let (weights, bytes) = blocks[name] {
      let isRefused = shape.count == 0 || shape.columns % weights != 0
      let tensor = name == "nvfp4" ? 4 : 0
      return isRefused ? nil : shape.rows * (shape.columns / weights) * bytes + tensor
    }
    if name.hasPrefix("nf4") {
      guard shape.count > 0, shape.columns % 64 == 0 else { return nil }
      let scales = shape.rows * (shape.columns / 64)
      let scaleBytes =
        name.hasSuffix("dq256") ? scales + 4 * ((scales + 255) / 256) + 4 : 4 * scales
      return shape.rows * (shape.columns / 2) + scaleBytes
    }
    if name.hasPrefix("fp8") {
      let scales = name.hasSuffix("channel") ? shape.rows : name.hasSuffix("tensor") ? 1 : 0
      return shape.count == 0 ? nil : shape.count + 4 * scales
    }
    var parts = name.split { $0 == "-" || $0 == "+" }.map(String.init)
    if parts.last == "mse" { parts.removeLast() }
    if parts[0].hasPrefix("mlx") { parts.append("asym") }
    let width = try #require(Int(parts[0].dropFirst(3)))
    let hasOffset = parts.count > 2 ? parts[2] == "asym" : width < 5
    let group = Int(parts[1].dropFirst())
    if let group, shape.columns % group != 0 { return nil }
    if shape.rows == 0 || shape.columns == 0 { return nil }
    var bytes = 0
    var scales = parts[1] == "tensor" ? 1 : 0
    for _ in 0..<shape.rows {
      var bits = 0
      for column in 0..<shape.columns {
        bits += width
        if let group, column % group == 0 { scales += 1 }
      }
      if parts[1] == "channel" { scales += 1 }
      while bits % 8 != 0 { bits += 1 }
      bytes += bits / 8
    }
    return bytes + scales * (hasOffset ? 4 : 2)
  }

  @Test(arguments: Formats.all.map(\.name))
  func bytesAreWhatIsCounted(name: String) throws {
    let format = try Formats.named(name)
    for shape in Self.shapes {
      let counted = try Self.countedBytes(name, shape)
      #expect((format.refusal(of: shape) == nil) == (counted != nil), "\(shape)")
      if let counted { #expect(format.bytes(of: shape) == counted, "\(shape)") }
    }
  }

  @Test(arguments: Formats.all.map(\.name))
  func everyShapeWithWeightsHasAFormat(name: String) throws {
    let asked = try Formats.named(name)
    for shape in Self.shapes {
      let format = try Formats.format(name, for: shape)
      #expect((format == nil) == (shape.count == 0))
      #expect(format?.refusal(of: shape) == nil)
      guard let format else { continue }
      // Ours have the same width; a consumer's has what the consumer falls back to.
      if asked is any PackedFormat || asked is NormalFloatFormat {
        #expect(format.nominalBits >= asked.nominalBits)
      } else {
        #expect(format.nominalBits == asked.nominalBits)
      }
    }
  }

  /// Weights of a shape that every format takes.
  private static func cases() throws -> (WeightShape, [[Float]]) {
    let (all, whole) = try realWeights()
    let shape = WeightShape(rows: whole.rows, columns: 256)
    let real = (0..<shape.rows).flatMap { row in
      all[row * whole.columns..<row * whole.columns + shape.columns]
    }
    let bell = bell(shape.count, width: 0.02, seed: 7)
    return (shape, [real, bell, real.map { $0 * 300 + 1 }])
  }

  @Test(arguments: Formats.all.filter { $0 is IntegerFormat || $0 is FloatFormat }.map(\.name))
  func aSecondRoundTripChangesNothing(name: String) throws {
    let format = try Formats.named(name)
    let (shape, cases) = try Self.cases()
    for weights in cases {
      let once = try format.roundTrip(weights, shape: shape)
      #expect(try bits(format.roundTrip(once, shape: shape)) == bits(once))
    }
  }

  @Test(
    arguments: Formats.all.filter {
      !($0 is IntegerFormat || $0 is FloatFormat || $0 is GGMLFormat)
    }.map(\.name))
  func aSecondRoundTripChangesLess(name: String) throws {
    let format = try Formats.named(name)
    func squares(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    }
    let (shape, cases) = try Self.cases()
    for weights in cases {
      let once = try format.roundTrip(weights, shape: shape)
      let twice = try format.roundTrip(once, shape: shape)
      #expect(squares(twice, once) <= 0.5 * squares(once, weights))
    }
  }

  @Test(arguments: Formats.all.compactMap { $0 as? IntegerFormat })
  func errorIsWithinHalfAStep(format: IntegerFormat) throws {
    let (weights, shape) = try Self.realWeights()
    let value = try format.roundTrip(weights, shape: shape)
    let length =
      switch format.granularity {
      case .group(let size): size
      case .channel: shape.columns
      case .tensor: shape.count
      }
    for start in stride(from: 0, to: shape.count, by: length) {
      let group = weights[start..<start + length]
      let low = group.min() ?? 0
      let high = group.max() ?? 0
      let codes = Float(1 << format.bits)
      let reach = max(abs(low), abs(high))
      let step =
        format.symmetry == .asymmetric ? (high - low) / (codes - 1) : reach / (codes / 2 - 1)
      // Half a step, and what the halves miss at the ends: 2^-11 of the offset and of the range.
      let bound = step * (0.5 + 0x1p-11) + (reach + (high - low)) * 0x1p-11
      let worst = (start..<start + length).reduce(0) { max($0, abs(weights[$1] - value[$1])) }
      #expect(worst <= bound, "the group at \(start)")
    }
  }

  @Test(arguments: IntegerFormat.granularities, IntegerFormat.Symmetry.allCases)
  func moreBitsHurtLess(granularity: IntegerFormat.Granularity, symmetry: IntegerFormat.Symmetry)
    throws
  {
    let (weights, shape) = try Self.realWeights()
    let errors = try IntegerFormat.widths.map { bits -> Double in
      let format = IntegerFormat(bits: bits, granularity, symmetry)
      return zip(try format.roundTrip(weights, shape: shape), weights)
        .reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    }
    #expect(zip(errors, errors.dropFirst()).allSatisfy { $0 > 2 * $1 }, "\(errors)")
  }

  @Test(arguments: roundingFormats)
  func whatIsNoNumberIsRefused(name: String) throws {
    let format = try Formats.named(name)
    for columns in [256, 9] {
      let shape = WeightShape(rows: 2, columns: columns)
      guard format.refusal(of: shape) == nil else { continue }
      for (position, poison) in [0, 3, 8, shape.count - 1].flatMap({ position in
        [Float.nan, .infinity, -.infinity].map { (position, $0) }
      }) {
        var weights = bell(shape.count, width: 1, seed: 8)
        weights[position] = poison
        let error = #expect(throws: UserError.self) { try format.roundTrip(weights, shape: shape) }
        #expect(error?.description.contains("NaN or an infinity") == true, "\(position), \(poison)")
      }
    }
  }
}

/// Names of the formats that can round here: those of ggml need its library, which `make fixtures` fetches
/// (`GGMLFormatTests` fails without it, and `GGMLCommandTests` holds them to what they say then).
let roundingFormats: [String] = {
  _ = LlamaCPP.ggml
  return Formats.all.filter { ($0 as? GGMLFormat)?.unavailability == nil }.map(\.name)
}()
