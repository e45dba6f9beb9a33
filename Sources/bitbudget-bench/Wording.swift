import Vocabulary

/// A length of time for people: `0.034 s`, `45.7 s`, `5 min 12 s`.
func duration(_ seconds: Double) -> String {
  if seconds < 10 { return "\(fixed(seconds, digits: 3)) s" }
  if seconds < 120 { return "\(fixed(seconds, digits: 1)) s" }
  let whole = Int(seconds.rounded())
  return "\(whole / 60) min \(whole % 60) s"
}

/// A size in decimal megabytes or gigabytes.
func size(_ bytes: Int) -> String {
  bytes >= 1_000_000_000
    ? "\(fixed(Double(bytes) / 1e9, digits: 2)) GB" : "\(fixed(Double(bytes) / 1e6, digits: 1)) MB"
}
