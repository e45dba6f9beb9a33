import Vocabulary

/// A unit in which a whole axis or column of sizes is told.
struct SizeUnit {
  /// The unit as it is written: B, kB, MB or GB.
  var name: String
  /// Bytes in one of it.
  var bytes: Double

  /// A unit of so many.
  init(name: String, bytes: Double) {
    self.name = name
    self.bytes = bytes
  }

  /// The decimal unit in which `largest` has one to three digits before the point.
  init(for largest: Double) {
    (name, bytes) =
      largest >= 1e9
      ? ("GB", 1e9) : largest >= 1e6 ? ("MB", 1e6) : largest >= 1e3 ? ("kB", 1e3) : ("B", 1)
  }
}

/// A size with its decimal unit alone, such as `62.1 MB`.
func shortSize(_ bytes: Int) -> String {
  let unit = SizeUnit(for: Double(abs(bytes)))
  return
    "\(unit.bytes == 1 ? "\(bytes)" : fixed(Double(bytes) / unit.bytes, digits: 1)) \(unit.name)"
}

/// The exponent's power of ten with a real minus and superscripts, such as `10⁻³`.
func powerOfTen(_ exponent: Int) -> String {
  let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
  let superscript = String(abs(exponent)).compactMap { $0.wholeNumberValue.map { digits[$0] } }
  return "10\(exponent < 0 ? "⁻" : "")\(String(superscript))"
}

/// 10 to an integer power, exact where a Double can be.
func power(_ exponent: Int) -> Double {
  var value = 1.0
  for _ in 0..<abs(exponent) { value *= 10 }
  return exponent < 0 ? 1 / value : value
}

/// `text` filled up with spaces to `width` characters.
func padded(_ text: String, to width: Int, right: Bool = false) -> String {
  let space = String(repeating: " ", count: max(0, width - text.count))
  return right ? space + text : text + space
}

/// `text` cut to `width` characters, the cut marked.
func shortened(_ text: String, to width: Int) -> String {
  text.count <= width ? text : text.prefix(max(0, width - 1)) + "…"
}
