import Report
import Testing
import Vocabulary

/// What a measured frontier adds to its pictures, and the tables of steps and differences.
@Suite struct FrontierReportTests {
  private var measured: Frontier {
    var frontier = Samples.frontier(
      points: [(10_000_000, 1, 2), (20_000_000, 0.5, 2.5), (40_000_000, 0.1, nil)],
      baselines: [
        .init(
          name: "uniform int4", bytes: 25_000_000, bpw: 2.5, loss: 0.7, measured: 0.8, low: 0.7,
          high: 0.9)
      ])
    (frontier.points[0].low, frontier.points[0].high) = (1.5, 2.25)
    (frontier.points[1].low, frontier.points[1].high) = (2.25, 2.75)
    (frontier.points[0].dominated, frontier.points[1].dominated) = (false, true)
    frontier.agreement = .init(
      count: 2, spearman: -1, kendall: -1, spearmanWithBaselines: 0.5, dominated: 1)
    return frontier
  }

  @Test func intervalsHaveColumns() {
    #expect(
      FrontierCSV.render(measured) == """
        series,name,bytes,bpw,latency,loss,measured,low,high,dominated
        exact,,10000000,1.0,,1.0,2.0,1.5,2.25,false
        exact,,20000000,2.0,,0.5,2.5,2.25,2.75,true
        exact,,40000000,4.0,,0.1,,,,
        baseline,uniform int4,25000000,2.5,,0.7,0.8,0.7,0.9,

        """)
  }

  @Test func theDrawingShowsIntervalsAndWhatIsDominated() {
    let svg = FrontierSVG.render(measured)
    func count(_ text: String) -> Int { svg.components(of: text) }
    // Two points and a uniform format, three strokes each.
    #expect(count("class=\"interval\"") == 9)
    #expect(count("class=\"measured-dominated\"") == 1)
    #expect(count("class=\"measured\"") == 1)
    #expect(count("[2.25, 2.75]") == 1 && count("; dominated<") == 1)
    #expect(FrontierSVG.render(Samples.realistic).components(of: "class=\"interval\"") == 0)
  }

  @Test func thePlotTellsHowFarTheOrderHolds() {
    let plot = FrontierPlot.render(measured)
    #expect(plot.contains("○ measured, dominated"))
    #expect(
      plot.contains(
        "predicted against measured: Spearman -1.000 (0.500 with the uniform formats), "
          + "Kendall -1.000; 1 of 2 measured points dominated\n"))
    #expect(!FrontierPlot.render(Samples.realistic).contains("Spearman"))
  }

  @Test func stepsAreATable() {
    let changes = (0..<5).map { FrontierStep.Change(group: "g\($0)", from: "int2", to: "int4") }
    let steps = [
      FrontierStep(
        point: 0, bytes: 10_000_000, bpw: 2.5, extraBytes: 2_000_000, saved: 0.5,
        changes: [changes[0]]),
      FrontierStep(
        point: 1, bytes: 12_000_000, bpw: 3, extraBytes: 500_000, saved: 0.01, changes: changes),
    ]
    #expect(
      FrontierStepsTable.render(steps, unit: "nats/token", changes: 2)
        == """
           from    bpw     costs  saves (nats/token)  saved per MB  changes
        \(rule(100))
        10.0 MB  2.500    2.0 MB               0.500         0.250  g0: int2 → int4
        12.0 MB  3.000  500.0 kB              0.0100        0.0200  g0: int2 → int4, g1: int2 → int4, 3 more

        """)
    #expect(FrontierStepsTable.render([], unit: "u") == "one policy and no steps\n")
  }

  @Test func differencesAreATable() {
    let difference = FrontierDifference(
      model: "Tiny", unit: "nats/token", measured: true,
      rows: [
        .init(bytes: 10_000_000, first: 2, second: 1.5, overlaps: true),
        .init(bytes: 20_000_000, first: 1, second: 1.25, overlaps: false),
        .init(bytes: 30_000_000, first: 0.5, second: 0.5, overlaps: true),
      ], reference: [1, 1], firstHypervolume: 200, secondHypervolume: 150, disagreement: nil)
    let text = FrontierDifferenceTable.render(difference, first: "a.json", second: "b.json")
    #expect(
      text
        == """
        Tiny: measured loss in nats/token
        first: a.json
        second: b.json
           size  first  second  second − first  better
        \(rule(65))
        10.0 MB   2.00    1.50          -0.500  second, intervals overlap
        20.0 MB   1.00    1.25           0.250  first
        30.0 MB  0.500   0.500               0  equal
        of 3 sizes the first is better at 1, the second at 1, equal at 1
        hypervolume: 200.0 and 150.0 (-25.0 %)

        """)
    // Of many rows the ends and some between.
    let many = FrontierDifference(
      model: "Tiny", unit: "u", measured: false,
      rows: (1...100).map { .init(bytes: $0, first: 1, second: 2) }, reference: [1, 1],
      firstHypervolume: 0, secondHypervolume: 0,
      disagreement: "'x' loses 1 in one and 2 in the other")
    let short = FrontierDifferenceTable.render(many, first: "a", second: "b", rows: 3)
    #expect(short.contains("\n  1 B ") && short.contains("\n 50 B ") && short.contains("\n100 B "))
    #expect(short.components(of: " B ") == 3 && short.contains("careful"))
  }
}

/// The line under a table's titles.
private func rule(_ width: Int) -> String { String(repeating: "─", count: width) }

extension String {
  /// How often `part` is in it.
  fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
