import Vocabulary

/// The page that tells of ``SearchComparison``s.
enum SearchPage {
  static func text(_ comparisons: [SearchComparison], versions: [String: String], seeds: Int)
    -> String
  {
    let evaluations = comparisons.first?.evaluations ?? 0
    let names = versions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    return """
      # Frontier searches compared

      Made by `bitbudget-bench search`; do not edit. Every search makes \(evaluations) evaluations of bytes
      and loss, from each of \(seeds) seeds, on the same function. All hypervolumes are computed by one
      implementation, from the points that were evaluated. The box: bytes from the smallest to the largest
      point, the logarithm of the loss from that of the smallest point down to the least that is known; the
      reference is 1.01 times the nadir, (1.01, 1.01), and the last column has the loss as it is, in the
      same way. The others are given the logarithm of the loss, which is what the hypervolume counts. Best
      known is what a long descent with free evaluations and all runs together reach; it is an estimate
      from below.

      What ours know and the others do not: that bytes are a known sum, which knobs' choices are the larger
      ones, and that a loss is positive and made of parts. A search starts from nothing, from the six
      uniform points, or from 24 points of the sensitivity table's frontier, which are evaluated and
      counted like all others; ours then take the table's losses too. On a loss that *is* the table's sum
      those 24 points are optimal already, and the rest of the frontier is computed without any
      evaluation by `bitbudget frontier --kind exact`. The toy's pairs are products of two layers'
      perturbations, the second-order form that `linas` looks for too (among others), with noise.
      optuna's TPE, whose runs take minutes, has no start from the uniform points.
      With \(names.joined(separator: ", ")).

      \(comparisons.map(section).joined(separator: "\n\n"))

      """
  }

  private static func section(_ comparison: SearchComparison) -> String {
    let rows = comparison.rows.map { row in
      [
        (row.isOurs ? "**\(row.name)**" : row.name) + row.start.suffix,
        fixed(row.mean, digits: 4),
        fixed(row.hypervolumes.min() ?? 0, digits: 4) + " to "
          + fixed(row.hypervolumes.max() ?? 0, digits: 4),
        fixed(100 * row.mean / comparison.bestKnown, digits: 1) + " %",
        fixed(100 * row.plainHypervolumes.mean / comparison.plainBestKnown, digits: 2) + " %",
      ]
    }
    return """
      ## \(comparison.title)

      Best known: \(fixed(comparison.bestKnown, digits: 4)) (\(comparison.bestKnownPoints) points).

      \(Markdown.table(
        [
          "search (ours in bold)", "hypervolume", "lowest to highest", "of the best known",
          "of the best known, plain loss",
        ], rows))

      \(comparison.pairings.map(sentence).joined(separator: "\n"))
      """
  }

  private static func sentence(_ pairing: SearchComparison.Pairing) -> String {
    let difference =
      "\(fixed(pairing.difference, digits: 4)) ± \(fixed(pairing.halfWidth, digits: 4))"
    return "- \(pairing.ours) against \(pairing.rival): \(fixed(pairing.ratio, digits: 3)) x"
      + " (the best known would be \(fixed(pairing.ceiling, digits: 3)) x), larger at"
      + " \(pairing.wins) seeds; paired difference \(difference) (95 %);"
      + " with the plain loss \(fixed(pairing.plainRatio, digits: 3)) x."
  }
}
