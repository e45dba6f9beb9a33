/// A rectangle on the page; y grows downwards.
struct Box {
  var x: Double
  var y: Double
  var width: Double
  var height: Double

  /// The area that both cover.
  func overlap(_ other: Box) -> Double {
    let w = min(x + width, other.x + other.width) - max(x, other.x)
    let h = min(y + height, other.y + other.height) - max(y, other.y)
    return w > 0 && h > 0 ? w * h : 0
  }

  func contains(_ other: Box) -> Bool {
    other.x >= x && other.y >= y && other.x + other.width <= x + width
      && other.y + other.height <= y + height
  }
}

/// Finds a place for every label: near its anchor, within the frame, on top of nothing.
///
/// Greedy: places are tried in rings around the anchor, nearest first; a label that finds none is
/// left out (its marker keeps the name as a tooltip).
struct LabelLayout {
  /// Where labels may lie.
  var frame: Box
  /// What they must not cover.
  var taken: [Box] = []

  /// The width of a line of text in a common sans-serif, on the safe side.
  static func width(of text: String, size: Double) -> Double {
    text.reduce(0) { sum, character in
      sum + size
        * ("iljtf.,:;'|!()[] -".contains(character)
          ? 0.38 : "mwMW%".contains(character) ? 0.9 : 0.62)
    }
  }

  /// Keeps a straight line free of labels.
  mutating func block(from a: (x: Double, y: Double), to b: (x: Double, y: Double)) {
    let length = max(abs(b.x - a.x), abs(b.y - a.y))
    let steps = max(1, Int(length / 5))
    for step in 0...steps {
      let share = Double(step) / Double(steps)
      taken.append(
        Box(
          x: a.x + share * (b.x - a.x) - 2.5, y: a.y + share * (b.y - a.y) - 2.5, width: 5,
          height: 5))
    }
  }

  /// The label's place; nil when everything around the anchor is taken.
  mutating func place(
    _ text: String, size: Double, around anchor: (x: Double, y: Double)
  ) -> (box: Box, needsLeader: Bool)? {
    let width = LabelLayout.width(of: text, size: size)
    let height = size * 1.25
    // Directions clockwise from the right; above and to the right first: curves fall to the right.
    let directions: [(Double, Double)] = [
      (1, 0), (1, -1), (0, -1), (1, 1), (0, 1), (-1, -1), (-1, 0), (-1, 1),
    ]
    for distance in [7.0, 12, 20, 30, 42, 56, 72, 90] {
      for (dx, dy) in directions {
        let slant = dx != 0 && dy != 0 ? 0.75 : 1
        let centre = (x: anchor.x + dx * distance * slant, y: anchor.y + dy * distance * slant)
        let box = Box(
          x: dx > 0 ? centre.x : dx < 0 ? centre.x - width : centre.x - width / 2,
          y: dy > 0 ? centre.y : dy < 0 ? centre.y - height : centre.y - height / 2,
          width: width, height: height)
        guard frame.contains(box), taken.allSatisfy({ $0.overlap(box) == 0 }) else { continue }
        taken.append(box)
        return (box, distance > 12)
      }
    }
    return nil
  }
}
