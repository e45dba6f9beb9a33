import Vocabulary

/// The parts of the drawing, back to front.
struct FrontierDrawing {
  let frontier: Frontier
  let budgets: [Budget]
  let axis: CostAxis
  let domain: PlotDomain
  let plot: Box
  let width: Double
  let height: Double
  let x: LinearScale
  let y: LogScale
  var svg = SVG()
  var labels: LabelLayout

  init(_ frontier: Frontier, budgets: [Budget], width: Double, height: Double) {
    self.frontier = frontier
    self.budgets = budgets
    axis = CostAxis(frontier)
    self.width = width
    self.height = height
    domain = PlotDomain(frontier)
    plot = Box(x: 82, y: 128, width: max(50, width - 82 - 30), height: max(50, height - 128 - 66))
    x = LinearScale(domain: domain.costs, pixels: (plot.x, plot.x + plot.width))
    y = LogScale(domain: domain.losses, pixels: (plot.y + plot.height, plot.y))
    labels = LabelLayout(
      frame: Box(x: plot.x + 4, y: plot.y + 4, width: plot.width - 8, height: plot.height - 8))
  }

  var title: String {
    "\(shortened(frontier.model, to: max(12, Int(width / 11) - 16))): loss against \(axis.title)"
  }

  mutating func draw() {
    svg.add(
      "rect", [("class", "page"), ("width", SVG.number(width)), ("height", SVG.number(height))])
    svg.add(
      "rect",
      [
        ("class", "plot"), ("x", SVG.number(plot.x)), ("y", SVG.number(plot.y)),
        ("width", SVG.number(plot.width)), ("height", SVG.number(plot.height)),
      ])
    drawLossAxis()
    drawCostAxes()
    drawBudgets()
    drawTitle()
    drawLegend()
    drawCurves()
    drawBaselines()
    drawKnee()
    placeLabels()
    drawNote()
  }

  private mutating func drawTitle() {
    svg.text(title, 24, 36, class: "title")
    let kinds: [Frontier.Kind: String] = [
      .hull: "lower convex hull", .exact: "exact frontier", .measured: "measured frontier",
    ]
    let parts = [
      kinds[frontier.kind] ?? "", "\(frontier.points.count) policies",
      "\(frontier.groups.count) groups of layers", "loss in \(frontier.unit)",
    ]
    svg.text(parts.joined(separator: "  ·  "), 24, 57, class: "subtitle")
  }

  private mutating func drawLegend() {
    var cursor = 24.0
    let middle = 80.0
    func advance(_ text: String) { cursor += 26 + LabelLayout.width(of: text, size: 12.5) }
    if !frontier.points.isEmpty {
      let text = "predicted"
      svg.polyline([(cursor, middle), (cursor + 20, middle)], class: "predicted-line")
      svg.circle(cursor + 10, middle, radius: 3.5, class: "key-mark predicted")
      svg.text(text, cursor + 26, middle + 4, class: "key")
      advance(text)
    }
    if hasMeasuredPoints {
      let text = "measured on held-out data"
      svg.polyline([(cursor, middle), (cursor + 20, middle)], class: "measured-line")
      svg.circle(cursor + 10, middle, radius: 3.5, class: "key-mark measured")
      svg.text(text, cursor + 26, middle + 4, class: "key")
      advance(text)
    }
    if frontier.points.contains(where: { $0.dominated == true }) {
      let text = "dominated"
      svg.circle(cursor + 10, middle, radius: 3.5, class: "key-mark measured-dominated")
      svg.text(text, cursor + 26, middle + 4, class: "key")
      advance(text)
    }
    if !frontier.baselines.isEmpty {
      let text = "uniform format, predicted"
      svg.diamond(cursor + 10, middle, radius: 5, class: "key-mark baseline-predicted")
      svg.text(text, cursor + 26, middle + 4, class: "key")
      advance(text)
    }
    if frontier.baselines.contains(where: { $0.measured != nil }) {
      let text = "uniform format, measured"
      svg.diamond(cursor + 10, middle, radius: 5.5, class: "key-mark baseline-measured")
      svg.text(text, cursor + 26, middle + 4, class: "key")
      advance(text)
    }
  }

  private var hasMeasuredPoints: Bool { frontier.points.contains { $0.measured != nil } }

  private mutating func drawLossAxis() {
    let decades = y.decades
    for minor in y.minors {
      let at = y(Double(minor.multiple) * power(minor.exponent))
      svg.line(plot.x, at, plot.x + plot.width, at, class: "minor")
      // With few decades on the page, their numbers alone leave the reader guessing.
      let named = decades.count <= 1 || (decades.count <= 3 && [2, 5].contains(minor.multiple))
      if named {
        let text = significant(Double(minor.multiple) * power(minor.exponent), digits: 1)
        svg.text(text, plot.x - 8, at + 3.5, class: "tick small", anchor: "end")
      }
    }
    for decade in decades {
      let at = y(power(decade))
      svg.line(plot.x, at, plot.x + plot.width, at, class: "grid")
      svg.line(plot.x - 5, at, plot.x, at, class: "mark")
      svg.text(powerOfTen(decade), plot.x - 8, at + 4, class: "tick", anchor: "end")
    }
    svg.text(
      "loss (\(frontier.unit))", 26, plot.y + plot.height / 2, class: "axis", anchor: "middle",
      rotated: true)
  }

  private mutating func drawCostAxes() {
    let bottom = plot.y + plot.height
    let unit = axis.unit(for: domain.costs.upperBound)
    let scaled = LinearScale(
      domain: (x.domain.lowerBound / unit.bytes)...(x.domain.upperBound / unit.bytes),
      pixels: x.pixels)
    let sizes = scaled.ticks(atMost: max(2, Int(plot.width / 80)))
    for size in sizes.values {
      let at = scaled(size)
      svg.line(at, plot.y, at, bottom, class: "grid")
      svg.line(at, bottom, at, bottom + 5, class: "mark")
      svg.text(
        fixed(size, digits: sizes.decimals), at, bottom + 19, class: "tick", anchor: "middle")
    }
    let centre = plot.x + plot.width / 2
    svg.text("\(axis.title) (\(unit.name))", centre, bottom + 42, class: "axis", anchor: "middle")

    if let map = domain.bitsPerWeight {
      let bits = LinearScale(
        domain: (map.slope * x.domain.lowerBound + map.intercept)...(map.slope
          * x.domain.upperBound + map.intercept), pixels: x.pixels)
      let ticks = bits.ticks(atMost: max(2, Int(plot.width / 80)))
      for value in ticks.values where value >= 0 {
        let at = bits(value)
        svg.line(at, plot.y - 5, at, plot.y, class: "mark")
        svg.text(
          fixed(value, digits: ticks.decimals), at, plot.y - 9, class: "tick", anchor: "middle")
      }
      svg.text("bits per weight", centre, plot.y - 25, class: "axis", anchor: "middle")
    }
    svg.add(
      "rect",
      [
        ("class", "frame"), ("x", SVG.number(plot.x)), ("y", SVG.number(plot.y)),
        ("width", SVG.number(plot.width)), ("height", SVG.number(plot.height)),
      ])
  }

  /// Where a point of the curve is.
  private func across(_ point: Frontier.Point) -> Double {
    x(axis.value(point) ?? domain.costs.lowerBound)
  }

  /// A point's place in words.
  private func text(_ point: Frontier.Point) -> String {
    axis.place(axis.value(point) ?? 0, bytes: point.bytes, bpw: point.bpw)
  }

  /// A line for every budget on an axis that lies on the page: upright for the cost, level for the loss.
  private mutating func drawBudgets() {
    let (right, bottom) = (plot.x + plot.width, plot.y + plot.height)
    for budget in budgets {
      if budget.kind.rawValue == axis.name, domain.costs.contains(budget.limit) {
        let at = x(budget.limit)
        svg.line(at, plot.y, at, bottom, class: "budget")
        svg.text(
          "at most \(axis.text(budget.limit))", at + 5, plot.y + 14, class: "label budget-label")
      } else if budget.kind == .loss, domain.losses.contains(budget.limit) {
        let at = y(budget.limit)
        svg.line(plot.x, at, right, at, class: "budget")
        svg.text(
          "at most \(significant(budget.limit)) \(frontier.unit)", right - 6, at - 5,
          class: "label budget-label", anchor: "end")
      }
    }
  }

  private mutating func drawCurves() {
    let predicted = frontier.points.map { (x: across($0), y: y($0.loss)) }
    // What measurement found dominated is off the measured curve.
    let measured = frontier.points.filter { $0.dominated != true }.compactMap { point in
      point.measured.map { (x: across(point), y: y($0)) }
    }
    for line in [predicted, measured] {
      for (a, b) in zip(line, line.dropFirst()) { labels.block(from: a, to: b) }
    }
    if predicted.count > 1 { svg.polyline(predicted, class: "predicted-line") }
    if measured.count > 1 { svg.polyline(measured, class: "measured-line") }
    // Dots that touch are a worse line.
    let radius = predicted.count <= 60 ? 3.5 : predicted.count <= 150 ? 2.5 : 1.5
    for (place, point) in zip(predicted, frontier.points) {
      svg.circle(
        place.x, place.y, radius: radius, class: "predicted",
        tooltip: "\(text(point)): \(significant(point.loss)) predicted")
    }
    for point in frontier.points {
      guard let loss = point.measured else { continue }
      let place = (x: across(point), y: y(loss))
      drawInterval(at: place.x, point.low, point.high)
      let isDominated = point.dominated == true
      svg.circle(
        place.x, place.y, radius: 4, class: isDominated ? "measured-dominated" : "measured",
        tooltip: "\(text(point)): "
          + "\(significant(loss)) measured\(range(point.low, point.high)), "
          + "\(significant(point.loss)) predicted\(isDominated ? "; dominated" : "")")
    }
  }

  /// The 95 % interval of a measured loss, where there is one.
  private mutating func drawInterval(at x: Double, _ low: Double?, _ high: Double?) {
    guard let low, let high, low.isFinite, high.isFinite else { return }
    svg.line(x, y(low), x, y(high), class: "interval")
    for end in [low, high] { svg.line(x - 3, y(end), x + 3, y(end), class: "interval") }
  }

  private func range(_ low: Double?, _ high: Double?) -> String {
    guard let low, let high else { return "" }
    return " [\(significant(low)), \(significant(high))]"
  }

  private mutating func drawBaselines() {
    for baseline in frontier.baselines {
      guard let cost = axis.value(baseline) else { continue }
      let at = x(cost)
      let known =
        baseline.measured.map {
          ", \(significant($0)) measured\(range(baseline.low, baseline.high))"
        } ?? ""
      let tooltip =
        "\(baseline.name): \(axis.place(cost, bytes: baseline.bytes, bpw: baseline.bpw)), "
        + "\(significant(baseline.loss)) predicted\(known)"
      if let measured = baseline.measured {
        svg.line(at, y(baseline.loss), at, y(measured), class: "shift")
        drawInterval(at: at, baseline.low, baseline.high)
      }
      svg.diamond(
        at, y(baseline.loss), radius: 5, class: "baseline-predicted", tooltip: tooltip)
      if let measured = baseline.measured {
        svg.diamond(
          at, y(measured), radius: 5.5, class: "baseline-measured", tooltip: tooltip)
      }
      for loss in [baseline.loss, baseline.measured ?? baseline.loss] {
        labels.taken.append(Box(x: at - 5.5, y: y(loss) - 5.5, width: 11, height: 11))
      }
    }
  }

  private mutating func drawKnee() {
    guard let point = knee else { return }
    let place = (x: across(point), y: y(point.loss))
    svg.circle(place.x, place.y, radius: 7.5, class: "knee-ring")
    labels.taken.append(Box(x: place.x - 7.5, y: place.y - 7.5, width: 15, height: 15))
  }

  private var knee: Frontier.Point? {
    frontier.knee.flatMap { frontier.points.indices.contains($0) ? frontier.points[$0] : nil }
  }

  private mutating func placeLabels() {
    if let point = knee {
      let text =
        "knee: \(text(point)), \(significant(point.loss))"
      put(text, at: (across(point), y(point.loss)), class: "label knee", clearance: 4)
    }
    for baseline in frontier.baselines {
      guard let cost = axis.value(baseline) else { continue }
      let loss = baseline.measured ?? baseline.loss
      // The legend says already that a diamond is a uniform format.
      let prefix = "uniform "
      let name =
        baseline.name.hasPrefix(prefix)
        ? String(baseline.name.dropFirst(prefix.count)) : baseline.name
      put(name, at: (x(cost), y(loss)), class: "label", clearance: 0)
    }
  }

  private mutating func put(
    _ text: String, at anchor: (x: Double, y: Double), class name: String, clearance: Double
  ) {
    guard let place = labels.place(text, size: 11.5, around: anchor) else { return }
    let box = place.box
    if place.needsLeader {
      let to = (
        x: min(max(anchor.x, box.x), box.x + box.width),
        y: min(max(anchor.y, box.y), box.y + box.height)
      )
      let length = max(
        1e-9,
        ((to.x - anchor.x) * (to.x - anchor.x)
          + (to.y - anchor.y) * (to.y - anchor.y)).squareRoot())
      let start = (6 + clearance) / length
      if start < 1 {
        svg.line(
          anchor.x + start * (to.x - anchor.x), anchor.y + start * (to.y - anchor.y), to.x, to.y,
          class: "leader")
      }
    }
    svg.text(text, box.x + box.width / 2, box.y + 0.78 * box.height, class: name, anchor: "middle")
  }

  private mutating func drawNote() {
    guard domain.below > 0 else { return }
    let losses = domain.below == 1 ? "1 loss" : "\(domain.below) losses"
    svg.text(
      "\(losses) at or near zero: drawn on the lower edge", plot.x + plot.width,
      plot.y + plot.height + 42, class: "note", anchor: "end")
  }
}
