import Quantization
import Tuning
import Vocabulary

/// The page that tells of a ``PipelineRace``.
enum PipelinePage {
  static func text(
    _ rows: [PipelineRace.Row], race: PipelineRace, name: String, stem: String, seeds: Int
  ) -> String {
    let table = race.target
    let random = rows.first { $0.name == "random" }?.mean ?? 0
    let cells = rows.map { row in
      [
        row.name, fixed(row.mean, digits: 1), "\(row.median)", "\(row.trials.last ?? 0)",
        "\(fixed(random / row.mean, digits: 2)) x",
      ]
    }
    return """
      # Trials to the best of \(table.results.count) pipelines

      Made by `bitbudget-bench pipelines`; do not edit. Every point of `SearchSpaces/\(name).yaml` was
      measured on \(table.model) with \(table.samples) samples of `\(table.data)`
      (`\(stem)-efficientnet-lite0.json`). A point's score is its \(score(table)); the best is \(best(race)). The transfer row has the trials of
      \(race.source.model) (`\(stem)-minilm.json`) from the start. Over \(seeds) seeds:

      \(Markdown.table(
        ["strategy", "mean trials", "median", "worst", "fewer than random"], cells))

      """
  }

  private static func score(_ table: PipelineTable) -> String {
    table.price == 0 ? "loss" : "loss plus\n\(significant(table.price)) per megabyte"
  }

  private static func best(_ race: PipelineRace) -> String {
    guard let best = race.target.best else { return "unknown" }
    let settings = zip(race.space.knobs, best.choices).map { "\($0.name) \($0.values[$1])" }
    return settings.joined(separator: ", ")
      + " (loss \(significant(best.loss)), \(best.bytes) bytes)"
  }
}
