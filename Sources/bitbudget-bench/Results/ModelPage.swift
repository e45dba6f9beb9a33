import Foundation
import Tuning
import Vocabulary

/// The page of one model: `Results/<model>/README.md`.
enum ModelPage {
  /// The page's text.
  static func text(_ results: ModelResults, _ provenance: Provenance, id: String) -> String {
    let compared = results.budgets.map { $0.verification.entries.count - 1 }
    return """
      # \(results.name)

      Made by `make results`; do not edit. The model is, in the tool's own words, "\(results.name)"
      (\(provenance.model.architecture), \(provenance.model.weights) quantizable weights).
      \(provenance.note) Samples: \(provenance.calibration.count) and \(provenance.heldOut.count).

      \(proof(results))

      Loss is the mean over the held-out samples: \(meaning(results)). Brackets are 95 % bootstrap
      intervals; the excess is how much more the best uniform format loses, paired by sample. The best uniform format is the best of all integer
      formats (\(SummaryPage.formats)) within the policy's budget:
      \(compared.map(String.init).joined(separator: ", ")) of them at the \(compared.count) budgets, all \
      evaluated on the same samples. Bytes are of the whole model.

      ![What \(results.name) loses at which size](frontier.svg)

      \(measured(results))

      ## How it was made

      \(provenance.tool), commit `\(provenance.commit)`\(dirt(provenance)), \(provenance.date), on
      \(provenance.machine.processor), \(provenance.machine.cores) cores, \
      \(ByteCount(Int(provenance.machine.memory))); \(libraries(provenance)).
      \(duration(provenance.seconds)) in all; `provenance.json` has the time and memory of each command
      and the digests of model and data. Again, after `make fixtures`:

      \(Markdown.code(provenance.children.map(\.command)))

      or `make results` for all models, `.build/release/bitbudget-bench results --only \(id)` for this one.

      """
  }

  private static func proof(_ results: ModelResults) -> String {
    let rows = results.budgets.map(ProofRow.init)
    var columns: [(String, (ProofRow) -> String)] = [
      ("budget", \.budget), ("policy, bytes", \.bytes), ("bpw", \.bpw),
      ("loss, \(results.unit)", \.loss), ("best uniform format", \.uniform),
      ("its excess", \.excess),
    ]
    if rows.contains(where: { $0.agreement != nil }) {
      columns.append(("same top-1: policy / uniform", { $0.agreement ?? "" }))
    }
    if rows.contains(where: { $0.perplexity != nil }) {
      columns.append(("perplexity: full precision / policy / uniform", { $0.perplexity ?? "" }))
    }
    columns.append(("verdict", \.verdict))
    return Markdown.table(
      columns.map(\.0), rows.map { row in columns.map { $0.1(row) } })
  }

  private static func meaning(_ results: ModelResults) -> String {
    results.unit.hasPrefix("nats")
      ? "KL divergence of the output from that at full precision"
      : "difference of the output from that at full precision"
  }

  /// The points of the frontier that were evaluated: what was promised and what came.
  private static func measured(_ results: ModelResults) -> String {
    let rows = results.frontier.points.compactMap { point in
      point.measured.map {
        [
          fixed(point.bpw, digits: 3), "\(point.bytes)", significant(point.loss), significant($0),
        ]
      }
    }
    return "Points of the frontier, predicted and measured on the held-out samples:\n\n"
      + Markdown.table(["bpw", "bytes", "predicted", "measured"], rows)
  }

  private static func libraries(_ provenance: Provenance) -> String {
    provenance.libraries.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
      .joined(separator: ", ")
  }

  private static func dirt(_ provenance: Provenance) -> String {
    provenance.dirty ? " with changes that were not committed" : ""
  }
}
