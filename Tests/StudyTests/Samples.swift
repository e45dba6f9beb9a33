import Foundation
import Study
import Vocabulary

/// Small made-up values that the tests share.
enum Samples {
  static let model = Policy.Model(
    name: "Tiny <net> & \"co\"", architecture: "llama", digest: "sha256:00ff", weights: 3000)

  static let header = StudyHeader(
    model: model, tool: "bitbudget 0.1", libraries: ["libtorch": "2.0", "sqlite": "3.40"],
    layers: (0..<3).map { index in
      Layer(
        name: "layers.\(index).proj", tensor: "layers.\(index).proj.weight", kind: .linear,
        shape: WeightShape(rows: 10, columns: 100))
    },
    groups: [
      StudyGroup(name: "layers.0.proj", layers: ["layers.0.proj", "layers.1.proj"], weights: 2000),
      StudyGroup(name: "layers.2.proj", layers: ["layers.2.proj"], weights: 1000),
    ],
    skipped: [SkippedTensor(tensor: "norm", count: 10, bytes: 40, reason: "a normalisation scale")],
    fixedBytes: 40, created: "2026-01-02T03:04:05Z")

  static let candidates = [
    [
      StudyCandidate(format: "int4-g64", bytes: 1100),
      StudyCandidate(format: "int8-g64", bytes: 2100),
    ],
    [StudyCandidate(format: "int4-g64", bytes: 550)],
  ]

  static func key(_ estimator: String = "exact-kl", seed: UInt64 = 1) -> MeasurementKey {
    MeasurementKey(estimator: estimator, data: "sha256:aa", seed: seed, configuration: "int4,int8")
  }

  /// Scores of every candidate for the samples of a chunk, different for each.
  static func scores(_ chunk: Range<Int>, scale: Double = 1) -> [CandidateScores] {
    var scores: [CandidateScores] = []
    for (group, choices) in candidates.enumerated() {
      for index in choices.indices {
        scores.append(
          CandidateScores(
            group: group, candidate: index,
            values: chunk.map {
              scale * (Double($0) + 100 * Double(group) + 10 * Double(index)) / 7
            }))
      }
    }
    return scores
  }

  static func policy(layers: [Policy.LayerChoice]? = nil) -> Policy {
    Policy(
      model: model,
      layers: layers
        ?? (0..<3).map { index in
          Policy.LayerChoice(
            name: "layers.\(index).proj", tensor: "layers.\(index).proj.weight", kind: .linear,
            group: index / 2, weight: index == 2 ? "int8-g64" : "int4-g64",
            bytes: index == 2 ? 1050 : 550, pinned: index == 2,
            why: "one, \"two\"\r\nthree")
        },
      budget: [Policy.Spending(kind: .bytes, limit: 2500, used: 2190)], bytes: 2190, bpw: 5.734,
      predicted: Policy.Prediction(loss: 0.1, unit: "nats/token", lowerBound: 0.1, gap: 0),
      provenance: Policy.Provenance(
        estimator: "exact-kl", optimizer: "ilp", seed: .max, data: "sha256:aa",
        tool: "bitbudget 0.1", libraries: ["b": "2", "a": "1"]))
  }

  static func frontier(
    points: [(bytes: Int, loss: Double, measured: Double?)],
    baselines: [Frontier.Baseline] = [], knee: Int? = nil, model: String = "Tiny"
  ) -> Frontier {
    Frontier(
      model: model, unit: "nats/token", kind: .exact, groups: ["a", "b"],
      formats: [["int2", "int4"], ["int2", "int4"]],
      points: points.map { point in
        Frontier.Point(
          bytes: point.bytes, bpw: Double(point.bytes) / 1e7, loss: point.loss,
          measured: point.measured, choices: [0, 1])
      },
      baselines: baselines, knee: knee, reference: [1e8, 10], hypervolume: 1)
  }

  /// A curve as real models give it: about a decade of loss a bit, with uniform formats above it.
  static let realistic: Frontier = {
    var points: [(bytes: Int, loss: Double, measured: Double?)] = []
    for step in 0...40 {
      let bits = 2.25 + Double(step) * 0.15
      var loss = 3.0
      for _ in 0..<step { loss *= 0.8 }
      points.append(
        (
          bytes: Int(bits * 16_800_000) + 2_000_000, loss: loss,
          measured: step % 5 == 0 ? loss * (1.3 - 0.01 * Double(step)) : nil
        ))
    }
    let uniform: [(String, Double, Double)] = [
      ("int2-g64", 2.5, 6), ("int3-g64", 3.5, 1.2), ("int4-g64", 4.5, 0.14),
      ("int4-channel", 4.02, 0.6), ("int5-g64", 5.5, 0.03), ("int6-g64", 6.5, 0.009),
      ("int8-g64", 8.5, 0.0007), ("q4_0", 4.5, 0.12), ("nf4-g64", 4.5, 0.11),
    ]
    var frontier = Samples.frontier(
      points: points,
      baselines: uniform.map { name, bits, loss in
        Frontier.Baseline(
          name: "uniform \(name)", bytes: Int(bits * 16_800_000) + 2_000_000, bpw: bits, loss: loss,
          measured: loss * 1.2)
      }, knee: 14, model: "SmolLM2-135M")
    for index in frontier.points.indices {
      frontier.points[index].bpw = Double(frontier.points[index].bytes - 2_000_000) / 16_800_000
    }
    return frontier
  }()
}
