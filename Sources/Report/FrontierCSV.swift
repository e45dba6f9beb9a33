public import Vocabulary

/// The frontier's points and baselines as a table for other tools (RFC 4180).
public enum FrontierCSV {
  /// A header, a row for every point, a row for every baseline; what is not known stays empty.
  ///
  /// Intervals and what is dominated have columns where anything was measured with an interval.
  public static func render(_ frontier: Frontier) -> String {
    let hasIntervals =
      frontier.points.contains { $0.low != nil } || frontier.baselines.contains { $0.low != nil }
    var rows = [["series", "name", "bytes", "bpw", "latency", "loss", "measured"]]
    if hasIntervals { rows[0] += ["low", "high", "dominated"] }
    let further = frontier.axes.filter { !rows[0].contains($0) }
    rows[0] += further
    func more(_ low: Double?, _ high: Double?, _ dominated: Bool?) -> [String] {
      guard hasIntervals else { return [] }
      return [
        low.map { "\($0)" } ?? "", high.map { "\($0)" } ?? "", dominated.map { "\($0)" } ?? "",
      ]
    }
    for (index, point) in frontier.points.enumerated() {
      rows.append(
        [
          frontier.kind.rawValue, index == frontier.knee ? "knee" : "", "\(point.bytes)",
          "\(point.bpw)", point.latency.map { "\($0)" } ?? "", "\(point.loss)",
          point.measured.map { "\($0)" } ?? "",
        ] + more(point.low, point.high, point.dominated)
          + further.map { axis in point.value(on: axis).map { "\($0)" } ?? "" })
    }
    for baseline in frontier.baselines {
      rows.append(
        [
          "baseline", baseline.name, "\(baseline.bytes)", "\(baseline.bpw)",
          baseline.value(on: "latency").map { "\($0)" } ?? "",
          "\(baseline.loss)", baseline.measured.map { "\($0)" } ?? "",
        ] + more(baseline.low, baseline.high, nil)
          + further.map { axis in baseline.value(on: axis).map { "\($0)" } ?? "" })
    }
    return rows.map { $0.map(quoted).joined(separator: ",") + "\n" }.joined()
  }

  private static func quoted(_ field: String) -> String {
    // Scalars and not characters: "\r\n" is one character that equals neither half.
    guard field.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else {
      return field
    }
    return "\"\(field.replacing("\"", with: "\"\""))\""
  }
}
