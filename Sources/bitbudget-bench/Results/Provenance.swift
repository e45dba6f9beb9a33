import Foundation
import Tuning
import Vocabulary

/// How a folder of results came to be: enough to make it again and to judge it.
struct Provenance: Codable {
  /// One run of the tool.
  struct Child: Codable {
    /// As it would be typed in the checkout.
    var command: String
    /// Wall time.
    var seconds: Double
    /// The most resident memory.
    var peakMegabytes: Int
  }

  /// A set of samples.
  struct Samples: Codable {
    /// Digest of what the model was given.
    var digest: String
    /// How many.
    var count: Int
  }

  /// The tool and its version.
  var tool: String
  /// The commit of the checkout.
  var commit: String
  /// Whether anything but the results differed from that commit.
  var dirty: Bool
  /// When it was done, ISO 8601 in UTC.
  var date: String
  /// What it ran on.
  var machine: Machine
  /// Libraries that computed it, with their versions.
  var libraries: [String: String]
  /// The model.
  var model: Policy.Model
  /// What was measured on.
  var calibration: Samples
  /// What was proven on.
  var heldOut: Samples
  /// What a reader must know about the data.
  var note: String
  /// The commands, in their order.
  var children: [Child]
  /// Wall time of all of them.
  var seconds: Double

  /// The provenance of results that were just made.
  init(of run: ModelRun, results: ModelResults) throws {
    guard let first = results.budgets.first else {
      throw UserError(.failed, "there are no results of \(run.model.id)")
    }
    let measurement = try run.measurement()
    tool = first.policy.provenance.tool
    commit = run.checkout.commit
    dirty = run.checkout.dirty
    date = ISO8601DateFormatter().string(from: Date())
    machine = .current
    libraries = first.policy.provenance.libraries
    model = first.policy.model
    calibration = Samples(
      digest: measurement.data, count: measurement.runs.map(\.samples).max() ?? 0)
    heldOut = Samples(digest: first.verification.data, count: first.verification.samples)
    note = run.model.note
    children = run.children
    seconds = run.children.reduce(0) { $0 + $1.seconds }
  }
}
