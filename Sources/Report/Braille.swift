/// A raster of dots, eight to a character: two columns, four rows.
struct BrailleCanvas {
  let columns: Int
  let rows: Int
  private var cells: [UInt8]

  init(columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
    cells = [UInt8](repeating: 0, count: columns * rows)
  }

  /// Sets the dot at `x` from the left and `y` from the top, in dots; outside is ignored.
  mutating func set(x: Int, y: Int) {
    guard x >= 0, y >= 0, x < 2 * columns, y < 4 * rows else { return }
    // Unicode counts the upper three rows of the left column, of the right, then the lowest row.
    let bits: [[UInt8]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]
    cells[y / 4 * columns + x / 2] |= bits[y % 4][x % 2]
  }

  /// Sets the dots of a straight line.
  mutating func line(from a: (x: Int, y: Int), to b: (x: Int, y: Int)) {
    let steps = max(abs(b.x - a.x), abs(b.y - a.y))
    for step in 0...max(1, steps) {
      let share = Double(step) / Double(max(1, steps))
      set(
        x: a.x + Int((share * Double(b.x - a.x)).rounded()),
        y: a.y + Int((share * Double(b.y - a.y)).rounded()))
    }
  }

  /// The characters of a row; cells without a dot are spaces.
  func characters(ofRow row: Int) -> [Character] {
    cells[row * columns..<(row + 1) * columns].map { bits in
      bits == 0 ? " " : Character(Unicode.Scalar(0x2800 + UInt32(bits)) ?? " ")
    }
  }
}
