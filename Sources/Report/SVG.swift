import Vocabulary

/// A drawing that grows element by element.
struct SVG {
  private(set) var body = ""
  private var depth = 1

  /// An element with its attributes in the order given; `content` is taken as it is.
  mutating func add(_ name: String, _ attributes: [(String, String)], content: String? = nil) {
    let list = attributes.map { " \($0.0)=\"\(SVG.escaped($0.1))\"" }.joined()
    let indent = String(repeating: "  ", count: depth)
    body += indent + (content.map { "<\(name)\(list)>\($0)</\(name)>\n" } ?? "<\(name)\(list)/>\n")
  }

  mutating func open(_ attributes: [(String, String)]) {
    let list = attributes.map { " \($0.0)=\"\(SVG.escaped($0.1))\"" }.joined()
    body += String(repeating: "  ", count: depth) + "<g\(list)>\n"
    depth += 1
  }

  mutating func close() {
    depth -= 1
    body += String(repeating: "  ", count: depth) + "</g>\n"
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, class name: String) {
    add(
      "line",
      [
        ("class", name), ("x1", SVG.number(x1)), ("y1", SVG.number(y1)), ("x2", SVG.number(x2)),
        ("y2", SVG.number(y2)),
      ])
  }

  mutating func text(
    _ text: String, _ x: Double, _ y: Double, class name: String, anchor: String = "start",
    rotated: Bool = false
  ) {
    var attributes = [
      ("class", name), ("x", SVG.number(x)), ("y", SVG.number(y)), ("text-anchor", anchor),
    ]
    if rotated {
      attributes.append(("transform", "rotate(-90 \(SVG.number(x)) \(SVG.number(y)))"))
    }
    add("text", attributes, content: SVG.escaped(text))
  }

  mutating func circle(
    _ x: Double, _ y: Double, radius: Double, class name: String, tooltip: String? = nil
  ) {
    add(
      "circle",
      [
        ("class", name), ("cx", SVG.number(x)), ("cy", SVG.number(y)), ("r", SVG.number(radius)),
      ],
      content: tooltip.map { "<title>\(SVG.escaped($0))</title>" })
  }

  mutating func diamond(
    _ x: Double, _ y: Double, radius: Double, class name: String, tooltip: String? = nil
  ) {
    let corners = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)]
    add(
      "polygon",
      [
        ("class", name),
        (
          "points", corners.map { "\(SVG.number($0.0)),\(SVG.number($0.1))" }.joined(separator: " ")
        ),
      ],
      content: tooltip.map { "<title>\(SVG.escaped($0))</title>" })
  }

  mutating func polyline(_ points: [(x: Double, y: Double)], class name: String) {
    add(
      "polyline",
      [
        ("class", name),
        ("points", points.map { "\(SVG.number($0.x)),\(SVG.number($0.y))" }.joined(separator: " ")),
      ])
  }

  /// A tenth of a pixel is finer than any screen, and the same on every machine.
  static func number(_ value: Double) -> String { fixed(value, digits: 1) }

  /// Text that may stand in an element or an attribute; characters that XML forbids become `�`.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n", "\r": result += " "
      case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
