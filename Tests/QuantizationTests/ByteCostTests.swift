import Costs
import Testing
import Vocabulary

@Suite struct ByteCostTests {
  private func layer(_ name: String, _ rows: Int, _ columns: Int) -> Layer {
    Layer(
      name: name, tensor: "\(name).weight", kind: .linear,
      shape: WeightShape(rows: rows, columns: columns))
  }

  private var cost: ByteCost {
    ByteCost(
      layers: [layer("query", 576, 576), layer("depthwise", 96, 9), layer("head", 100, 128)],
      skipped: [
        SkippedTensor(tensor: "norm", count: 576, bytes: 2304, reason: "a vector"),
        SkippedTensor(tensor: "bias", count: 96, bytes: 384, reason: "a vector"),
      ])
  }

  @Test func bytesAreTheSumOfLayersAndTheRest() throws {
    // 96 rows of 9: 5 bytes of codes, a scale and an offset; 100 rows of 128 in 8 bits, 2 scales each.
    let layers = 186_624 + 96 * (5 + 4) + 100 * (128 + 4)
    #expect(cost.fixedBytes == 2688)
    #expect(try cost.layerBytes(in: ["int4-g64", "int4-g64", "int8-g64"]) == layers)
    #expect(try cost.bytes(in: ["int4-g64", "int4-channel", "int8-g64"]) == layers + 2688)
    #expect(try cost.bytes(uniform: "fp32") == 4 * cost.weights + 2688)
    #expect(cost.weights == 576 * 576 + 96 * 9 + 12800)
    #expect(try cost.bitsPerWeight(in: ["fp16", "fp16", "fp16"]) == 16)
    let square = ByteCost(layers: [layer("query", 576, 576)], skipped: [])
    #expect(try square.bitsPerWeight(in: ["int4-g64"]) == 4.5)
    #expect(ByteCost(layers: [], skipped: []).bitsPerWeight(layerBytes: 0) == 0)
  }

  @Test func theFeasibleRangeIsThatOfAllPolicies() throws {
    // For the 9-wide rows int2-g64 and int2-tensor differ, so that the smallest is not uniform.
    let names = ["int4-g64", "int2-g64", "int2-tensor", "fp16"]
    for groups in [[[0], [1], [2]], [[0, 2], [1]], [[0, 1, 2]]] {
      var sizes: [Int] = []
      for first in names {
        for second in names {
          for third in names {
            var choices = [first, second, third]
            for group in groups { for member in group { choices[member] = choices[group[0]] } }
            sizes.append(try cost.bytes(in: choices))
          }
        }
      }
      let range = try cost.feasibleBytes(from: names, groups: groups)
      #expect(range.lowerBound == sizes.min())
      #expect(range.upperBound == sizes.max())
    }
    let alone = try cost.feasibleBytes(from: names, groups: [[0], [1], [2]])
    #expect(try cost.feasibleBytes(from: names) == alone)
  }

  @Test func whatCannotBeIsNamed() throws {
    let empty = ByteCost(layers: [layer("nothing", 0, 64)], skipped: [])
    let error = #expect(throws: UserError.self) { try empty.bytes(uniform: "int4-g64") }
    #expect(error?.description == "the layer 'nothing' cannot take int4-g64: it has no weights")
    #expect(throws: UserError.self) { try cost.bytes(uniform: "int4") }
    #expect(throws: UserError.self) { try cost.feasibleBytes(from: []) }
  }
}
