import Tuning
import Vocabulary

/// The page of one model's latencies.
struct LatencyPage {
  let run: LatencyRun

  /// The page of a run that is complete.
  init(_ run: LatencyRun) { self.run = run }

  /// The page.
  var text: String {
    ([
      "# Latency: \(run.model.id)",
      "Made by `bitbudget-bench latency`; do not edit. Times are milliseconds of one thread"
        + " (its processor time: what it takes on a machine that does nothing else), medians of several"
        + " runs with the median absolute deviation.",
    ] + [kernels, additivity, frontier, speedUp].compactMap(\.self) + [commands])
    .joined(separator: "\n\n") + "\n"
  }

  private func milliseconds(_ value: Double) -> String { fixed(value, digits: 2) }

  private func percent(_ value: Double) -> String { "\(fixed(100 * value, digits: 1)) %" }

  private var kernels: String? {
    run.profile.map { profile in
      let inputs = profile.inputs.keys.sorted().map {
        "\($0) \((profile.inputs[$0] ?? []).map(String.init).joined(separator: "x"))"
      }
      return """
        ## Kernels

        \(profile.processor); \(inputs.joined(separator: ", ")). \(profile.kernels) distinct kernels, timed \
        with whole runs in \(fixed(profile.seconds, digits: 1)) s. Outside the layers a run takes \
        \(milliseconds(profile.rest)) ms.

        \(Markdown.table(
          ["uniform format", "kernels and rest", "whole run", "±"],
          profile.uniform.map {
            [$0.format, milliseconds($0.additive), milliseconds($0.measured), milliseconds($0.spread)]
          }))
        """
    }
  }

  private var additivity: String? {
    run.additivity.map { check in
      """
      ## Is latency a sum?

      \(check.entries.count) random policies, \(check.rounds) runs each. Median error: \
      \(percent(check.additiveError)) of kernels and rest, \(percent(check.scaledError)) when kernels are \
      scaled to what uniform policies take. Rank correlation of scaled and measured: \
      \(check.spearman.map { fixed($0, digits: 3) } ?? "none").

      \(table(check.entries + check.uniform))
      """
    }
  }

  private func table(_ entries: [LatencyCheck.Entry]) -> String {
    Markdown.table(
      ["policy", "layers by format", "kernels and rest", "scaled", "measured", "±"],
      entries.map { entry in
        [
          entry.name,
          entry.formats.keys.sorted().map { "\(entry.formats[$0] ?? 0) \($0)" }
            .joined(separator: ", "),
          milliseconds(entry.additive), milliseconds(entry.scaled),
          milliseconds(entry.measured), milliseconds(entry.spread),
        ]
      })
  }

  private var frontier: String? {
    guard let frontier = run.frontier, let check = run.points else { return nil }
    let measured = frontier.points.filter { $0.measured != nil && $0.latency != nil }
    let rows = zip(measured, check.entries).map { point, entry in
      [
        milliseconds(point.latency ?? 0), milliseconds(entry.measured),
        milliseconds(entry.spread), size(point.bytes), significant(point.loss),
        point.measured.map { significant($0) } ?? "",
        "[\(significant(point.low ?? .nan)), \(significant(point.high ?? .nan))]",
      ]
    }
    return """
      ## The frontier

      ![frontier](\(run.model.id)-frontier.svg)

      Losses in \(frontier.unit); held-out ones with 95 % intervals. The time of a whole run on real kernels \
      beside what was planned.

      \(Markdown.table(
        ["planned", "whole run", "±", "size", "predicted loss", "held-out loss", "interval"], rows))
      """
  }

  private var speedUp: String? {
    guard let check = run.points, let search = run.search, let found = check.entries.last else {
      return nil
    }
    let rows = check.uniform.map { uniform in
      [
        uniform.name, milliseconds(uniform.measured),
        percent(1 - found.measured / uniform.measured),
      ]
    }
    return """
      ## Speed-up at the same answers

      `bisection` with `--device here` looks for the fastest policy with \(run.model.ceilingNote) \
      (\(search.evaluations) evaluations on \(search.samples) samples). \(search.sentence)

      It runs in \(milliseconds(found.measured)) ms (planned \(milliseconds(found.scaled)) ms): \
      \(found.formats.keys.sorted().map { "\(found.formats[$0] ?? 0) layers \($0)" }.joined(separator: ", ")).

      \(Markdown.table(["against", "whole run", "less time"], rows))

      \(Markdown.table(
        ["held-out", "loss (\(search.unit))", "interval"],
        search.heldOut.map {
          [$0.name, significant($0.loss), "[\(significant($0.interval.low)), \(significant($0.interval.high))]"]
        }))
      """
  }

  private var commands: String {
    """
    ## Commands

    \(Markdown.table(
      ["command", "seconds", "peak MB"],
      run.children.map { ["`\($0.command)`", fixed($0.seconds, digits: 1), "\($0.peakMegabytes)"] }))
    """
  }
}
