import Foundation
import Tuning
import Vocabulary

/// The page over all models: `Results/README.md`.
enum SummaryPage {
  /// The uniform formats that a policy meets.
  static let formats =
    "2 to 8 bits; a scale per 32, 64 or 128 weights, channel or tensor; symmetric and asymmetric"

  /// The page's text, from the results of those models that have them.
  static func text(folder: String) throws -> String {
    let found = StudiedModel.all.filter {
      FileManager.default.fileExists(atPath: "\(folder)/\($0.id)/\(ModelResults.provenanceFile)")
    }
    var rows: [[String]] = []
    var won = 0
    for model in found {
      let results = try ModelResults(folder: "\(folder)/\(model.id)")
      for result in results.budgets {
        let row = ProofRow(result: result)
        won +=
          result.verification.verdict == .policy && result.verification.bestUniform != nil ? 1 : 0
        rows.append([
          "[\(results.name)](\(model.id)/README.md)", row.budget, row.bytes,
          "\(row.loss) \(results.unit)", row.uniform, row.factor, row.verdict,
        ])
      }
    }
    let table = Markdown.table(
      [
        "model", "budget", "policy, bytes", "held-out loss", "best uniform format",
        "times the policy's",
        "verdict",
      ],
      rows)
    return """
      # Measured results

      Made by `make results`; do not edit. At each budget the policy meets every uniform integer format
      within the budget (\(formats)) on the same
      held-out samples. "The policy wins" means that it loses less than each of them and that no 95 % interval of
      the paired difference reaches zero: so it is at \(won) of \(rows.count) budgets.

      \(table)

      Each model's page also has the frontier, and how it was all made.

      """
  }
}
