import Report
import Testing
import Vocabulary

/// Pictures of a frontier against another cost than the size.
@Suite struct CostAxisTests {
  private var frontier: Frontier {
    var frontier = Samples.frontier(
      points: [(10_000_000, 1, nil), (20_000_000, 0.5, nil), (40_000_000, 0.01, nil)],
      baselines: [
        .init(
          name: "uniform bf16", bytes: 25_000_000, bpw: 16, loss: 0.3, costs: ["latency": 9]),
        .init(name: "uniform nowhere", bytes: 25_000_000, bpw: 16, loss: 0.3),
      ])
    frontier.axes = ["latency", "loss"]
    for (k, time) in [7.5, 8, 12].enumerated() { frontier.points[k].latency = time }
    return frontier
  }

  private func count(_ text: String, in whole: String) -> Int {
    whole.ranges(of: text).count
  }

  @Test func theDrawingTellsTheCostAndTheBudgets() {
    let svg = FrontierSVG.render(
      frontier, budgets: [Budget(.latency, 8.5), Budget(.loss, 0.1), Budget(.bytes, 1e7)])
    #expect(svg.contains("loss against latency"))
    #expect(svg.contains("latency (ms)"))
    #expect(!svg.contains("bits per weight"))
    #expect(count("class=\"budget\"", in: svg) == 2)
    #expect(svg.contains("at most 8.50 ms"))
    #expect(svg.contains("12.0 ms, 40.0 MB"))
    // What does not know its latency has no place.
    #expect(svg.contains("uniform bf16: 9.00 ms") && !svg.contains("nowhere"))
  }

  @Test func thePlotAndTheTableTellItToo() {
    let plot = FrontierPlot.render(frontier, budget: 8.5)
    #expect(plot.contains("against latency") && plot.contains("┊ budget: 8.50 ms"))
    #expect(plot.contains("uniform bf16") && plot.contains("9.00 ms"))
    let rows = FrontierCSV.render(frontier).split(separator: "\n")
    #expect(rows[1].hasPrefix("exact,,10000000,") && rows[1].contains(",7.5,"))
    #expect(rows[4].contains("uniform bf16,25000000,16.0,9.0,"))
  }

  @Test func bytesLookAsTheyDid() {
    let svg = FrontierSVG.render(Samples.realistic)
    #expect(svg.contains("loss against size") && svg.contains("bits per weight"))
    #expect(count("class=\"budget\"", in: svg) == 0)
  }
}
