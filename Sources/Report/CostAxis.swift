import Vocabulary

/// The horizontal axis of a trade-off with the loss: which cost, and how it is told.
struct CostAxis {
  /// The cost's name, such as `latency`.
  var name: String

  /// The first axis of a frontier that is not the loss.
  init(_ frontier: Frontier) {
    name = frontier.axes.first { $0 != "loss" } ?? "bytes"
  }

  /// What the cost is called in titles.
  var title: String {
    switch name {
    case "bytes": "size"
    case "resident": "memory"
    case "bops": "bit operations"
    default: name
    }
  }

  /// Whether it counts bytes.
  var isSize: Bool { name == "bytes" || name == "resident" }

  /// Where a policy is; nil where it does not say.
  func value(_ point: Frontier.Point) -> Double? { point.value(on: name) }

  /// Where a uniform policy is; nil where it does not say.
  func value(_ baseline: Frontier.Baseline) -> Double? { baseline.value(on: name) }

  /// A unit in which values up to `largest` have few digits.
  func unit(for largest: Double) -> SizeUnit {
    func chosen(_ units: [(String, Double)]) -> SizeUnit {
      let fitting = units.first { largest >= $0.1 } ?? units[units.count - 1]
      return SizeUnit(name: fitting.0, bytes: fitting.1)
    }
    switch name {
    case "latency": return chosen([("s", 1e3), ("ms", 1), ("µs", 1e-3)])
    case "energy": return chosen([("J", 1e3), ("mJ", 1), ("µJ", 1e-3)])
    case "bops": return chosen([("TBOPs", 1e12), ("GBOPs", 1e9), ("MBOPs", 1e6), ("BOPs", 1)])
    case "bits": return SizeUnit(name: "bits", bytes: 1)
    default: return SizeUnit(for: largest)
    }
  }

  /// A value with its unit, such as `62.1 MB` or `12.3 ms`.
  func text(_ value: Double) -> String {
    if isSize { return shortSize(Int(min(value, 9e18))) }
    let unit = unit(for: abs(value))
    return "\(significant(value / unit.bytes, digits: 3)) \(unit.name)"
  }

  /// A policy's place in words: the cost, and the size where that is another.
  func place(_ value: Double, bytes: Int, bpw: Double) -> String {
    let size = "\(shortSize(bytes)), \(fixed(bpw, digits: 2)) bpw"
    return name == "bytes" ? size : "\(text(value)), \(size)"
  }
}
