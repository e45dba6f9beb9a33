import Vocabulary

/// Bits by module (rows) and block (columns), for networks of repeated blocks.
struct BitStrip {
  /// The strip, title first.
  private(set) var lines: [String] = []
  /// Indices of the layers that belong to no block.
  private(set) var others: [Int] = []

  /// Nil when the names do not tell of at least three like blocks.
  init?(_ layers: [Policy.LayerChoice]) {
    var rows: [(module: String, cells: [Int: Int])] = []
    for (index, layer) in layers.enumerated() {
      guard let (module, block) = BitStrip.place(of: layer.name), block < 1000 else {
        others.append(index)
        continue
      }
      if let row = rows.firstIndex(where: { $0.module == module }) {
        guard rows[row].cells[block] == nil else { return nil }
        rows[row].cells[block] = index
      } else {
        rows.append((module, [block: index]))
      }
    }
    let blocks = (rows.flatMap { $0.cells.keys }.max() ?? -1) + 1
    let placed = rows.reduce(0) { $0 + $1.cells.count }
    // A strip that is mostly holes tells less than a list.
    guard blocks >= 3, 2 * placed >= blocks * rows.count, 2 * placed >= layers.count else {
      return nil
    }
    let prefix = BitStrip.commonPrefix(rows.map(\.module))
    let names = rows.map { shortened(String($0.module.dropFirst(prefix.count)), to: 40) }
    let margin = names.map(\.count).max() ?? 0
    let cells = rows.map { row in
      (0..<blocks).map { block in row.cells[block].map { BitStrip.bits(layers[$0]) } ?? "·" }
    }
    let widest = cells.joined().map(\.count).max() ?? 1
    let hasPins = rows.contains { $0.cells.values.contains { layers[$0].pinned } }
    // Forty columns of two characters still fit an ordinary window.
    let pitch = widest == 1 && blocks > 40 && !hasPins ? 1 : widest + 1

    lines.append("bits by module and block, \(prefix)0 to \(prefix)\(blocks - 1)")
    var ruler = [Character](repeating: " ", count: blocks * pitch + 3)
    for block in stride(from: 0, to: blocks, by: 5) {
      // The number's last digit stands above the column's last.
      let text = "\(block)"
      let start = block * pitch + widest - text.count
      for (offset, digit) in text.enumerated() where start + offset >= 0 {
        ruler[start + offset] = digit
      }
    }
    while ruler.last == " " { ruler.removeLast() }
    lines.append(padded("", to: margin + 2) + String(ruler))
    for (row, name) in names.enumerated() {
      let bits = cells[row].enumerated().map { block, bits in
        let isPinned = rows[row].cells[block].map { layers[$0].pinned } ?? false
        return padded(padded(bits, to: widest, right: true) + (isPinned ? "*" : ""), to: pitch)
      }.joined()
      let bytes = rows[row].cells.values.reduce(0) { $0 + layers[$1].bytes }
      lines.append(
        "\(padded(name, to: margin))  \(bits) \(padded(shortSize(bytes), to: 9, right: true))")
    }
  }

  /// The module without its block's number, and the number: the first part of the name that is one.
  private static func place(of name: String) -> (module: String, block: Int)? {
    guard let match = name.firstMatch(of: #/(^|[._\/])(\d+)([._\/].*|$)/#),
      let block = Int(match.output.2)
    else { return nil }
    let before = name[..<match.output.2.startIndex]
    let after = match.output.3.drop { "._/".contains($0) }
    return ("\(before)\(after)", block)
  }

  private static func commonPrefix(_ names: [String]) -> String {
    guard var prefix = names.first else { return "" }
    for name in names { while !name.hasPrefix(prefix) { prefix.removeLast() } }
    while let last = prefix.last, !"._/".contains(last) { prefix.removeLast() }
    return prefix
  }

  /// The code width in a format's name, such as 4 of `int4-g64`.
  private static func bits(_ layer: Policy.LayerChoice) -> String {
    let bits = layer.weight.firstMatch(of: #/\d+/#).map { String($0.output) }
    return bits ?? String(layer.weight.prefix(1))
  }
}
