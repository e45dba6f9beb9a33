import Archives
import Foundation
import Quantization
import TestSupport
import Testing
import Vocabulary

/// The types that ggml's own library rounds.
///
/// What llama.cpp makes of whole models is compared byte by byte in `Tests/Consumers`.
@Suite struct GGMLFormatTests {
  init() throws { _ = try #require(LlamaCPP.ggml, "make fixtures") }

  private func weights() throws -> ([Float], WeightShape) {
    let array = try NPZFile(Fixtures.path("formats/weights.npz")).array("weights")
    return (array.floats(), WeightShape(rows: array.shape[0], columns: array.shape[1]))
  }

  @Test(arguments: GGMLFormat.allCases)
  func theLibraryIsThereAndHasTheTypes(format: GGMLFormat) {
    #expect(format.unavailability == nil)
  }

  /// A row is rounded as it is alone, whatever is beside it, and packed as it is rounded.
  @Test(arguments: GGMLFormat.allCases)
  func rowsAreRoundedOneByOne(format: GGMLFormat) throws {
    let (weights, shape) = try weights()
    let value = try format.roundTrip(weights, shape: shape)
    let packed = try format.pack(weights, shape: shape)
    let one = WeightShape(rows: 1, columns: shape.columns)
    let size = format.bytes(of: one)
    #expect(packed.count == shape.rows * size)
    for row in 0..<shape.rows {
      let alone = Array(weights[row * shape.columns..<(row + 1) * shape.columns])
      #expect(
        try bits(format.roundTrip(alone, shape: one))
          == bits(Array(value[row * shape.columns..<(row + 1) * shape.columns])))
      #expect(
        try format.pack(alone, shape: one) == Array(packed[row * size..<(row + 1) * size]))
    }
    // In place, as measuring does it.
    var place = weights
    try place.withUnsafeMutableBufferPointer { place in
      try format.roundTrip(UnsafeBufferPointer(place), shape: shape, into: place)
    }
    #expect(bits(place) == bits(value))
  }

  @Test func moreBitsHurtLess() throws {
    let (all, whole) = try weights()
    let shape = WeightShape(rows: 16, columns: whole.columns)  // the real ones
    let weights = Array(all.prefix(shape.count))
    let errors = try [GGMLFormat.q2_k, .q3_k, .q4_k, .q5_k, .q6_k].map { format -> Double in
      try zip(format.roundTrip(weights, shape: shape), weights)
        .reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    }
    #expect(zip(errors, errors.dropFirst()).allSatisfy { $0 > 2 * $1 }, "\(errors)")
    func error(_ name: String) throws -> Double {
      try zip(Formats.named(name).roundTrip(weights, shape: shape), weights)
        .reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    }
    // What the search for scales is for, at the same 4.5 bits a weight.
    #expect(try error("q4_k") < error("q4_0") && error("iq4_nl") < error("q4_0"))
  }

  @Test func whatHalvesCannotHoldIsRefused() throws {
    let shape = WeightShape(rows: 1, columns: 256)
    var weights = bell(shape.count, width: 1, seed: 2)
    for format in GGMLFormat.allCases {
      weights[17] = 65504
      #expect(try format.roundTrip(weights, shape: shape).allSatisfy(\.isFinite))
      weights[17] = -3e7
      let error = #expect(throws: UserError.self) { try format.roundTrip(weights, shape: shape) }
      #expect(error?.description.contains("which end at 65504") == true)
      #expect(throws: UserError.self) { try format.pack(weights, shape: shape) }
    }
  }
}
