public import Vocabulary

/// The frontier in a terminal: a curve of braille dots over size, loss on a logarithmic axis.
public enum FrontierPlot {
  /// Draws a frontier as lines of text.
  ///
  /// `◆` is the knee, `●` a measured policy, `○` one that another measured policy dominates, `┊` a
  /// budget; uniform formats are letters that are spelled out below, at their measured loss where
  /// there is one.
  ///
  /// - Parameters:
  ///   - width: Characters in a line, at least 40.
  ///   - height: Rows of the plot itself, at least 6.
  ///   - budget: What a policy may cost on the horizontal axis: bytes, unless that is another.
  public static func render(
    _ frontier: Frontier, width: Int = 76, height: Int = 18, budget: Double? = nil
  ) -> String {
    let margin = 8
    let columns = max(40, width) - margin - 1
    let rows = max(6, height)
    let domain = PlotDomain(frontier)
    let axis = domain.axis
    let x = LinearScale(domain: domain.costs, pixels: (0, Double(2 * columns - 1)))
    let y = LogScale(domain: domain.losses, pixels: (Double(4 * rows - 1), 0))
    func place(_ cost: Double, _ loss: Double) -> (x: Int, y: Int) {
      (Int(x(cost).rounded()), Int(y(loss).rounded()))
    }
    func across(_ point: Frontier.Point) -> Double {
      axis.value(point) ?? domain.costs.lowerBound
    }

    var canvas = BrailleCanvas(columns: columns, rows: rows)
    let curve = frontier.points.map { place(across($0), $0.loss) }
    for dot in curve { canvas.set(x: dot.x, y: dot.y) }
    for (a, b) in zip(curve, curve.dropFirst()) { canvas.line(from: a, to: b) }
    var cells = (0..<rows).map(canvas.characters(ofRow:))
    if let budget, domain.costs.contains(budget) {
      let column = place(budget, domain.losses.upperBound).x / 2
      for row in 0..<rows where cells[row][column] == " " { cells[row][column] = "┊" }
    }
    func put(_ mark: Character, _ cost: Double, _ loss: Double) {
      let at = place(cost, loss)
      cells[at.y / 4][at.x / 2] = mark
    }
    for point in frontier.points {
      if let measured = point.measured {
        put(point.dominated == true ? "○" : "●", across(point), measured)
      }
    }
    if let knee = frontier.knee, frontier.points.indices.contains(knee) {
      put("◆", across(frontier.points[knee]), frontier.points[knee].loss)
    }
    // Uniform formats of equal size lie on top of each other: the next free column tells them apart.
    for (index, baseline) in frontier.baselines.enumerated() {
      guard let cost = axis.value(baseline) else { continue }
      let at = place(cost, baseline.measured ?? baseline.loss)
      let row = cells[at.y / 4]
      let column = [0, 1, -1, 2, -2].map { at.x / 2 + $0 }.first { column in
        row.indices.contains(column) && !row[column].isLetter && !"●○◆".contains(row[column])
      }
      cells[at.y / 4][column ?? at.x / 2] = letter(index)
    }

    let labels = lossLabels(y, rows: rows)
    var lines = ["loss (\(frontier.unit)) against \(axis.title), \(frontier.model)"]
    for row in 0..<rows {
      let label = padded(labels[row] ?? "", to: margin - 1, right: true)
      lines.append("\(label) \(labels[row] == nil ? "│" : "┤")\(String(cells[row]))")
    }
    lines += sizeAxis(domain, columns: columns, margin: margin)
    lines += legend(frontier, budget: budget)
    return lines.map { trimmed($0) + "\n" }.joined()
  }

  private static func letter(_ index: Int) -> Character {
    let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return index < letters.count ? letters[index] : "*"
  }

  /// Labels by row: decades, and 2 and 5 between them where there is room for few decades.
  private static func lossLabels(_ y: LogScale, rows: Int) -> [Int: String] {
    var labels: [Int: String] = [:]
    let decades = y.decades.map { (power($0), "1e\($0)") }
    var marks = decades
    if decades.count <= 2 {
      let between = y.minors.filter { decades.isEmpty || [2, 5].contains($0.multiple) }
      marks += between.map {
        (Double($0.multiple) * power($0.exponent), "\($0.multiple)e\($0.exponent)")
      }
    }
    for (value, text) in marks {
      let row = Int(y(value).rounded()) / 4
      if labels[row] == nil { labels[row] = text }
    }
    return labels
  }

  private static func sizeAxis(_ domain: PlotDomain, columns: Int, margin: Int) -> [String] {
    let unit = domain.axis.unit(for: domain.costs.upperBound)
    let scale = LinearScale(
      domain: (domain.costs.lowerBound / unit.bytes)...(domain.costs.upperBound / unit.bytes),
      pixels: (0, Double(columns - 1)))
    let ticks = scale.ticks(atMost: columns / 11)
    var line = [Character](repeating: "─", count: columns)
    var below = [Character](repeating: " ", count: columns + margin + 1)
    for value in ticks.values {
      let column = Int(scale(value).rounded())
      line[column] = "┬"
      let text = Array(fixed(value, digits: ticks.decimals))
      let start = column + margin + 1 - text.count / 2
      for (offset, character) in text.enumerated() where start + offset < below.count {
        below[start + offset] = character
      }
    }
    let name = padded(unit.name, to: margin - 1, right: true)
    below.replaceSubrange(0..<name.count, with: Array(name))
    return [String(repeating: " ", count: margin) + "└" + String(line), String(below)]
  }

  private static func legend(_ frontier: Frontier, budget: Double?) -> [String] {
    let axis = CostAxis(frontier)
    var entries: [String] = []
    if let knee = frontier.knee, frontier.points.indices.contains(knee) {
      let point = frontier.points[knee]
      entries.append(
        "◆ knee: \(axis.place(axis.value(point) ?? 0, bytes: point.bytes, bpw: point.bpw)), "
          + "\(significant(point.loss))")
    }
    if frontier.points.contains(where: { $0.measured != nil }) { entries.append("● measured") }
    if frontier.points.contains(where: { $0.dominated == true }) {
      entries.append("○ measured, dominated")
    }
    if let budget { entries.append("┊ budget: \(axis.text(budget))") }
    let indent = String(repeating: " ", count: 3)
    var lines = entries.isEmpty ? [] : [indent + entries.joined(separator: "   ")]
    if let agreement = frontier.agreement { lines.append(indent + sentence(agreement)) }
    let longest = frontier.baselines.map(\.name.count).max() ?? 0
    for (index, baseline) in frontier.baselines.enumerated() {
      let loss =
        baseline.measured.map { "\(significant($0)) measured" } ?? significant(baseline.loss)
      lines.append(
        "\(indent)\(letter(index)) \(padded(baseline.name, to: longest))  "
          + "\(padded(shortSize(baseline.bytes), to: 9, right: true))  "
          + "\(padded(fixed(baseline.bpw, digits: 2), to: 5, right: true)) bpw"
          + (axis.name == "bytes"
            ? "" : "  \(padded(axis.value(baseline).map(axis.text) ?? "", to: 9, right: true))")
          + "  \(loss)")
    }
    return lines
  }

  /// How far the prediction can be trusted, in one line.
  private static func sentence(_ agreement: Frontier.Agreement) -> String {
    let dominated = "\(agreement.dominated) of \(agreement.count) measured points dominated"
    guard let spearman = agreement.spearman, let kendall = agreement.kendall else {
      return dominated
    }
    let together = agreement.spearmanWithBaselines.map {
      " (\(fixed($0, digits: 3)) with the uniform formats)"
    }
    return "predicted against measured: Spearman \(fixed(spearman, digits: 3))\(together ?? ""), "
      + "Kendall \(fixed(kendall, digits: 3)); \(dominated)"
  }

  private static func trimmed(_ line: String) -> String {
    var line = line
    while line.hasSuffix(" ") { line.removeLast() }
    return line
  }
}
