import Foundation
import Pareto
import Vocabulary

/// A problem that our searches and others are compared on: bytes and a loss that is known everywhere.
///
/// The loss is `Σ_k single[k][x_k] + Σ_pairs values[x_first][x_second]`, added in this order here
/// and in `Results/compare_search.py`, which reads the same file.
struct SearchTask: Codable {
  /// What two knobs add together.
  struct Cross: Codable {
    var first: Int
    var second: Int
    /// By the choice of the first and that of the second.
    var values: [[Double]]
  }

  /// For file names and rows.
  var name: String
  /// For people.
  var title: String
  /// By knob and choice.
  var bytes: [[Int]]
  /// What every point pays.
  var fixedBytes: Int
  /// By knob and choice.
  var single: [[Double]]
  /// Empty where the loss is additive.
  var cross: [Cross]
  /// How many points a search may evaluate.
  var evaluations: Int
  /// Points of the frontier of `single` alone, well spread: what a sensitivity table gives for free.
  var seeds: [[Int]]

  /// The bytes of a point.
  func size(_ point: [Int]) -> Int { zip(bytes, point).reduce(fixedBytes) { $0 + $1.0[$1.1] } }

  /// The loss of a point.
  func loss(_ point: [Int]) -> Double {
    let additive = zip(single, point).reduce(0) { $0 + $1.0[$1.1] }
    return cross.reduce(additive) { $0 + $1.values[point[$1.first]][point[$1.second]] }
  }

  /// The space for our searches.
  func problem(_ start: SearchStart) -> SearchProblem {
    SearchProblem(
      knobs: bytes.enumerated().map { k, sizes in
        .init(name: "k\(k)", choices: sizes.indices.map { "\($0)" }, isOrdered: true)
      },
      costs: [
        .init(kind: .bytes, values: bytes.map { $0.map(Double.init) }, fixed: Double(fixedBytes))
      ],
      objectives: [.cost(0), .measured(0)], prior: start == .table ? single : nil,
      seeds: points(of: start))
  }

  private func points(of start: SearchStart) -> [[Int]] {
    switch start {
    case .none: []
    case .uniform:
      (0..<(bytes.map(\.count).min() ?? 0)).map { choice in bytes.map { _ in choice } }
    case .table: seeds
    }
  }
}

/// What a search begins with.
enum SearchStart: String, Codable, CaseIterable {
  /// Nothing.
  case none
  /// The points that have the same choice everywhere.
  case uniform
  /// Points of the frontier of the sensitivity table; ours take its losses too.
  case table

  /// For rows.
  var suffix: String {
    switch self {
    case .none: ""
    case .uniform: ", from the uniform points"
    case .table: ", from the table's frontier"
    }
  }
}

extension SearchTask {
  /// The formats' losses of a measured table, repaired as `plan` does, and nothing between groups.
  init(_ table: SensitivityTable, name: String, title: String, evaluations: Int) throws {
    self.init(
      name: name, title: title, bytes: table.groups.map { $0.candidates.map(\.bytes) },
      fixedBytes: table.fixedBytes ?? 0, single: table.groups.map { $0.candidates.map(\.loss) },
      cross: [], evaluations: evaluations, seeds: [])
    seeds = try Self.spread(table)
  }

  /// A network that does not exist: twenty layers of 2, 3, 4, 5, 6 and 8 bits.
  ///
  /// Layer sizes span a factor of 30 and sensitivities one of 300, log-uniformly and independently. A
  /// layer's loss is `a · 4^(2 − bits)` with 20 % noise, and every pair adds
  /// `c · √(loss · loss)` with c normal: standard deviation 0.3 between neighbours, 0.05 elsewhere,
  /// and 30 % noise on each entry.
  static func toy(seed: UInt64, evaluations: Int) throws -> SearchTask {
    var random = SplitMix64(seed: seed)
    func normal() -> Double {
      let radius = (-2 * log(1 - random.uniform())).squareRoot()
      return radius * cos(2 * Double.pi * random.uniform())
    }
    let bits = [2.0, 3, 4, 5, 6, 8]
    let layers = 20
    let weights = (0..<layers).map { _ in (8_000 * pow(30, random.uniform()) / 64).rounded() * 64 }
    let single = (0..<layers).map { _ in
      let scale = 0.01 * pow(300, random.uniform())
      return bits.map { scale * pow(4, 2 - $0) * exp(0.2 * normal()) }
    }
    var cross: [Cross] = []
    for g in 0..<layers {
      for h in g + 1..<layers {
        let strength = (h == g + 1 ? 0.3 : 0.05) * normal()
        cross.append(
          Cross(
            first: g, second: h,
            values: single[g].map { a in
              single[h].map { b in strength * (1 + 0.3 * normal()) * (a * b).squareRoot() }
            }))
      }
    }
    let table = SensitivityTable(
      unit: "nats/sample",
      groups: weights.indices.map { k in
        GroupSensitivity(
          name: "layer\(k)", layers: ["layer\(k)"], weights: Int(weights[k]),
          candidates: bits.enumerated().map { index, width in
            Candidate(
              format: "int\(Int(width))-g64", loss: single[k][index],
              bytes: Int(weights[k] * width / 8 + weights[k] / 64 * 2))
          })
      })
    var task = try SearchTask(
      table, name: "toy", title: "Toy: 20 layers, additive and pairwise", evaluations: evaluations)
    task.cross = cross
    return task
  }

  private static func spread(_ table: SensitivityTable) throws -> [[Int]] {
    try Frontier.hull(of: table, model: "").thinned(to: 24).points.map(\.choices)
  }
}
