import Foundation
import Report
import Testing
import Vocabulary

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// The elements of an XML text with their attributes, and whether it is well-formed.
private final class Elements: NSObject, XMLParserDelegate {
  var elements: [(name: String, attributes: [String: String])] = []
  var text = ""

  static func parse(_ svg: String) -> Elements? {
    let parser = XMLParser(data: Data(svg.utf8))
    let elements = Elements()
    parser.delegate = elements
    return parser.parse() ? elements : nil
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String] = [:]
  ) {
    elements.append((name, attributes))
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

  func all(_ name: String, class kind: String) -> [[String: String]] {
    elements.filter { $0.name == name && $0.attributes["class"] == kind }.map(\.attributes)
  }
}

@Suite struct FrontierSVGTests {
  @Test func isWellFormedAndNamesEveryBaseline() throws {
    let frontier = Samples.realistic
    let svg = FrontierSVG.render(frontier)
    let page = try #require(Elements.parse(svg))
    for baseline in frontier.baselines { #expect(page.text.contains(baseline.name)) }
    #expect(page.text.contains("SmolLM2-135M"))
    #expect(page.text.contains("nats/token"))
    #expect(page.text.contains("knee: "))
    #expect(page.all("circle", class: "predicted").count == frontier.points.count)
    #expect(
      page.all("circle", class: "measured").count
        == frontier.points.count { $0.measured != nil })
    #expect(page.all("polygon", class: "baseline-predicted").count == frontier.baselines.count)
    #expect(FrontierSVG.render(frontier) == svg)
  }

  @Test func largerIsToTheRightAndWorseIsHigher() throws {
    let page = try #require(Elements.parse(FrontierSVG.render(Samples.realistic)))
    let circles = page.all("circle", class: "predicted")
    let x = circles.compactMap { $0["cx"].flatMap(Double.init) }
    let y = circles.compactMap { $0["cy"].flatMap(Double.init) }
    #expect(x.count == Samples.realistic.points.count && y.count == x.count)
    #expect(zip(x, x.dropFirst()).allSatisfy { $0 < $1 })
    #expect(zip(y, y.dropFirst()).allSatisfy { $0 < $1 })
    // A loss that falls by the same factor falls by the same distance.
    let steps = zip(y, y.dropFirst()).map { $1 - $0 }
    let (smallest, largest) = (steps.min() ?? 0, steps.max() ?? 9)
    #expect(largest - smallest < 0.21)
  }

  @Test func labelsCoverNothing() throws {
    let page = try #require(Elements.parse(FrontierSVG.render(Samples.realistic)))
    let labels = page.elements.filter {
      $0.attributes["class"] == "label" || $0.attributes["class"] == "label knee"
    }
    #expect(labels.count == Samples.realistic.baselines.count + 1)
    let places = labels.compactMap { label -> (x: Double, y: Double)? in
      guard let x = label.attributes["x"].flatMap(Double.init),
        let y = label.attributes["y"].flatMap(Double.init)
      else { return nil }
      return (x, y)
    }
    // Shorter names than six characters do not occur: nearer centres would overlap.
    for (index, a) in places.enumerated() {
      for b in places[(index + 1)...] {
        #expect(abs(a.x - b.x) > 30 || abs(a.y - b.y) > 11)
      }
    }
  }

  @Test(arguments: 0..<8)
  func oddFrontiersAreDrawnToo(kind: Int) throws {
    let model = "a<b> & \"c\" 'd' \u{1}\n</svg>"
    var frontier: Frontier
    switch kind {
    case 0: frontier = Samples.frontier(points: [], model: model)
    case 1: frontier = Samples.frontier(points: [(5, 0, nil)], knee: 0, model: model)
    case 2:
      frontier = Samples.frontier(
        points: [(10, 1, -0.1), (20, 0.5, 0), (30, 0, 0.1)], knee: 9, model: model)
    case 3:
      frontier = Samples.frontier(
        points: [(1, 1e-300, nil), (2, .leastNonzeroMagnitude, nil)], model: model)
    case 4:
      frontier = Samples.frontier(points: [(7, 1e300, nil), (8, 1, nil)], knee: 1, model: model)
    case 5:
      frontier = Samples.frontier(
        points: (0..<3000).map { index -> (bytes: Int, loss: Double, measured: Double?) in
          (bytes: 1_000_000_000 + index * 1_000_000, loss: 1 / Double(index + 1), measured: nil)
        }, model: model)
    case 6:
      let baselines = (0..<200).map {
        Frontier.Baseline(name: "<u\($0)>", bytes: 100 + $0 % 3, bpw: 4, loss: 0.1, measured: 0)
      }
      frontier = Samples.frontier(points: [(99, 1, nil)], baselines: baselines, model: model)
    default:
      frontier = Samples.frontier(
        points: [(10, .infinity, .nan), (20, 0.5, nil)], baselines: [], model: model)
    }
    frontier.unit = "nats & <more>"
    let page = try #require(Elements.parse(FrontierSVG.render(frontier, width: 640, height: 400)))
    for baseline in frontier.baselines { #expect(page.text.contains(baseline.name)) }
    #expect(page.all("circle", class: "predicted").count == frontier.points.count)
    for element in page.elements {
      for key in ["x", "y", "cx", "cy", "x1", "y1", "points"] {
        let value = element.attributes[key] ?? ""
        #expect(!value.contains("nan") && !value.contains("inf"))
      }
    }
    let hasZero = frontier.points.contains { $0.loss == 0 || $0.measured == 0 }
    if hasZero { #expect(page.text.contains("drawn on the lower edge")) }
    #expect(!FrontierPlot.render(frontier, budget: 15).isEmpty)
    #expect(!FrontierCSV.render(frontier).isEmpty)
  }
}

@Suite struct TextReportTests {
  @Test func csvHasARowForEveryPolicy() {
    let frontier = Samples.frontier(
      points: [(10, 1, nil), (20, 0.25, 0.5)],
      baselines: [Frontier.Baseline(name: "a, \"b\"", bytes: 15, bpw: 4.5, loss: 2, measured: 3)],
      knee: 1)
    #expect(
      FrontierCSV.render(frontier) == """
        series,name,bytes,bpw,latency,loss,measured
        exact,,10,1e-06,,1.0,
        exact,knee,20,2e-06,,0.25,0.5
        baseline,"a, ""b""\",15,4.5,,2.0,3.0

        """)
  }

  @Test func terminalPlotHasNotMoved() {
    let frontier = Samples.frontier(
      points: [(10_000_000, 1, nil), (20_000_000, 0.2, 0.6), (40_000_000, 0.01, nil)],
      baselines: [
        Frontier.Baseline(name: "uniform int4", bytes: 25_000_000, bpw: 2.5, loss: 0.4),
        Frontier.Baseline(name: "uniform q4_0", bytes: 25_000_000, bpw: 2.5, loss: 0.4),
      ], knee: 1)
    let plot = FrontierPlot.render(frontier, width: 48, height: 8, budget: 30_000_000)
    #expect(plot == Goldens.plot)
  }

  @Test func blocksBecomeAStrip() {
    var layers: [Policy.LayerChoice] = []
    for block in 0..<12 {
      for module in ["attention.query", "mlp"] {
        layers.append(
          Policy.LayerChoice(
            name: "encoder.layer.\(block).\(module)", tensor: "t", kind: .linear, group: block,
            weight: block % 4 == 0 ? "int6-g64" : module == "mlp" ? "int3-g64" : "int4-g64",
            bytes: 100_000, pinned: block == 3, why: ""))
      }
    }
    layers.append(
      Policy.LayerChoice(
        name: "embeddings.word", tensor: "t", kind: .embedding, group: 12, weight: "int8-g64",
        bytes: 1_000_000, pinned: false, why: ""))
    #expect(PolicyTable.render(Samples.policy(layers: layers)) == Goldens.strip)
    layers.removeFirst(20)
    // Two blocks are a list.
    let list = PolicyTable.render(Samples.policy(layers: layers))
    for layer in layers { #expect(list.contains("\n\(layer.name) ")) }
  }

  @Test func sharesAreOfWeightsWhereTheyAreKnown() {
    let text = PolicyTable.render(Samples.policy(), weights: [1000, 2000, 1000])
    #expect(text.contains("75.0 %") && text.contains("25.0 %") && text.contains("of weights"))
  }

  @Test func verificationLeavesOutEmptyColumns() {
    var row = VerificationRow(
      name: "policy", bytes: 90_000_000, bpw: 4.5, mean: 0.0341, low: 0.03, high: 0.04, p99: 0.5,
      agreement: 0.93, verdict: "best")
    var other = row
    other.name = "uniform int4-g64"
    other.agreement = nil
    other.verdict = "worse by 0.02"
    #expect(
      VerificationTable.render([row, other], unit: "nats/token") == """
        policy               size    bpw  nats/token  95 % interval       p99  top-1 kept
        ────────────────────────────────────────────────────────────────────────────────────────────────
        policy            90.0 MB  4.500      0.0341  [0.0300, 0.0400]  0.500      93.0 %  best
        uniform int4-g64  90.0 MB  4.500      0.0341  [0.0300, 0.0400]  0.500           –  worse by 0.02

        """)
    row.agreement = nil
    #expect(!VerificationTable.render([row], unit: "u").contains("top-1"))
  }
}
