/// A size in bytes that is always told both ways where it is a limit: GB = 10⁹, GiB = 2³⁰.
public struct ByteCount: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
  /// The number of bytes.
  public var bytes: Int

  /// A size of `bytes` bytes.
  public init(_ bytes: Int) { self.bytes = bytes }

  /// Smaller sizes come first.
  public static func < (a: ByteCount, b: ByteCount) -> Bool { a.bytes < b.bytes }

  /// Decimal and binary, such as `90.0 MB (85.8 MiB)`.
  public var description: String {
    let magnitude = abs(Double(bytes))
    if magnitude < 1000 { return "\(bytes) B" }
    let (power, decimal, binary) =
      magnitude < 1e6 ? (1, "kB", "KiB") : magnitude < 1e9 ? (2, "MB", "MiB") : (3, "GB", "GiB")
    func scaled(by unit: Double) -> String {
      var divisor = 1.0
      for _ in 0..<power { divisor *= unit }
      return fixed(Double(bytes) / divisor, digits: 1)
    }
    return "\(scaled(by: 1000)) \(decimal) (\(scaled(by: 1024)) \(binary))"
  }

  /// Reads `90MB`, `1.5GiB`, `1024`, `512kB`; nil when it is none of these.
  public init?(parsing text: String) {
    let units: [(String, Double)] = [
      ("kib", 1024), ("mib", 1_048_576), ("gib", 1_073_741_824), ("tib", 1_099_511_627_776),
      ("kb", 1e3), ("mb", 1e6), ("gb", 1e9), ("tb", 1e12), ("b", 1), ("", 1),
    ]
    let text = text.lowercased()
    guard let (suffix, scale) = units.first(where: { text.hasSuffix($0.0) }),
      let number = Double(text.dropLast(suffix.count)), number >= 0, number * scale < 9e18
    else { return nil }
    bytes = Int(number * scale)
  }
}

/// A number with a fixed count of decimals, without Foundation.
public func fixed(_ value: Double, digits: Int) -> String {
  guard value.isFinite else { return "\(value)" }
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let scaled = (abs(value) * scale).rounded()
  guard scaled < 9e18 else { return "\(value)" }
  let units = Int(scaled)
  let sign = value < 0 && units > 0 ? "-" : ""
  guard digits > 0 else { return "\(sign)\(units)" }
  let fraction = String(units % Int(scale))
  let padding = String(repeating: "0", count: digits - fraction.count)
  return "\(sign)\(units / Int(scale)).\(padding)\(fraction)"
}

/// A number with `digits` significant digits, in the notation that is shorter to read.
public func significant(_ value: Double, digits: Int = 3) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
  var exponent = 0
  var mantissa = abs(value)
  while mantissa >= 10 { mantissa /= 10; exponent += 1 }
  while mantissa < 1 { mantissa *= 10; exponent -= 1 }
  if exponent >= 6 || exponent < -4 {
    return "\(value < 0 ? "-" : "")\(fixed(mantissa, digits: digits - 1))e\(exponent)"
  }
  return fixed(value, digits: max(0, digits - 1 - exponent))
}
