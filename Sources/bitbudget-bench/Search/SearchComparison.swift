import Pareto
import Vocabulary

/// Hypervolumes of all searches on one ``SearchTask``.
struct SearchComparison: Codable {
  /// A search over its seeds.
  struct Row: Codable {
    var name: String
    /// Whether it is one of ours.
    var isOurs: Bool
    var start: SearchStart
    /// The share of the box that is dominated, with the logarithm of the loss; one a seed.
    var hypervolumes: [Double]
    /// The same with the loss as it is.
    var plainHypervolumes: [Double]
    /// The mean over the seeds.
    var mean: Double { hypervolumes.mean }
  }

  /// One of ours against the best of the others, seed by seed.
  struct Pairing: Codable {
    var ours: String
    var rival: String
    /// Mean over mean, with the logarithm of the loss.
    var ratio: Double
    /// Seeds at which ours is larger.
    var wins: Int
    /// Mean difference.
    var difference: Double
    /// Half the width of its 95 % interval, by Student's distribution.
    var halfWidth: Double
    /// The most that any search could reach: the best-known frontier over the rival's mean.
    var ceiling: Double
    /// Mean over mean, with the loss as it is, against the rival that is best so.
    var plainRatio: Double
  }

  var name: String
  var title: String
  var evaluations: Int
  /// Points of the best-known frontier.
  var bestKnownPoints: Int
  var bestKnown: Double
  var plainBestKnown: Double
  var rows: [Row]
  /// The same start on both sides.
  var pairings: [Pairing]

  /// Compares runs of ours and of others.
  init(_ task: SearchTask, ours: SearchRuns, others: SearchRuns) throws {
    let sides = try [(ours, true), (others, false)].flatMap { runs, isOurs in
      try runs.runs.map { ($0, isOurs, try $0.evaluated(task)) }
    }
    let known =
      BestKnownFrontier(task).points.map { (bytes: task.size($0), loss: task.loss($0)) }
      + sides.flatMap(\.2)
    let least = known.map(\.loss).min() ?? 0
    let frame = SearchFrame(task, best: least, isLogarithmic: true)
    let plain = SearchFrame(task, best: least, isLogarithmic: false)
    name = task.name
    title = task.title
    evaluations = task.evaluations
    bestKnownPoints = nondominated(known.map { (Double($0.bytes), $0.loss) }).count
    bestKnown = frame.hypervolume(known)
    plainBestKnown = plain.hypervolume(known)
    var rows: [Row] = []
    for (run, isOurs, points) in sides {
      let index = rows.firstIndex {
        $0.name == run.name && $0.isOurs == isOurs && $0.start == run.start
      }
      let (volume, plainVolume) = (frame.hypervolume(points), plain.hypervolume(points))
      if let index {
        rows[index].hypervolumes.append(volume)
        rows[index].plainHypervolumes.append(plainVolume)
      } else {
        rows.append(
          Row(
            name: run.name, isOurs: isOurs, start: run.start, hypervolumes: [volume],
            plainHypervolumes: [plainVolume]))
      }
    }
    self.rows = rows
    pairings = []
    for start in SearchStart.allCases {
      for own in rows where own.isOurs && own.start == start && own.name != "random" {
        if let pairing = pairing(own) { pairings.append(pairing) }
      }
    }
  }

  /// `own` against the rival of the largest mean that had the same start.
  private func pairing(_ own: Row) -> Pairing? {
    let rivals = rows.filter { !$0.isOurs && $0.start == own.start }
    guard let best = rivals.max(by: { $0.mean < $1.mean }),
      let plain = rivals.map(\.plainHypervolumes.mean).max()
    else { return nil }
    let differences = zip(own.hypervolumes, best.hypervolumes).map { $0 - $1 }
    let mean = differences.mean
    let count = Double(differences.count)
    let variance =
      differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / max(1, count - 1)
    return Pairing(
      ours: own.name + own.start.suffix,
      rival: best.name + best.start.suffix, ratio: own.mean / best.mean,
      wins: differences.count { $0 > 0 }, difference: mean,
      // Student's 97.5 % quantile with nine degrees of freedom: ten seeds.
      halfWidth: 2.262 * (variance / count).squareRoot(), ceiling: bestKnown / best.mean,
      plainRatio: own.plainHypervolumes.mean / plain)
  }
}

extension [Double] {
  /// The arithmetic mean.
  var mean: Double { reduce(0, +) / Double(Swift.max(1, count)) }
}
