internal import Export
internal import Foundation
public import Quantization
public import Vocabulary

/// What `search` is asked for.
public struct SearchOptions: Sendable {
  /// The data; its calibration part is searched on.
  public var data: CalibrationOptions
  /// Other data for the proof; nil for the held-out part of the data.
  public var heldOut: String?
  /// A study or a table that gives candidates, predictions and points to start from.
  public var study: String?
  /// Whose scores of the study; nil for the newest complete measurement.
  public var estimator: String?
  /// Costs beside the bytes, such as a device's latencies.
  public var costs = CostOptions()
  /// What is made small under a ceiling of the loss or of changed answers; nil for the latency where a
  /// device is named, else the bytes.
  public var objective: CostKind?
  /// Candidate formats where there is no study.
  public var formats: [String]
  /// Knobs that decide all layers at once; nil where every group of layers is a knob.
  public var space: PipelineSpace?
  /// Studies with searches of the same space on other models, for strategies that learn from them.
  public var transfer: [String] = []
  /// The strategy's name.
  public var strategy: String
  /// The limits; none for a frontier of everything.
  public var budgets: [Budget]
  /// Names of the axes of a frontier; nil for one best policy.
  public var axes: [String]?
  /// Fixed formats.
  public var pins: [Pin]
  /// The evaluations that may be made, those of earlier calls included.
  public var evaluations: Int
  /// Settings of the strategy by name.
  public var settings: [String: Double]
  /// Seconds after which this call stops with the best so far; nil for none.
  public var time: Double?
  /// Bytes that weights, reference outputs and shared prefixes may take.
  public var memory: Int
  /// Threads.
  public var workers: Int
  /// Where the policy goes; nil for `policy.json` in the study.
  public var policy: String?

  /// A strategy on data; the rest may be set afterwards.
  public init(
    data: CalibrationOptions, strategy: String, budgets: [Budget], formats: [String],
    evaluations: Int, workers: Int
  ) {
    self.data = data
    self.strategy = strategy
    self.budgets = budgets
    self.formats = formats
    self.evaluations = evaluations
    self.workers = workers
    pins = []
    settings = [:]
    memory = 3_000_000_000
  }
}

extension SearchOptions {
  /// What is made small under a ceiling.
  var minimised: CostKind { objective ?? (costs.device == nil ? .bytes : .latency) }
}

/// A `PipelineSpace` in a file.
public enum SearchSpaceFile {
  /// Reads the file.
  ///
  /// - Throws: `UserError` naming the file when it cannot be read or makes no sense.
  public static func read(_ path: String) throws -> PipelineSpace {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw UserError(.failed, "the space '\(path)' cannot be read")
    }
    do {
      return try PipelineSpace(parsing: String(decoding: data, as: UTF8.self))
    } catch let error as UserError {
      throw UserError(error.kind, "'\(path)': \(error.description)")
    }
  }
}

/// How a search stands, told whenever it has got better.
public struct SearchStanding: Sendable {
  /// Evaluations so far, and how many there may be.
  public var evaluations: (made: Int, of: Int)
  /// Bytes of the best policy so far.
  public var bytes: Int
  /// Its loss on the samples that it was evaluated on.
  public var loss: Double
  /// The loss's unit.
  public var unit: String
  /// The samples that it was evaluated on.
  public var samples: Int
  /// Policies that no other beats, where a frontier is searched for.
  public var frontier: Int?

  /// One line.
  public var text: String {
    let count = "evaluation \(evaluations.made) of \(evaluations.of)"
    if let frontier { return "\(count): \(frontier) policies that no other beats" }
    return "\(count): \(significant(loss, digits: 4)) \(unit) at \(ByteCount(bytes))"
      + " (\(samples) samples)"
  }
}

/// A policy on held-out data.
public struct SearchRival: Codable, Sendable {
  /// `searched`, the optimizer of the seed, or `uniform` and the format.
  public var name: String
  /// Bytes of the whole model.
  public var bytes: Int
  /// Bits per weight of the quantizable layers.
  public var bpw: Double
  /// Mean loss on held-out samples.
  public var loss: Double
  /// 95 % bootstrap interval of the mean.
  public var interval: Interval
  /// Mean of its loss less the first one's, paired by sample; nil for the first one.
  public var excess: Double?
  /// 95 % bootstrap interval of the excess.
  public var excessInterval: Interval?
}

/// What a search did.
public struct SearchReport: Codable, Sendable {
  /// The model.
  public var model: String
  /// The strategy.
  public var strategy: String
  /// The study's directory.
  public var study: String
  /// The unit of every loss.
  public var unit: String
  /// The samples that were searched on, and their digest.
  public var samples: Int
  /// Digest of those samples.
  public var data: String
  /// Evaluations that were made in all.
  public var evaluations: Int
  /// Those of earlier calls.
  public var resumed: Int
  /// Why it ended: `finished`, `evaluations` or `stopped`.
  public var end: String
  /// Seconds of this call.
  public var seconds: Double
  /// The best policy's loss on the samples that were searched on; nil without a budget.
  public var loss: Double?
  /// The first seed's loss on the same samples, where it was evaluated.
  public var seedLoss: Double?
  /// Nodes of the network that were run, over those that would have been run without sharing.
  public var sharedShare: Double
  /// The held-out samples.
  public var heldOutSamples: Int
  /// Held-out data on the best policy of the search (the first one) and its rivals.
  public var heldOut: [SearchRival]
  /// Index in ``heldOut`` of what is shipped.
  public var shipped: Int?
  /// The policy that is shipped; nil without a budget.
  public var policy: Policy?
  /// The measured frontier, where one was searched for.
  public var frontier: Frontier?
  /// The files that were written.
  public var files: [String]
  /// The outcome, in a sentence.
  public var sentence: String
}

extension SearchReport {
  /// The report for people.
  public var text: String {
    var lines = [policy?.summary].compactMap(\.self)
    let before = resumed > 0 ? " (\(resumed) of them from before)" : ""
    lines.append(
      "\(strategy): \(evaluations) evaluations\(before) on \(samples) samples in "
        + "\(fixed(seconds, digits: 1)) s; ended: \(end)")
    if sharedShare > 0 {
      lines.append(
        "prefixes shared: \(fixed(100 * sharedShare, digits: 0)) % of the nodes had to be run")
    }
    if let loss {
      let seed = seedLoss.map { ", the first seed's \(significant($0, digits: 4))" } ?? ""
      lines.append("loss on these samples: \(significant(loss, digits: 4)) \(unit)\(seed)")
    }
    if !heldOut.isEmpty { lines.append("on \(heldOutSamples) held-out samples:") }
    for rival in heldOut {
      var line = "  \(rival.name): \(significant(rival.loss, digits: 4)) \(unit) at "
      line += "\(ByteCount(rival.bytes))"
      if let excess = rival.excess, let interval = rival.excessInterval {
        line += ", \(significant(excess)) "
        line += "[\(significant(interval.low)), \(significant(interval.high))] above the first"
      }
      lines.append(line)
    }
    lines.append(sentence)
    if !files.isEmpty { lines.append("written: \(files.joined(separator: ", "))") }
    return lines.joined(separator: "\n")
  }
}
