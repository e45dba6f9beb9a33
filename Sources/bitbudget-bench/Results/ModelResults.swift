import Foundation
import Tuning
import Vocabulary

/// One model's results as they are on disk: what every page is written from.
struct ModelResults {
  /// A budget with the policy for it and the proof.
  struct BudgetResult {
    /// Bits per weight.
    var limit: Int
    /// The policy.
    var policy: Policy
    /// What held-out data said.
    var verification: VerificationReport
  }

  var budgets: [BudgetResult]
  var frontier: Frontier

  static let frontierFiles = ["frontier.json", "frontier.csv", "frontier.svg"]
  static let provenanceFile = "provenance.json"

  static func policyFile(_ budget: Int) -> String { "policy-\(budget)bpw.json" }
  static func verificationFile(_ budget: Int) -> String { "verification-\(budget)bpw.json" }

  /// The files that the tool makes and `Results/` keeps.
  static var measuredFiles: [String] {
    StudiedModel.budgets.flatMap { [policyFile($0), verificationFile($0)] } + frontierFiles
  }

  /// Reads the results in a folder.
  init(folder: String) throws {
    func read<Value: Decodable>(_ name: String) throws -> Value {
      let url = URL(fileURLWithPath: folder).appendingPathComponent(name)
      return try JSONDecoder().decode(Value.self, from: Data(contentsOf: url))
    }
    budgets = try StudiedModel.budgets.map { limit in
      let policy: Policy = try read(Self.policyFile(limit))
      let verification: VerificationReport = try read(Self.verificationFile(limit))
      return BudgetResult(limit: limit, policy: policy, verification: verification)
    }
    frontier = try read("frontier.json")
  }

  /// The model's name, with whatever a reader must know about it.
  var name: String { budgets.first?.policy.model.name ?? "" }

  /// The unit of the losses.
  var unit: String { budgets.first?.verification.unit ?? "" }
}
